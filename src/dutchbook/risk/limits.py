"""What may be lost, where: every limit has a name, a default and a unit; a missing one refuses."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dutchbook.domain.meta import Millis, money
from dutchbook.domain.units import ONE


def _share(description: str) -> Meta:
    return money(f"share {description}; 0.1 is a tenth", 0, ONE)


class RiskLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money limits count the worst case: positions at cost, and open, flying and unknown orders."""

    per_order: Annotated[int, money("$ of one order, at most")] = 2_000 * ONE
    per_basket: Annotated[int, money("$ of capital of one basket, at most")] = 1_000 * ONE
    per_market: Annotated[int, money("$ in one market")] = 10_000 * ONE
    per_event: Annotated[int, money("$ in the markets of one event")] = 20_000 * ONE
    per_category: Annotated[int, money("$ in one category")] = 100_000 * ONE
    per_strategy: Annotated[int, money("$ of one strategy")] = 150_000 * ONE
    per_venue: Annotated[int, money("$ at one venue")] = 95_000 * ONE
    per_account: Annotated[int, money("$ in all")] = 180_000 * ONE
    position_share: Annotated[int, _share("of the bankroll in one market")] = 100_000
    heat_share: Annotated[int, _share("of the bankroll that may be lost at worst")] = 300_000
    residual_share: Annotated[
        int, _share("of the bankroll that may be lost if venues settle one thing differently")
    ] = 500_000
    collar: Annotated[int, money("$ that a limit may be worse than the best price", 0, ONE)] = (
        250_000
    )
    day_loss_alert: Annotated[int, _share("lost in a day: nothing new begins")] = 50_000
    day_loss_halt: Annotated[int, _share("lost in a day: everything stops")] = 100_000
    drawdown_basis: Annotated[
        Literal["start", "peak", "day"], Meta(description="what drawdown is measured from")
    ] = "peak"
    drawdown_halve: Annotated[int, _share("down from the basis: half sizes")] = 50_000
    drawdown_reduce: Annotated[int, _share("down from the basis: certified arbitrage only")] = (
        100_000
    )
    drawdown_halt: Annotated[int, _share("down from the basis: everything stops")] = 150_000
    orders_per_second: Annotated[
        int, Meta(ge=1, le=100_000, description="orders to one venue in a second, at most")
    ] = 200
    repeats_max: Annotated[
        int, Meta(ge=1, le=10_000, description="identical orders within repeat_ms, at most")
    ] = 20
    repeat_ms: Annotated[Millis, Meta(description="span in which repeats are counted")] = 10_000
    unknown_max: Annotated[
        int, Meta(ge=0, le=10_000, description="orders of unknown fate, then nothing new")
    ] = 20
    voids_max: Annotated[
        int, Meta(ge=1, le=10_000, description="trades of a market that fail, then it is paused")
    ] = 3
    void_share: Annotated[int, _share("of a market's trades that may fail before that")] = 100_000
    refusals_max: Annotated[
        int, Meta(ge=1, le=10_000, description="refusals for funds in a row, then a market pauses")
    ] = 5
    confidence_min: Annotated[int, _share("of certainty that an opinion needs, at least")] = 600_000
    skew_alert_ms: Annotated[Millis, Meta(description="clock differs from a venue's: alert")] = (
        1_000
    )
    skew_stop_ms: Annotated[Millis, Meta(description="and nothing is sent beyond this")] = 5_000
    ramp: Annotated[bool, Meta(description="mode live begins with small trades")] = True
