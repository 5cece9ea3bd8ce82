"""The parameters that all strategies with a calibrated opinion share; shares in millionths."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dutchbook.domain.meta import money
from dutchbook.domain.units import ONE


def px(description: str) -> Meta:
    """A price, or a share of something, 0 to 1."""
    return money(description, 0, ONE)


def span(description: str, least: int = 0) -> Meta:
    """Whole seconds."""
    return Meta(ge=least, le=10**9, description=description)


class Common(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When to enter, how to leave, when to give up; the defaults are those of the specification."""

    budget: Annotated[int, money("$ that it may hold and offer, at most")] = 200 * ONE
    stake: Annotated[int, money("$ of a position, at most")] = 10 * ONE
    kelly: Annotated[
        int, px("share of Kelly's size on its budget that a position has; 0: only stake bounds it")
    ] = 250_000
    edge_min: Annotated[
        int, px("calibrated edge of a contract that an entry needs, after fees")
    ] = 20_000
    confidence_min: Annotated[
        int, px("how sure it must be that there is any edge, by the table")
    ] = 750_000
    volume_min: Annotated[int, money("$ traded in 24 h, more than which an entry needs")] = (
        1_000 * ONE
    )
    work: Annotated[
        Literal["either", "take", "make"],
        Meta(description="take: cross; make: rest at the best bid; either: rest if crossing fails"),
    ] = "either"
    gain_part: Annotated[int, money("of the edge gained, then it leaves", 0, 100 * ONE)] = 500_000
    loss_part: Annotated[int, money("times the edge lost, then it leaves", 0, 100 * ONE)] = 2 * ONE
    hold_max_s: Annotated[int, span("seconds, then it leaves")] = 7 * 86_400
    hold_min_s: Annotated[int, span("seconds in which only the loss counts")] = 3_600
    rest_s: Annotated[int, span("seconds that a market is let alone after leaving it")] = 86_400
    decay_alpha: Annotated[
        int, money("error rate of the test that stops the strategy", 1, ONE - 1)
    ] = 50_000
    review_s: Annotated[int, span("seconds between reviews", 1)] = 30
    age_s: Annotated[int, span("seconds that a resting order may stand; 0: no bound")] = 0
    markets_max: Annotated[
        int, Meta(ge=0, le=100_000, description="markets that it watches, the busiest ones")
    ] = 2_000
    categories: Annotated[
        str, Meta(description="only these, as venues call them, with commas between; empty: all")
    ] = ""
