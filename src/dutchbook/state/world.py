"""The market as we know it: folds market events into instruments, books, feeds and checks.

Knows no strategy. Says what it wants done (`asks`) and what a person should know (`found`);
both are emptied by the engine after every step.
"""

from collections.abc import Callable
from typing import Any, Final

from dutchbook.domain.effects import AskSnapshot, Effect
from dutchbook.domain.events import (
    NO,
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
from dutchbook.domain.units import MILLI, Ns, plain
from dutchbook.state.books import Book, BookFault, Books, change, change_level
from dutchbook.state.checks import CrossChecks, levels_of
from dutchbook.state.count import Counters
from dutchbook.state.fallback import Fallback
from dutchbook.state.feeds import BookId, Feed, Gap
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.mirror import Mirrors

READ: Final = 50 * MILLI
"""So long after it stood still a run may take to read what every stream told in that time."""


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
        self.crossed: dict[BookId, Ns] = {}
        self.mirrors = Mirrors(self)
        self.fallback = Fallback(self)
        self.checks = CrossChecks(self)
        self.count = Counters()
        self.asks: list[Effect] = []
        self.found: list[Note] = []
        self.listed = False
        self.deep = False
        self.now = Ns(0)
        self.still = 0
        self.read_by = 0

    # -- folding -------------------------------------------------------------------------------

    def apply(self, event: Event, seq: int, now: Ns) -> str:
        """Fold one event; returns the key of a market whose offers changed, or "".

        `deep` says that its best prices and sizes are as before.
        """
        if type(event) is BookLevels:
            return self.levels(event, seq, now)
        self.deep = False
        handler = _HANDLERS.get(type(event))
        return handler(self, event, seq, now) if handler is not None else ""

    def levels(self, event: BookLevels, seq: int, now: Ns) -> str:
        """As `apply`, for the many."""
        self.deep = False
        if now != self.now:
            self._moment(now)
        key, token, snapshot = event.key, event.token, event.snapshot
        feed = self.feeds.get(event.stream)
        if feed is None or token > NO:
            return self.refuse(key, "unknown_market", event.stream)
        book = feed.fit[token].get(key)
        if book is None or snapshot:
            if token >= self.tokens.get(key, 0):
                return self.refuse(key, "unknown_market", event.stream)
            book = self.books.get(key, token) if snapshot else None
        self.count.books += 1
        feed.last_data = now
        if event.venue_at and not snapshot:  # a whole book may be as old as its last change
            feed.lag, feed.lag_at = now - event.venue_at, now
        if book is None:
            self.count.stale_ignored += 1
            return ""
        levels = event.levels
        try:
            if len(levels) == 1 and not snapshot:
                moved = change_level(book, levels[0], event.delta)
            else:
                moved = change(book, event)
        except BookFault as fault:
            self.refuse(key, fault.what, fault.detail)
            self.noticed(event.stream, key, seq)
            return key
        if snapshot:
            self._whole(feed, book)
            self._count_hash(event)
        book.seq = seq
        if event.bid >= 0:
            if event.bid != book.bid or event.ask != book.ask:
                theirs, ours = (event.bid, event.ask), (book.bid, book.ask)
                detail = "claimed {}/{}, ours {}/{}".format(*map(plain, (*theirs, *ours)))
                self.found.append(Found(key, "top_mismatch", detail))
                self.noticed(event.stream, key, seq)
                return key
            self.mirrors.claimed(book.id, event.venue_at or now)
        if self.checks.open and book.id in self.checks.open:
            self.checks.moved(book.id, levels_of(book), now)
        if not moved and not snapshot:
            self.deep = True
        elif self.crossed or book.bid >= book.ask or self.tokens[key] == 2:
            made = now if snapshot else event.venue_at or now  # a whole book may be told late
            self.top_moved(key, book.id, made, now)
        return key

    def _count_hash(self, event: BookLevels) -> None:
        if event.hashed:
            self.count.verified += 1
        elif self.tokens[event.key] == 2:  # Kalshi publishes none
            self.count.unverifiable += 1

    def top_moved(self, key: str, book_id: BookId, made: int, now: Ns) -> None:
        """Best prices of a book changed, at the venue when `made`: is it crossed, mirrored?"""
        book = self.books.get(*book_id)
        if book.bid >= book.ask:
            self.crossed.setdefault(book_id, now)
        elif self.crossed:
            self.crossed.pop(book_id, None)
        if self.tokens[key] == 2:
            self.mirrors.look(key, made, now)

    def _whole(self, feed: Feed, book: Book) -> None:
        self.home[book.id] = feed
        for gap in feed.whole(book):
            self._healed(feed, gap)

    def _healed(self, feed: Feed, gap: Gap) -> None:
        self.count.gaps_recovered += gap.count
        self.found.append(Healed(feed.stream, gap.scope, gap.count))

    def refuse(self, key: str, what: str, detail: str) -> str:
        self.count.malformed += 1
        self.found.append(Found(key, what, detail))
        return ""

    def noticed(self, stream: str, key: str, seq: int) -> None:
        """A gap in one market that we noticed ourselves: ask for its books again."""
        self._on_gap(FeedGap(stream, "asked", "", 0, 0, (key,)), seq, Ns(0))
        self.asks.append(AskSnapshot(self.instruments[key].venue, stream, (key,), "asked"))

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
        instrument, key = event.instrument, event.instrument.key
        self.books.list(instrument)
        self.instruments[key] = instrument
        before, self.tokens[key] = self.tokens.get(key, 0), max(1, len(instrument.tokens))
        self._retire(key, range(self.tokens[key], before))
        self.listed = True
        return key

    def _on_group(self, event: EventListed, seq: int, now: Ns) -> str:
        self.groups[event.group.key] = event.group
        self.listed = True
        return ""

    def _on_grid(self, event: GridChanged, seq: int, now: Ns) -> str:
        instrument = self.instruments.get(event.key)
        if instrument is None:
            return self.refuse(event.key, "unknown_market", "grid changed")
        try:
            self.books.list(_with(instrument, grid=event.grid))
        except BookFault as fault:
            return self.refuse(event.key, fault.what, fault.detail)
        self.instruments[event.key] = _with(instrument, grid=event.grid)
        return event.key

    def _on_status(self, event: StatusChanged, seq: int, now: Ns) -> str:
        instrument = self.instruments.get(event.key)
        if instrument is None:
            return self.refuse(event.key, "unknown_market", "status changed")
        self.instruments[event.key] = _with(instrument, status=event.status)
        if event.status in ("closed", "settled"):
            self._retire(event.key, range(self.tokens[event.key]))
        self.listed = True
        return event.key

    def _on_resolved(self, event: MarketResolved, seq: int, now: Ns) -> str:
        return self._on_status(StatusChanged(event.key, "settled"), seq, now)

    def _retire(self, key: str, tokens: range) -> None:
        """No more messages are due for these books of a market, so no gap waits for them."""
        for token in tokens:
            feed = self.home.pop((key, token), None)
            if feed is not None:
                for gap in feed.forget((key, token)):
                    self._healed(feed, gap)

    def _on_up(self, event: FeedUp, seq: int, now: Ns) -> str:
        feed = self.feeds.setdefault(event.stream, Feed(event.stream))
        feed.begin()
        feed.last_data = now
        return ""

    def _on_down(self, event: FeedDown, seq: int, now: Ns) -> str:
        self.feeds.setdefault(event.stream, Feed(event.stream)).end(now)
        return ""

    def _on_bad(self, event: BadInput, seq: int, now: Ns) -> str:
        self.count.malformed += 1
        return ""

    def _on_duplicate(self, event: Duplicate, seq: int, now: Ns) -> str:
        self.count.duplicates += 1
        return ""

    def printed(self, event: TradePrinted, now: Ns) -> None:
        """As `apply`, for a trade: no offer changes by it."""
        self.count.trades += 1
        feed = self.feeds.get(event.stream)
        if feed is not None:
            feed.last_data = now

    def _on_trade(self, event: TradePrinted, seq: int, now: Ns) -> str:
        self.printed(event, now)
        return ""

    def _on_top(self, event: TopSeen, seq: int, now: Ns) -> str:
        feed = self.feeds.get(event.stream)
        if feed is not None:
            feed.last_data = now
        return ""

    def _on_seen(self, event: BookSeen, seq: int, now: Ns) -> str:
        feed = self.home.get((event.key, event.token))
        if feed is not None and not feed.up:
            return self.fallback.take(feed, event, seq, now)
        return event.key if self.checks.answered(event, now) else ""

    def _on_check_failed(self, event: CheckFailed, seq: int, now: Ns) -> str:
        self.checks.unanswered(event.key)
        return ""

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
        since = self.crossed.get(book_id) if self.crossed else None
        if since is not None and now - since > self.limits.crossed:
            return "crossed"
        if not feed.up:
            return "" if self.fallback.fresh(book_id, now) else "feed_down"
        if key not in feed.fit[token]:
            return "gap"
        if not feed.sample_ok:
            return "sample_disagreed"
        silent = now - feed.last_data > self.limits.silent
        if silent and now - self.checks.agreed.get(book_id, Ns(0)) > self.limits.check:
            return "silent"
        if self.lag(feed, now) > self.limits.late and not silent:
            return "late"
        if self.mirrors.off and key in self.mirrors.off and self.mirrors.doubtful(key, now):
            return "mirror_unconfirmed"
        return ""

    def tick(self, now: Ns) -> None:
        """What time alone brings about: verdicts that are due, samples, mirrors to confirm."""
        if now != self.now:
            self._moment(now)
        self.checks.tick(now)
        self.fallback.tick(now)
        off = [
            key
            for key in self.mirrors.off
            if self.mirrors.doubtful(key, now) and not self._broken(key)
        ]
        self.checks.ask(off, now)

    def _moment(self, now: Ns) -> None:
        still = now - self.now if self.now else 0
        self.now = now
        if still >= self.still or now > self.read_by:
            self.still, self.read_by = still, now + READ

    def lag(self, feed: Feed, now: Ns) -> int:
        """How old the books of a feed may be, in ns: as its last change was, and where that came
        before this moment, by what may be unread since the one before, too. That is much where
        the machine stood still; a run's ticks keep it short where the market does."""
        return feed.lag + (0 if feed.lag_at == now else max(self.still, now - self.now))

    def open_gaps(self) -> int:
        return sum(gap.count for feed in self.feeds.values() for gap in feed.gaps.values())

    def broken_books(self) -> int:
        return sum(not whole for feed in self.feeds.values() for whole in feed.books.values())


def _with(instrument: Instrument, **changes: object) -> Instrument:
    fields = {name: getattr(instrument, name) for name in instrument.__struct_fields__}
    return Instrument(**(fields | changes))


_HANDLERS: dict[type, Callable[[World, Any, int, Ns], str]] = {
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
    TopSeen: World._on_top,
    TradePrinted: World._on_trade,
    BookSeen: World._on_seen,
    CheckFailed: World._on_check_failed,
}
