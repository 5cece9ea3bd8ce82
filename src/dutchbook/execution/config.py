"""How orders are worked and when positions are left: spans in milliseconds, money in millionths."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dutchbook.domain.meta import Millis, money
from dutchbook.domain.units import ONE

Style = Literal["market", "limit", "hybrid"]


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
    repairs_max: Annotated[int, Meta(ge=0, le=100, description="repairs of a basket")] = 6
    unwind_max: Annotated[int, money("$ that repairing one basket may lose, at most")] = 50_000_000
    shown_ms: Annotated[
        Millis, Meta(description="so long a book that has not changed still shows what we took")
    ] = 1_000
    style: Annotated[
        Style,
        Meta(
            description="market: cross every leg at once; limit: rest on every leg; "
            "hybrid: rest on the leg with the least offers, cross the others as it fills"
        ),
    ] = "market"
    rest_ms: Annotated[Millis, Meta(description="how long legs may rest, then they are ended")] = (
        2_000
    )
    post_only: Annotated[
        bool, Meta(description="resting legs never take: one step below the best offer")
    ] = False
    at_deadline: Annotated[
        Literal["cancel", "cross"],
        Meta(description="hybrid, at its deadline: be content, or cross the rest if it still pays"),
    ] = "cancel"
    auto: Annotated[
        bool, Meta(description="take what is found; false: only what a person executes")
    ] = True


class Exits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When what is held is sold before its market ends; 0 is off.

    Only `basket_take` is on by default: it sells equal shares of every leg, for not less than
    holding them is sure to pay, so no guess about a price is in it; a leg that fails is repaired
    like any other. All else trades on an opinion, or sells for less: that is a person's choice.
    Profit, age and the event's end hold for done baskets (in equal shares) and for positions by
    hand, the stop for those by hand only: a basket pays what it pays, wherever its prices go.
    """

    basket_take: Annotated[
        int, money("bids pay so much per $1 that a done basket guarantees: sell it", 0, 10 * ONE)
    ] = ONE
    profit: Annotated[
        int, money("gain, as a share of a basket's promise or a position's cost", 0, 100 * ONE)
    ] = 0
    stop: Annotated[int, money("loss, as a share of the cost of a position by hand", 0, ONE)] = 0
    age_s: Annotated[
        int, Meta(ge=0, le=10**8, description="seconds that something is held, at most")
    ] = 0
    end_minutes: Annotated[
        int, Meta(ge=0, le=10**6, description="minutes before its market closes, where known")
    ] = 0
    again_ms: Annotated[Millis, Meta(description="after a try the same rests so long")] = 1_000
