"""What every report is made from: facts of a run, written by a backtest or read from SQL.

Money, prices, sizes and shares are whole millionths, times and spans ns. Prices of a leg or a
fill are those of its own outcome (a NO at 0.30 is 300_000). Costs are positive when they cost.
"" and 0 mean "none"; what a run could not know is `None`, and the report says so.
"""

from typing import Final, Literal

import msgspec

from dutchbook.domain.units import Ns, Px, Qty, Usd

VERSION: Final = 1
Mode = Literal["backtest", "sim", "paper", "live"]
Outcome = Literal["yes", "no"]
Action = Literal["buy", "sell"]
Ending = Literal["settled", "sold", "unwound", "void", "open"]
Resolution = Literal["yes", "no", "void", "unknown"]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all parts."""


class Meta(Part, frozen=True):
    """Which run this is, and how to make it again."""

    run: str
    mode: Mode
    began_at: Ns
    ended_at: Ns
    capital: Usd
    """Money the run could use at its start."""
    strategies: tuple[str, ...] = ()
    command: str = ""
    """The command line that makes this run again."""
    seed: int | None = None
    version: str = ""
    git: str = ""
    config_hash: str = ""
    data_hash: str = ""
    engine: str = ""
    fee_model: str = ""
    latency_ns: Ns | None = None
    cash_rate: int = 0
    """What idle money would have earned, in millionths a year (42_000 is 4.2 %)."""


class Gap(Part, frozen=True):
    """A span without data."""

    start: Ns
    end: Ns
    what: str


class Honesty(Part, frozen=True):
    """What a reader must know before believing a figure."""

    fill_assumption: str
    survivorship: str = ""
    unknown_marked: str = ""
    """How holdings in markets of unknown resolution were valued."""
    gaps: tuple[Gap, ...] = ()
    look_ahead: Literal["pass", "fail", "not checked"] = "not checked"
    look_ahead_decisions: int = 0
    look_ahead_changed: int = 0
    notes: tuple[str, ...] = ()


class Market(Part, frozen=True):
    """An instrument that was traded or forecast, with the venue's words (never trusted)."""

    key: str
    venue: str
    title: str = ""
    rules: str = ""
    category: str = ""
    event: str = ""
    """The event it belongs to, for concentration; its key if it has none."""
    closes_at: Ns = Ns(0)
    resolved_at: Ns = Ns(0)
    resolution: Resolution = "unknown"
    settled_px: Px | None = None
    """What a YES was paid or marked at."""


class Path(Part, frozen=True):
    """Mids of a market's YES over the run, a sample, ascending in time."""

    key: str
    ats: tuple[Ns, ...]
    mids: tuple[Px, ...]


class Leg(Part, frozen=True):
    """One outcome held by a trade, bought at `px` on average, given up at `exit_px`."""

    key: str
    outcome: Outcome
    qty: Qty
    px: Px
    exit_px: Px | None = None
    """Sale or settlement price of the outcome; None while it is held."""


class Trade(Part, frozen=True):
    """A basket or a position from its decision to its end. net = gross - the five costs."""

    id: str
    strategy: str
    kind: str
    category: str
    venues: tuple[str, ...]
    event: str
    decided_at: Ns
    opened_at: Ns
    """First fill."""
    closed_at: Ns
    """Last contract settled or sold; 0 while open."""
    ending: Ending
    legs: tuple[Leg, ...]
    qty: Qty
    """Baskets, or contracts of a single leg."""
    capital: Usd
    """Money it locked at its most, fees included."""
    gross: Usd
    """Profit at the prices seen at decision, were nothing to cost anything."""
    fees: Usd = Usd(0)
    slippage: Usd = Usd(0)
    """Worse (or, negative, better) prices than those seen at decision."""
    leg_risk: Usd = Usd(0)
    """What legs that failed or were unwound cost."""
    lockup: Usd = Usd(0)
    """Cost of locked money, where the run charges one."""
    other: Usd = Usd(0)
    net: Usd = Usd(0)
    """Realised, or marked while open."""
    settlement: Usd = Usd(0)
    """The part of net that came from settlements; the rest came from trading."""
    expected: Usd = Usd(0)
    """Net profit that was promised at decision."""
    edge: int = 0
    """Promised net profit per $1 of payout, millionths."""
    closes_at: Ns = Ns(0)
    """When its last market was due to close at decision."""
    broken: bool = False
    """A leg failed to fill as planned."""
    maker: bool = False
    why: str = ""
    """Reason of the exit, "" for settlement."""
    decay: tuple[tuple[Ns, int], ...] = ()
    """(span after the signal, edge that was left per $1 of payout in millionths)."""


