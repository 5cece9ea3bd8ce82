"""What of a venue's rate budget is left: a pure value, spent against a clock that others read."""

import msgspec

from dutchbook.domain.units import SECOND, Ns, ceil_div
from dutchbook.venues.base import Bucket

SHARE_PERCENT = 90
"""The part of a budget that we use: answers and clocks jitter, and a 429 of our own is a defect."""


class Left(msgspec.Struct, frozen=True):
    """What was left at a time, in billionths of a token; below zero after an outsized call."""

    nano: int
    at: Ns


def full(bucket: Bucket, now: Ns) -> Left:
    """A budget that nothing has been spent of."""
    return Left(_most(bucket), now)


def empty(now: Ns) -> Left:
    """A budget that the venue says is used up."""
    return Left(0, now)


def spend(bucket: Bucket, left: Left, cost: int, now: Ns) -> tuple[Left, Ns]:
    """(what is left, 0) if `cost` tokens can be spent at `now`, else (unchanged, ns to wait).

    A cost beyond the whole budget waits until it is full and then goes into debt.
    """
    rate = bucket.rate * SHARE_PERCENT
    nano = min(_most(bucket), left.nano + (now - left.at) * rate // 100)
    need = min(cost * SECOND, _most(bucket))
    if nano >= need:
        return Left(nano - cost * SECOND, now), Ns(0)
    return left, Ns(max(1, ceil_div((need - nano) * 100, rate)))


def _most(bucket: Bucket) -> int:
    return bucket.burst * SECOND * SHARE_PERCENT // 100
