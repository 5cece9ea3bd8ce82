"""Facts that enter the deciding tower, in the past tense; the only things that change its state.

Encoded as MessagePack arrays in the order of the fields: a new field goes last, with a default.
"""

from typing import Literal

import msgspec

from dutchbook.domain.account_events import OWN, OwnEvent
from dutchbook.domain.instrument import Band, EventGroup, Instrument, Status
from dutchbook.domain.plans import PlanReady
from dutchbook.domain.relations import Link
from dutchbook.domain.units import Ns, Px, Qty, Usd

BID = 0
ASK = 1
YES = 0
NO = 1

Level = tuple[int, int, int]
"""(side, price, size): BID or ASK in YES terms; price in YES terms; size new total, or a change."""


class RunStarted(msgspec.Struct, frozen=True, array_like=True, tag="RunStarted"):
    """A process took this data directory; market state starts empty, account state goes on.

    `epoch` is new in each run and in each copy of a data directory: order ids begin with it.
    `accounts`: (venue, name of the account there); another name means other money.
    """

    run: str
    mode: str
    seed: int
    version: str
    settings: str
    epoch: str = ""
    accounts: tuple[tuple[str, str], ...] = ()


class RunStopped(msgspec.Struct, frozen=True, array_like=True, tag="RunStopped"):
    """A process ended in good order."""

    run: str
    why: str


class InstrumentListed(msgspec.Struct, frozen=True, array_like=True, tag="InstrumentListed"):
    """A market was discovered, or its description changed."""

    instrument: Instrument


class EventListed(msgspec.Struct, frozen=True, array_like=True, tag="EventListed"):
    """An event with its markets was discovered, or changed."""

    group: EventGroup


class GridChanged(msgspec.Struct, frozen=True, array_like=True, tag="GridChanged"):
    """The allowed prices of a market changed; resting levels stay."""

    key: str
    grid: tuple[Band, ...]


class StatusChanged(msgspec.Struct, frozen=True, array_like=True, tag="StatusChanged"):
    """Trading in a market opened, paused, closed or settled."""

    key: str
    status: Status


class BookLevels(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="BookLevels"):
    """Levels of one book. `token` is YES or NO: which of the venue's books (both in YES terms).

    snapshot: the levels are the whole book. Otherwise they change it: `delta` true means sizes
    are signed changes (Kalshi), false that they are new totals, 0 removing the level
    (Polymarket). `bid` and `ask` are the best prices that the venue claims after this change,
    in YES terms, -1 where it claims none (then nothing is checked; 0 and ONE mean "empty").
    `hashed`: 1 the venue's book hash agreed, 0 it can't be checked.
    `venue_at` is the venue's clock in ns, 0 if it gave none.
    """

    key: str
    token: int
    stream: str
    snapshot: bool
    delta: bool
    levels: list[Level]
    bid: int = -1
    ask: int = -1
    venue_at: Ns = Ns(0)
    hashed: int = 0


class TopSeen(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="TopSeen"):
    """The venue's own ticker: best prices in YES terms; information, not a book change."""

    key: str
    token: int
    stream: str
    bid: int
    ask: int
    venue_at: Ns = Ns(0)
    last: int = -1
    volume: int = -1


class TradePrinted(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="TradePrinted"):
    """A public trade, price in YES terms; `buy_yes` is the taker's direction."""

    key: str
    stream: str
    px: Px
    qty: Qty
    buy_yes: bool
    trade: str
    venue_at: Ns


class MarketResolved(msgspec.Struct, frozen=True, array_like=True, tag="MarketResolved"):
    """A market was determined: what one YES contract pays, in millionths of a dollar."""

    key: str
    yes_pays: Usd
    venue_at: Ns


class FeedUp(msgspec.Struct, frozen=True, array_like=True, tag="FeedUp"):
    """A stream connected. Its books are not usable until their snapshots arrive."""

    stream: str


class FeedDown(msgspec.Struct, frozen=True, array_like=True, tag="FeedDown"):
    """A stream was lost; all its books are stale."""

    stream: str
    why: str


GapCause = Literal["sequence", "time", "hash", "malformed", "overflow", "asked"]


