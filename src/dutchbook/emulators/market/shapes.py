"""What the generator offers to the servers: series, events, markets, and atomic updates."""

import msgspec

from dutchbook.domain.instrument import Band, FeeSchedule
from dutchbook.domain.units import Ns
from dutchbook.sim.shapes import Change, Trade, Update

__all__ = ["Change", "SimEvent", "SimMarket", "SimSeries", "Trade", "Update"]


class SimSeries(msgspec.Struct):
    """A Kalshi series; `fee_multiplier` is in millionths (500_000 is x0.5)."""

    ticker: str
    title: str
    category: str
    frequency: str
    fee_type: str
    fee_multiplier: int
    tags: list[str]
    settlement_sources: list[dict[str, str]]
    exchange_index: int = 0


class SimEvent(msgspec.Struct):
    """An event of one venue. `symbol` is Kalshi's event ticker, or Polymarket's slug.

    `exclusive`: the venue says that at most one market settles YES (Kalshi mutually_exclusive,
    Polymarket negRisk). `exhaustive` is the truth, which Kalshi's API does not tell.
    `augmented`: a negative-risk event with an open "Other" (negRiskAugmented on Gamma).
    """

    key: str
    venue: str
    symbol: str
    id: str
    title: str
    subtitle: str
    category: str
    series: str
    tags: list[str]
    closes: Ns
    exclusive: bool
    exhaustive: bool
    augmented: bool = False
    neg_risk_id: str = ""
    members: list[str] = msgspec.field(default_factory=list)


class SimMarket(msgspec.Struct):
    """A binary market with all that the REST bodies of its venue need.

    `symbol` is Kalshi's ticker, or Polymarket's condition id (`market` on its sockets).
    `id` is Kalshi's market_id, or Gamma's numeric id. Strikes are dollars as Kalshi's floats.
    `status`, `last`, `volume` and `open_interest` change while the market runs; `pays` is what
    one YES contract is worth in the end, -1 as long as nobody knows.
    """

    key: str
    venue: str
    symbol: str
    id: str
    event: str
    series: str
    title: str
    outcome: str
    subtitle: str
    rules: str
    rules_more: str
    category: str
    opened: Ns
    closes: Ns
    expires: Ns
    grid: tuple[Band, ...]
    structure: str
    fees: FeeSchedule
    strike_type: str = ""
    floor_strike: float | None = None
    cap_strike: float | None = None
    slug: str = ""
    question_id: str = ""
    tokens: tuple[str, str] = ("", "")
    tick: int = 10_000
    size_min: int = 10_000
    neg_risk: bool = False
    other: bool = False
    fee_type: str = ""
    rebate: int = 0
    exchange_index: int = 0
    settles_after_s: int = 300
    status: str = "open"
    last: int = 0
    volume: int = 0
    open_interest: int = 0
    pays: int = -1