class Order(Part, frozen=True):
    """An order as it was sent and how it ended."""

    id: str
    trade: str
    key: str
    venue: str
    outcome: Outcome
    action: Action
    px: Px
    qty: Qty
    filled: Qty
    at: Ns
    state: str = ""
    reason: str = ""


class Fill(Part, frozen=True):
    """An execution."""

    id: str
    trade: str
    order: str
    strategy: str
    venue: str
    key: str
    outcome: Outcome
    action: Action
    px: Px
    qty: Qty
    fee: Usd
    maker: bool
    at: Ns
    px_seen: Px | None = None
    """Best price when it was decided."""
    beyond_top: Qty | None = None
    """Contracts of it that went deeper than the best level; None if nobody looked."""
    beyond_depth: Qty | None = None
    """Contracts of it that no recorded level covered; None if nobody looked."""
    mid: Px | None = None
    """Mid of its outcome at the fill."""
    mids_after: tuple[tuple[Ns, Px], ...] = ()
    """(span after the fill, mid of its outcome)."""


class Point(Part, frozen=True):
    """Equity at a moment: capital + realised + locked + unrealised."""

    at: Ns
    realised: Usd
    locked: Usd
    """Profit that is proved and waits for settlement."""
    unrealised: Usd
    in_use: Usd
    """Money in positions and orders."""


class Forecast(Part, frozen=True):
    """A claimed probability beside the market's, and what happened."""

    key: str
    at: Ns
    claimed: int
    """Probability of YES by the strategy, millionths."""
    mid: Px | None
    """The market's mid of YES at that moment."""
    outcome: Literal[0, 1] | None
    strategy: str = ""
    category: str = ""


class Count(Part, frozen=True):
    """How often something happened."""

    name: str
    n: int


class Variant(Part, frozen=True):
    """The same run with one assumption changed."""

    kind: Literal["fees", "latency", "depth", "outage", "parameter", "other"]
    label: str
    net: Usd
    trades: int
    max_drawdown: Usd | None = None
    base: bool = False
    """The run itself, listed among its variants."""
    value: int | None = None
    """The changed figure: fees and depth in millionths of the base, latency in ns."""


class Window(Part, frozen=True):
    """One step of a walk-forward: fitted on the first span, traded on the second."""

    train_from: Ns
    train_to: Ns
    test_from: Ns
    test_to: Ns
    chosen: str
    train_net: Usd
    test_net: Usd
    test_trades: int


class Trials(Part, frozen=True):
    """How many variants were tried before this one was shown."""

    n: int = 1
    sharpes: tuple[float, ...] = ()
    """Daily Sharpe ratios of those trials, not annualised, where they are known."""


class Record(Part, frozen=True):
    """All facts of a run. `recordfile.check` says which of them must fit together."""

    version: int
    meta: Meta
    honesty: Honesty
    trades: tuple[Trade, ...] = ()
    fills: tuple[Fill, ...] = ()
    orders: tuple[Order, ...] = ()
    equity: tuple[Point, ...] = ()
    """Ascending in time; at least daily, also on days without trades."""
    forecasts: tuple[Forecast, ...] = ()
    markets: tuple[Market, ...] = ()
    paths: tuple[Path, ...] = ()
    funnel: tuple[Count, ...] = ()
    """Decisions from the widest stage (seen) to the narrowest (filled)."""
    rejects: tuple[Count, ...] = ()
    variants: tuple[Variant, ...] = ()
    trials: Trials = Trials()
    windows: tuple[Window, ...] = ()
