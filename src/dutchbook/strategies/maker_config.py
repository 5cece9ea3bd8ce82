"""The parameters of market making; shares and prices in millionths of a dollar."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dutchbook.domain.meta import money
from dutchbook.domain.units import ONE


def _px(description: str) -> Meta:
    return money(description, 0, ONE)


def _times(description: str) -> Meta:
    return money(f"{description}; 1.5 is half as much again", ONE, 100 * ONE)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the maker does; the defaults are those of the specification.

    Spreads are in dollars of a contract that pays $1, so that 0.04 is four cents from bid to ask.
    """

    budget: Annotated[int, money("$ that it may hold and offer, at most")] = 500 * ONE
    markets_max: Annotated[
        int, Meta(ge=0, le=10_000, description="markets that it quotes, the busiest ones")
    ] = 40
    order: Annotated[int, money("contracts of a quote", 10_000)] = 10 * ONE
    model: Annotated[
        Literal["spread", "logit"],
        Meta(description="spread: as set here; logit: Avellaneda-Stoikov on log odds"),
    ] = "spread"
    spread: Annotated[int, _px("from bid to ask, at rest")] = 40_000
    spread_volatile: Annotated[
        int, _times("as wide, times, when volatility is above its own median of an hour")
    ] = 1_500_000
    spread_inventory: Annotated[
        int, _px("wider by, for each 10 contracts held, on the side that would grow them")
    ] = 10_000
    spread_expiry: Annotated[int, _times("as wide, times, near the end")] = 2 * ONE
    expiry_hours: Annotated[
        int, Meta(ge=0, le=10_000, description="hours before a market closes that are its end")
    ] = 6
    stop_minutes: Annotated[
        int, Meta(ge=0, le=100_000, description="minutes before it closes without any quote")
    ] = 10
    skew: Annotated[int, _px("the centre moves by, against each 10 contracts held")] = 5_000
    inventory_max: Annotated[int, money("contracts held in a market, at most, either way")] = (
        50 * ONE
    )
    rebalance: Annotated[int, money("above so many contracts only what reduces is quoted")] = (
        20 * ONE
    )
    cross_s: Annotated[
        int, Meta(ge=1, le=10**6, description="seconds of that, then the excess is crossed")
    ] = 120
    cross_loss: Annotated[int, _px("given up per contract to cross, at most")] = 30_000
    requote: Annotated[int, _px("the fair value moves by, then quotes move")] = 20_000
    review_s: Annotated[int, Meta(ge=1, le=86_400, description="seconds between reviews")] = 30
    age_s: Annotated[
        int, Meta(ge=1, le=86_400, description="seconds that a quote may stand, at most")
    ] = 30
    link_weight: Annotated[int, _px("share of a linked market's price in the fair value")] = 500_000
    edge_min: Annotated[
        int, _px("a quote must be worth, per contract, after fees, with rebates and rewards")
    ] = 5_000
    confidence: Annotated[int, _px("how sure the fair value is taken to be")] = 700_000
    px_min: Annotated[int, _px("nothing is quoted below this fair value, or above $1 less it")] = (
        50_000
    )
    rebate: Annotated[
        int, _px("share of takers' fees that Polymarket gives back; 0: count none")
    ] = 250_000
    reward: Annotated[
        int, _px("$ a day that Polymarket pays for a contract at the middle; 0: count none")
    ] = 0
    reward_spread: Annotated[int, _px("rewards reach so far from the middle")] = 30_000
    reward_size: Annotated[int, money("and count quotes of so many contracts, at least")] = 0
    risk_aversion: Annotated[int, money("logit: gamma, per quote held", 1, 100 * ONE)] = 100_000
    order_decay: Annotated[
        int, money("logit: kappa, how fast fills thin out with distance", 1, 10_000 * ONE)
    ] = 25 * ONE
    horizon_hours: Annotated[
        int, Meta(ge=1, le=10_000, description="logit: hours that risk is looked ahead, at most")
    ] = 1
