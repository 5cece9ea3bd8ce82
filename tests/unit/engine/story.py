"""A small world to tell stories in: two venues, a few markets, an engine fed by hand."""

from dutchbook.domain.effects import SetTimer
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    Envelope,
    Event,
    EventListed,
    FeedUp,
    InstrumentListed,
    LinkProposed,
    OperatorAsked,
    RunStarted,
    TimerFired,
)
from dutchbook.domain.instrument import CENT, EventGroup, FeeSchedule, Instrument
from dutchbook.domain.relations import Link
from dutchbook.domain.step import Step
from dutchbook.domain.units import DAY, MILLI, Ns, Qty, Usd
from dutchbook.engine.engine import Engine
from dutchbook.strategies.bundle import Bundle
from dutchbook.strategies.complement import Complement
from dutchbook.strategies.cross_venue import CrossVenue
from dutchbook.strategies.implication import Implication

START = 1_790_000_000_000_000_000
KALSHI, POLY = "kalshi.book", "polymarket.market.0"
CENTS = 10_000
LOT = 1_000_000


def market(key: str, event: str = "", tokens: tuple[str, ...] = ()) -> Instrument:
    """A cheap market without fees, so that the sums of a story can be done in the head."""
    venue, symbol = key.split(":")
    return Instrument(
        key, venue, symbol, event or key, f"title of {symbol}", "Yes", CENT, FeeSchedule("none"),
        size_min=Qty(5 * LOT) if tokens else Qty(10_000), cost_min=Usd(0),
        closes=Ns(START + 10 * DAY), settles=Ns(START + 11 * DAY), tokens=tokens,
    )  # fmt: skip


def kalshi(name: str, event: str = "") -> Instrument:
    return market(f"kalshi:{name}", event)


def poly(name: str, event: str = "") -> Instrument:
    return market(f"polymarket:{name}", event, (f"{name}-yes", f"{name}-no"))


def book(
    key: str, bid: int, ask: int, size: int = 100, token: int = 0, **more: object
) -> BookLevels:
    """A whole book with one level a side, prices in cents, sizes in contracts."""
    stream = KALSHI if key.startswith("kalshi") else POLY
    levels = [(BID, bid * CENTS, size * LOT), (ASK, ask * CENTS, size * LOT)]
    return BookLevels(
        key, token, stream, True, False, [x for x in levels if 0 < x[1] < 10**6], **more
    )  # type: ignore[arg-type]


def both(key: str, bid: int, ask: int, size: int = 100) -> list[Event]:
    """The two books of a Polymarket market, mirror kept."""
    return [book(key, bid, ask, size), book(key, bid, ask, size, token=1)]


class Story:
    """Feeds an engine; remembers every step."""

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or Engine([Complement(), Bundle(), CrossVenue(), Implication()])
        self.seq = 0
        self.at = START
        self.steps: list[Step] = []
        self.tell(RunStarted("r1", "sim", 7, "0", "{}"))
        self.tell(FeedUp(KALSHI), FeedUp(POLY))

    def tell(self, *events: Event) -> list[Step]:
        """Put events in, one millisecond apart; returns their steps."""
        first = len(self.steps)
        for event in events:
            self.seq += 1
            self.at += MILLI
            self.steps.append(self.engine.step(Envelope(self.seq, Ns(self.at), event)))
        return self.steps[first:]

    def markets(self, *markets: Instrument) -> None:
        self.tell(*(InstrumentListed(one) for one in markets))

    def group(self, key: str, members: tuple[str, ...], exhaustive: bool = True) -> None:
        self.tell(EventListed(EventGroup(key, key.split(":")[0], key, members, True, exhaustive)))

    def link(self, kind: str, a: str, b: str, *, approve: bool = True, version: int = 1) -> str:
        name = f"{kind}:{a}:{b}"
        self.tell(LinkProposed(Link(name, kind, (a, b), version)))  # type: ignore[arg-type]
        if approve:
            self.tell(OperatorAsked("ann", "approve", (name, str(version))))
        return name

    def wait(self, millis: int) -> list[Step]:
        """Let time pass: the engine's own timer rings as it asked."""
        first, end = len(self.steps), self.at + millis * MILLI
        while (due := self._due()) is not None and due <= end:
            self.at = max(self.at, due - MILLI)
            self.tell(TimerFired("tick"))
        self.at = end
        return self.steps[first:]

    def _due(self) -> int | None:
        for step in reversed(self.steps):
            for effect in step.effects:
                if isinstance(effect, SetTimer):
                    return effect.at
        return None


def notes(steps: list[Step], kind: type) -> list[object]:
    return [note for step in steps for note in step.notes if isinstance(note, kind)]


def effects(steps: list[Step], kind: type) -> list[object]:
    return [effect for step in steps for effect in step.effects if isinstance(effect, kind)]