class FeedGap(msgspec.Struct, frozen=True, array_like=True, tag="FeedGap"):
    """Messages were lost: books are stale until their next snapshots.

    `keys` empty: every book of the stream. `scope` names the venue's own unit (Kalshi "sid:1").
    `books` false: the unit carries no book (trades, lifecycle): none is stale, healed at once.
    """

    stream: str
    cause: GapCause
    scope: str
    expected: int
    got: int
    keys: tuple[str, ...] = ()
    books: bool = True


class Duplicate(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="Duplicate"):
    """A message that was already applied came again, or came late, and was not applied."""

    stream: str
    seq: int


class BadInput(msgspec.Struct, frozen=True, array_like=True, tag="BadInput"):
    """A frame or body broke the venue's protocol; it was counted and changed nothing."""

    stream: str
    where: str
    what: str
    market: str = ""


class BookSeen(msgspec.Struct, frozen=True, array_like=True, tag="BookSeen"):
    """A REST copy of one whole book, asked for to check ours; it is compared, never applied."""

    key: str
    token: int
    levels: list[Level]
    venue_at: Ns = Ns(0)


class CheckFailed(msgspec.Struct, frozen=True, array_like=True, tag="CheckFailed"):
    """A REST cross-check gave no answer (429, time-out, 5xx): it says nothing about the book."""

    key: str
    why: str


class BodySeen(msgspec.Struct, frozen=True, array_like=True, tag="BodySeen"):
    """A venue's message that was recognised and checked, and changes nothing that we keep.

    `kind` names it ("candlesticks", "fill", ...); `keys` are the ids of the things it speaks of.
    """

    venue: str
    kind: str
    items: int
    keys: tuple[str, ...] = ()


class LinkProposed(msgspec.Struct, frozen=True, array_like=True, tag="LinkProposed"):
    """Somebody or something claims a relation between markets; unused until approved."""

    link: Link


class OperatorAsked(msgspec.Struct, frozen=True, array_like=True, tag="OperatorAsked"):
    """A person's command: verb "approve" or "revoke" with (link id, version), and later more."""

    who: str
    verb: str
    args: tuple[str, ...]


class SignalArrived(msgspec.Struct, frozen=True, array_like=True, tag="SignalArrived"):
    """Somebody's claim about markets, of whatever kind; it changes no book and no account.

    `id` is the publisher's own: the same (publisher, id) again is the same signal. `confidence`,
    `edge`, `probability` (of YES of the first key) and `px` (of YES, when it was said) are
    millionths, -1 where the last two are not told; `lockup` and `expires` are ns, 0 not told.
    `keys` are instruments (`venue:symbol`). `body` is the publisher's own JSON: untrusted, shown,
    never run. `priority`: 0 ordinary, 9 first.
    """

    publisher: str
    id: str
    kind: str
    confidence: int
    title: str = ""
    keys: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    edge: int = 0
    lockup: Ns = Ns(0)
    probability: int = -1
    px: int = -1
    priority: int = 0
    expires: Ns = Ns(0)
    body: str = ""


class TimerFired(msgspec.Struct, frozen=True, array_like=True, tag="TimerFired"):
    """A timer that the engine asked for has come due."""

    name: str


AccountEvent = (
    RunStarted
    | RunStopped
    | LinkProposed
    | OperatorAsked
    | TimerFired
    | PlanReady
    | SignalArrived
    | OwnEvent
)
"""Kept for ever, in the account journal."""
MarketEvent = (
    InstrumentListed
    | EventListed
    | GridChanged
    | StatusChanged
    | BookLevels
    | TopSeen
    | TradePrinted
    | MarketResolved
    | FeedUp
    | FeedDown
    | FeedGap
    | Duplicate
    | BadInput
    | BookSeen
    | CheckFailed
    | BodySeen
)
"""Kept as long as retention says, on the market tape."""
Event = AccountEvent | MarketEvent
ACCOUNT = (
    RunStarted, RunStopped, LinkProposed, OperatorAsked, TimerFired, PlanReady, SignalArrived, *OWN,
)  # fmt: skip


class Envelope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`seq` has no holes; `at` is our receive time in ns and never goes back."""

    seq: int
    at: Ns
    event: Event
