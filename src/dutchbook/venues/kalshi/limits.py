"""What Kalshi lets us ask for: token budgets as values, and how long to wait after a refusal."""

from typing import Any

import msgspec

from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Bucket

READ = "kalshi.read"
WRITE = "kalshi.write"
CANCEL = "kalshi.cancel"
CANCEL_PERCENT = 25
"""The part of the write budget that only cancels may use: at least 20 % must stay for them."""
COST = 10  # tokens of a default request
BASIC = Bucket(READ, 200, 200)
BASIC_WRITE = (100, 100)
_FIRST = SECOND
_LONGEST = 60 * SECOND


class Costs(msgspec.Struct):
    """Tokens of what does not cost the default, until the venue has said otherwise."""

    create: int = 10
    cancel: int = 2
    amend: int = 10
    get_order: int = 2


class _Budget(msgspec.Struct):
    refill_rate: int
    bucket_capacity: int


class Limits(msgspec.Struct):
    """The answer of /account/limits, as far as it is used."""

    usage_tier: str
    read: _Budget
    write: _Budget


class _Cost(msgspec.Struct):
    method: str
    path: str
    cost: int


class EndpointCosts(msgspec.Struct):
    """The answer of /account/endpoint_costs: what differs from the default."""

    endpoint_costs: list[Any]
    default_cost: int = COST


def read_bucket(limits: Limits) -> Bucket:
    """The read budget of this account; a nonsensical answer counts as the Basic tier."""
    rate, burst = limits.read.refill_rate, limits.read.bucket_capacity
    return Bucket(READ, rate, burst) if _sane(rate, burst) else BASIC


def write_buckets(limits: Limits | None = None) -> tuple[Bucket, Bucket]:
    """The write budget in two: what cancels may use, and what everything else may use."""
    rate, burst = BASIC_WRITE
    if limits is not None and _sane(limits.write.refill_rate, limits.write.bucket_capacity):
        rate, burst = limits.write.refill_rate, limits.write.bucket_capacity
    kept = (max(1, rate * CANCEL_PERCENT // 100), max(1, burst * CANCEL_PERCENT // 100))
    return Bucket(WRITE, rate - kept[0], burst - kept[1]), Bucket(CANCEL, *kept)


def learn_costs(costs: Costs, told: EndpointCosts) -> None:
    """Take the venue's costs of the endpoints that we use; others are passed over."""
    costs.create = costs.amend = told.default_cost if 1 <= told.default_cost <= 1_000 else COST
    for raw in told.endpoint_costs:
        try:
            one = msgspec.convert(raw, _Cost)
        except msgspec.ValidationError:
            continue
        name = _USED.get((one.method.upper(), _shape(one.path)))
        if name is not None and 1 <= one.cost <= 1_000:
            setattr(costs, name, one.cost)


_USED = {
    ("POST", "/portfolio/events/orders"): "create",
    ("DELETE", "/portfolio/events/orders/{}"): "cancel",
    ("POST", "/portfolio/events/orders/{}/amend"): "amend",
    ("GET", "/portfolio/orders/{}"): "get_order",
}


def _shape(path: str) -> str:
    """A path template with its variables unnamed and without the API's prefix."""
    parts = path.removeprefix("/trade-api/v2").split("/")
    return "/".join("{}" if part.startswith(("{", ":")) else part for part in parts)


def _sane(rate: int, burst: int) -> bool:
    return COST <= rate <= 1_000_000 and COST <= burst <= 10_000_000


def wait(attempt: int) -> Ns:
    """How long to wait before asking again after the n-th refusal (from 1): doubles to a minute."""
    return Ns(min(_LONGEST, _FIRST << min(attempt - 1, 6)))
