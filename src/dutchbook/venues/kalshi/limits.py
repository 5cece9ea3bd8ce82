"""What Kalshi lets us ask for: token budgets as values, and how long to wait after a refusal."""

import msgspec

from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Bucket

READ = "kalshi.read"
COST = 10  # tokens of a default request
BASIC = Bucket(READ, 200, 200)
_FIRST = SECOND
_LONGEST = 60 * SECOND


class _Budget(msgspec.Struct):
    refill_rate: int
    bucket_capacity: int


class Limits(msgspec.Struct):
    """The answer of /account/limits, as far as it is used."""

    usage_tier: str
    read: _Budget
    write: _Budget


def read_bucket(limits: Limits) -> Bucket:
    """The read budget of this account; a nonsensical answer counts as the Basic tier."""
    rate, burst = limits.read.refill_rate, limits.read.bucket_capacity
    if not (COST <= rate <= 1_000_000 and COST <= burst <= 10_000_000):
        return BASIC
    return Bucket(READ, rate, burst)


def wait(attempt: int) -> Ns:
    """How long to wait before asking again after the n-th refusal (from 1): doubles to a minute."""
    return Ns(min(_LONGEST, _FIRST << min(attempt - 1, 6)))
