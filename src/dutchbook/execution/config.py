"""How orders are worked: spans in milliseconds, money in millionths."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dutchbook.domain.meta import Millis, money


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the executor; the defaults suit venues a few milliseconds away."""

    leg_timeout_ms: Annotated[Millis, Meta(description="then a leg without news is asked for")] = (
        300
    )
    ask_first_ms: Annotated[Millis, Meta(description="an unknown order is asked for after")] = 100
    ask_most_ms: Annotated[Millis, Meta(description="and again at most so far apart")] = 2_000
    fill_poll_ms: Annotated[Millis, Meta(description="a resting order is asked for every")] = 2_000
    alert_ms: Annotated[Millis, Meta(description="an open basket is told to people after")] = 3_000
    queue_bound_ms: Annotated[
        Millis, Meta(description="how long a venue may sit on a request before it acts on it")
    ] = 60_000
    reconcile_ms: Annotated[Millis, Meta(description="how often books are compared")] = 30_000
    cool_ms: Annotated[Millis, Meta(description="a market rests after a failed trade")] = 10_000
    baskets_max: Annotated[int, Meta(ge=1, le=1_000, description="baskets under way at once")] = 50
    repairs_max: Annotated[int, Meta(ge=0, le=100, description="orders to repair a basket")] = 6
    unwind_max: Annotated[int, money("$ that repairing one basket may lose, at most")] = 50_000_000
