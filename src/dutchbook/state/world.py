"""The market as we know it: folds market events into instruments, books, feeds and checks.

Knows no strategy. Says what it wants done (`asks`) and what a person should know (`found`);
both are emptied by the engine after every step.
"""

from dutchbook.domain.effects import AskCheck, AskSnapshot, Effect
from dutchbook.domain.events import (
    BadInput,
    BookLevels,
    BookSeen,
    CheckFailed,
    Duplicate,
    Event,
    EventListed,
    FeedDown,
    FeedGap,
    FeedUp,
    GridChanged,
    InstrumentListed,
    MarketResolved,
    StatusChanged,
    TopSeen,
    TradePrinted,
)
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.step import Found, Healed, Note
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns
from dutchbook.state.books import Book, BookFault, Books
from dutchbook.state.checks import STRIKES, Check, Levels
from dutchbook.state.feeds import BookId, Feed, Gap
from dutchbook.state.fresh import FreshLimits

MIRROR_PATIENCE = Ns(100 * MILLI)
ALL_LEVELS = 1_000_000


class Counters:
    """What went through, in plain numbers; the summary of a run is made of these."""

    def __init__(self) -> None:
        self.events = 0
        self.books = 0
        self.trades = 0
        self.gaps_seen = 0
        self.gaps_recovered = 0
        self.malformed = 0
        self.duplicates = 0
        self.stale_ignored = 0
        self.unverifiable = 0
        self.verified = 0
        self.checks_agreed = 0
        self.checks_failed = 0
        self.checks_lapsed = 0
        self.causes: dict[str, int] = {}


