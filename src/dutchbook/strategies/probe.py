"""Random entry: buys what the dice say and holds it; what a strategy must beat to be one."""

from hashlib import blake2b
from typing import Annotated, Final

import msgspec

from dutchbook.domain.candidate import Catalogue, Outcome
from dutchbook.domain.events import TradePrinted
from dutchbook.domain.units import ONE, SECOND, Px, Qty
from dutchbook.domain.wish import QuoteView, Wish

OUTCOMES: Final[tuple[Outcome, Outcome]] = ("yes", "no")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`one_in`: of so many looks at a market one opens a position. `hold_s`: then it is sold."""

    seed: int = 1
    one_in: Annotated[int, msgspec.Meta(ge=1, le=10**12)] = 40
    qty: Annotated[int, msgspec.Meta(ge=1, le=10**15)] = 10_000_000
    hold_s: Annotated[int, msgspec.Meta(ge=0, le=10**9)] = 600
    budget: int = 100_000_000


class Probe:
    """Its dice are a hash of (seed, seq, market): no state, and a replay throws the same."""

    name = "probe"
    review = 30 * SECOND
    age_max = 0

    def __init__(self, config: Config) -> None:
        self.config = config

    def watches(self, catalogue: Catalogue) -> list[str]:
        return [market.key for market in catalogue.instruments() if market.status == "open"]

    def on_trade(self, trade: TradePrinted, view: QuoteView) -> None:
        """It looks at nothing."""

    def decide(self, key: str, view: QuoteView) -> list[Wish] | None:
        config = self.config
        for outcome in OUTCOMES:
            held = view.position(key, outcome)
            if held.qty:
                if view.now - held.since < config.hold_s * SECOND:
                    return None
                return self._sale(key, outcome, held.qty, view)
        text = f"{config.seed} {view.seq} {key}".encode()
        dice = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
        if dice % config.one_in:
            return []
        outcome = OUTCOMES[dice // config.one_in % 2]
        px, shown = view.best(key, outcome)
        if not shown or px >= ONE:
            return []
        qty = Qty(max(config.qty, view.instrument(key).size_min))
        return [Wish("entry", key, outcome, "buy", px, qty, "ioc", False, why="dice")]

    def _sale(self, key: str, outcome: Outcome, qty: Qty, view: QuoteView) -> list[Wish]:
        bids = view.bids(key, outcome, 1)
        if not bids:
            return []
        px = Px(bids[0][0])
        return [Wish("exit", key, outcome, "sell", px, qty, "ioc", False, why="held long enough")]


def build(config: Config) -> Probe:
    """The quoter of these parameters."""
    return Probe(config)