class World:
    """Books and feeds, and why a book may not be read."""

    def __init__(self, limits: FreshLimits) -> None:
        self.limits = limits
        self.books = Books()
        self.instruments: dict[str, Instrument] = {}
        self.groups: dict[str, EventGroup] = {}
        self.tokens: dict[str, int] = {}
        self.feeds: dict[str, Feed] = {}
        self.home: dict[BookId, Feed] = {}
        self.changed: dict[BookId, int] = {}
        self.crossed: dict[BookId, Ns] = {}
        self.agreed: dict[BookId, Ns] = {}
        self.checks: dict[BookId, Check] = {}
        self.mirror_off: dict[str, Ns] = {}
        self.confirmed: dict[str, Ns] = {}
        self.sampled: dict[str, int] = {}
        self.next_sample = Ns(0)
        self.count = Counters()
        self.asks: list[Effect] = []
        self.found: list[Note] = []
        self.listed = False

    # -- folding -------------------------------------------------------------------------------

    def apply(self, event: Event, seq: int, now: Ns) -> str:
        """Fold one event; returns the key of a market whose offers changed, or ""."""
        if type(event) is BookLevels:
            return self._levels(event, seq, now)
        handler = _HANDLERS.get(type(event))
        return handler(self, event, seq, now) if handler is not None else ""

    def _levels(self, event: BookLevels, seq: int, now: Ns) -> str:
        book_id = (event.key, event.token)
        feed = self.feeds.get(event.stream)
        if feed is None or event.token >= self.tokens.get(event.key, 0):
            return self._refuse(event.key, "unknown_market", event.stream)
        self.count.books += 1
        feed.last_data = now
        if not event.snapshot and not feed.books.get(book_id, False):
            self.count.stale_ignored += 1
            return ""
        try:
            moved = self.books.apply(event)
        except BookFault as fault:
            self._refuse(event.key, fault.what, fault.detail)
            self._gap(FeedGap(event.stream, "asked", "", 0, 0, (event.key,)), seq)
            return event.key
        if event.snapshot:
            self._whole(feed, book_id)
            if event.hashed:
                self.count.verified += 1
            else:
                self.count.unverifiable += 1
        book = self.books.get(event.key, event.token)
        self.changed[book_id] = seq
        if event.bid >= 0 and (event.bid != book.bid or event.ask != book.ask):
            detail = f"claimed {event.bid}/{event.ask}, ours {book.bid}/{book.ask}"
            self.found.append(Found(event.key, "top_mismatch", detail))
            self._gap(FeedGap(event.stream, "asked", "", 0, 0, (event.key,)), seq)
            return event.key
        if self.checks and book_id in self.checks:
            self.checks[book_id].moved(_levels(book))
            self._judge(book_id, now)
        if moved or event.snapshot:
            self._top_moved(event.key, book_id, book, now)
            return event.key
        return event.key if moved else ""

    def _top_moved(self, key: str, book_id: BookId, book: Book, now: Ns) -> None:
        if book.bid >= book.ask:
            self.crossed.setdefault(book_id, now)
        elif self.crossed:
            self.crossed.pop(book_id, None)
        if self.tokens[key] == 2:
            yes, no = self.books.get(key, 0), self.books.get(key, 1)
            if yes.bid != no.bid or yes.ask != no.ask:
                self.mirror_off.setdefault(key, now)
            elif key in self.mirror_off:
                del self.mirror_off[key]
                self.confirmed.pop(key, None)

    def _whole(self, feed: Feed, book_id: BookId) -> None:
        self.home[book_id] = feed
        for gap in feed.whole(book_id):
            self._healed(feed, gap)

    def _healed(self, feed: Feed, gap: Gap) -> None:
        self.count.gaps_recovered += gap.count
        self.found.append(Healed(feed.stream, gap.scope, gap.count))

    def _refuse(self, key: str, what: str, detail: str) -> str:
        self.count.malformed += 1
        self.found.append(Found(key, what, detail))
        return ""

    def _gap(self, event: FeedGap, seq: int) -> None:
        """A gap that we noticed ourselves: ask for the books again."""
        self._on_gap(event, seq, Ns(0))
        venue = self.instruments[event.keys[0]].venue
        self.asks.append(AskSnapshot(venue, event.stream, event.keys, event.cause))

    def _on_gap(self, event: FeedGap, seq: int, now: Ns) -> str:
        self.count.gaps_seen += 1
        self.count.causes[event.cause] = self.count.causes.get(event.cause, 0) + 1
        feed = self.feeds.setdefault(event.stream, Feed(event.stream))
        if not event.books:
            self.count.gaps_recovered += 1
            return ""
        gap = feed.open_gap(event, seq, self.tokens)
        if not gap.waiting:
            feed.gaps.pop(gap.scope, None)
            self._healed(feed, gap)
        return event.keys[0] if len(event.keys) == 1 else ""

    def _on_listed(self, event: InstrumentListed, seq: int, now: Ns) -> str:
        instrument = event.instrument
        self.books.list(instrument)
        self.instruments[instrument.key] = instrument
        self.tokens[instrument.key] = max(1, len(instrument.tokens))
        self.listed = True
        return instrument.key

    def _on_group(self, event: EventListed, seq: int, now: Ns) -> str:
        self.groups[event.group.key] = event.group
        self.listed = True
        return ""

    def _on_grid(self, event: GridChanged, seq: int, now: Ns) -> str:
        instrument = self.instruments.get(event.key)
        if instrument is None:
            return self._refuse(event.key, "unknown_market", "grid changed")
        try:
            self.books.list(_with(instrument, grid=event.grid))
        except BookFault as fault:
            return self._refuse(event.key, fault.what, fault.detail)
        self.instruments[event.key] = _with(instrument, grid=event.grid)
        return event.key

    def _on_status(self, event: StatusChanged, seq: int, now: Ns) -> str:
        instrument = self.instruments.get(event.key)
        if instrument is None:
            return self._refuse(event.key, "unknown_market", "status changed")
        self.instruments[event.key] = _with(instrument, status=event.status)
        if event.status in ("closed", "settled"):
            self._retire(event.key)
        self.listed = True
        return event.key

    def _on_resolved(self, event: MarketResolved, seq: int, now: Ns) -> str:
        return self._on_status(StatusChanged(event.key, "settled"), seq, now)

    def _retire(self, key: str) -> None:
        """No more messages are due for this market, so no gap waits for it."""
        for token in range(self.tokens[key]):
            feed = self.home.pop((key, token), None)
            if feed is not None:
                for gap in feed.whole((key, token)):
                    self._healed(feed, gap)
                feed.books.pop((key, token), None)

    def _on_up(self, event: FeedUp, seq: int, now: Ns) -> str:
        feed = self.feeds.setdefault(event.stream, Feed(event.stream))
        feed.begin()
        feed.last_data = now
        return ""

    def _on_down(self, event: FeedDown, seq: int, now: Ns) -> str:
        self.feeds.setdefault(event.stream, Feed(event.stream)).end()
        return ""

    def _on_bad(self, event: BadInput, seq: int, now: Ns) -> str:
        self.count.malformed += 1
        return ""

    def _on_duplicate(self, event: Duplicate, seq: int, now: Ns) -> str:
        self.count.duplicates += 1
        return ""

    def _on_data(self, event: TopSeen | TradePrinted, seq: int, now: Ns) -> str:
        self.count.trades += type(event) is TradePrinted
        feed = self.feeds.get(event.stream)
        if feed is not None:
            feed.last_data = now
        return ""

    # -- cross-checks --------------------------------------------------------------------------

    def ask_check(self, keys: list[str], now: Ns, strikes: int = 0) -> None:
        """Ask for REST copies of these markets' books, unless one is on its way."""
        wanted: dict[str, list[str]] = {}
        for key in keys:
            if key not in self.instruments or (key, 0) in self.checks:
                continue
            for token in range(self.tokens[key]):
                ours = _levels(self.books.get(key, token))
                self.checks[key, token] = Check(now, ours, strikes)
            wanted.setdefault(self.instruments[key].venue, []).append(key)
        self.asks.extend(AskCheck(venue, tuple(some)) for venue, some in wanted.items())

    def _on_seen(self, event: BookSeen, seq: int, now: Ns) -> str:
        check = self.checks.get((event.key, event.token))
        if check is not None:
            bids = sorted(((p, q) for s, p, q in event.levels if s == 0 and q), reverse=True)
            asks = sorted((p, q) for s, p, q in event.levels if s == 1 and q)
            check.answered_by((tuple(bids), tuple(asks)), now)
            self._judge((event.key, event.token), now)
        return event.key if check is not None else ""

    def _on_check_failed(self, event: CheckFailed, seq: int, now: Ns) -> str:
        for token in range(self.tokens.get(event.key, 0)):
            if self.checks.pop((event.key, token), None) is not None:
                self.count.checks_lapsed += 1
        return ""

    def _judge(self, book_id: BookId, now: Ns) -> None:
        check = self.checks[book_id]
        verdict = check.verdict(now)
        if verdict is None:
            if check.lapsed(now):
                del self.checks[book_id]
                self.count.checks_lapsed += 1
            return
        del self.checks[book_id]
        key, feed = book_id[0], self.home.get(book_id)
        if verdict:
            self.count.checks_agreed += 1
            self.agreed[book_id] = now
            if feed is not None:
                feed.sample_ok = True
            if all(now - self.agreed.get((key, t), Ns(0)) < SECOND for t in range(self.tokens[key])):
                self.confirmed[key] = now
        elif feed is not None and feed.books.get(book_id, False):
            if check.strikes + 1 < STRIKES:
                self._pop_checks(key)
                self.ask_check([key], now, check.strikes + 1)
                return
            self.count.checks_failed += 1
            feed.sample_ok = False
            self.found.append(Found(key, "check_disagreed", f"token {book_id[1]}"))
            self._gap(FeedGap(feed.stream, "asked", "", 0, 0, (key,)), 0)
            self._pop_checks(key)

    def _pop_checks(self, key: str) -> None:
        for token in range(self.tokens[key]):
            self.checks.pop((key, token), None)

    def tick(self, now: Ns) -> None:
        """What time alone brings about: verdicts that are due, samples, mirrors to confirm."""
        for book_id in list(self.checks):
            if book_id in self.checks:
                self._judge(book_id, now)
        off = [
            key
            for key, since in self.mirror_off.items()
            if now - since >= MIRROR_PATIENCE
            and now - self.confirmed.get(key, Ns(0)) > self.limits.check // 2
            and not self._broken(key)
        ]
        self.ask_check(off, now)
        if now >= self.next_sample:
            self.next_sample = Ns(now + self.limits.sample)
            self.ask_check(self._sample(), now)

    def _sample(self) -> list[str]:
        """The next few books of every stream, in turn."""
        keys: list[str] = []
        for stream, feed in self.feeds.items():
            if not feed.up or not feed.books:
                continue
            names = [book_id[0] for book_id, whole in feed.books.items() if whole]
            at = self.sampled.get(stream, 0)
            keys += [names[(at + n) % len(names)] for n in range(self.limits.sample_books) if names]
            self.sampled[stream] = at + self.limits.sample_books
        return list(dict.fromkeys(keys))

    # -- the fresh-book gate -------------------------------------------------------------------

    def _broken(self, key: str) -> bool:
        return any(not self._is_whole((key, token)) for token in range(self.tokens.get(key, 0)))

    def _is_whole(self, book_id: BookId) -> bool:
        feed = self.home.get(book_id)
        return feed is not None and feed.books.get(book_id, False)

    def stale(self, key: str, token: int, now: Ns) -> str:
        """Why a book may not be read; "" when it is fresh."""
        book_id = (key, token)
        instrument, feed = self.instruments.get(key), self.home.get(book_id)
        if instrument is None or feed is None:
            return "no_snapshot"
        if instrument.status != "open":
            return "not_open"
        if not feed.up:
            return "feed_down"
        if not feed.books.get(book_id, False):
            return "gap"
        if not feed.sample_ok:
            return "sample_disagreed"
        since = self.crossed.get(book_id)
        if since is not None and now - since > self.limits.crossed:
            return "crossed"
        silent = now - feed.last_data > self.limits.silent
        if silent and now - self.agreed.get(book_id, Ns(0)) > self.limits.check:
            return "silent"
        if self.mirror_off and key in self.mirror_off and not self.mirror_confirmed(key, now):
            if now - self.mirror_off[key] >= MIRROR_PATIENCE:
                return "mirror_unconfirmed"
        return ""

    def mirror_confirmed(self, key: str, now: Ns) -> bool:
        """Whether REST copies of both books of a market agreed since its mirror broke."""
        at = self.confirmed.get(key, Ns(0))
        return at >= self.mirror_off.get(key, Ns(0)) and now - at <= self.limits.check

    def open_gaps(self) -> int:
        return sum(gap.count for feed in self.feeds.values() for gap in feed.gaps.values())

    def broken_books(self) -> int:
        return sum(not whole for feed in self.feeds.values() for whole in feed.books.values())


def _levels(book: Book) -> Levels:
    return tuple(book.bids(ALL_LEVELS)), tuple(book.asks(ALL_LEVELS))


def _with(instrument: Instrument, **changes: object) -> Instrument:
    fields = {name: getattr(instrument, name) for name in instrument.__struct_fields__}
    return Instrument(**(fields | changes))


_HANDLERS = {
    InstrumentListed: World._on_listed,
    EventListed: World._on_group,
    GridChanged: World._on_grid,
    StatusChanged: World._on_status,
    MarketResolved: World._on_resolved,
    FeedUp: World._on_up,
    FeedDown: World._on_down,
    FeedGap: World._on_gap,
    BadInput: World._on_bad,
    Duplicate: World._on_duplicate,
    TopSeen: World._on_data,
    TradePrinted: World._on_data,
    BookSeen: World._on_seen,
    CheckFailed: World._on_check_failed,
}

__all__ = ["ONE", "Counters", "World"]
