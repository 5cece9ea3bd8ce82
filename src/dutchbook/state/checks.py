"""Cross-checks of a book against the venue's REST copy, fair to two clocks that differ.

The copy was taken at some moment around our question, while our stream went on. It agrees when
it equals our book as it was at any moment from the question until GRACE after the answer. Only
several disagreements in a row make a gap.
"""

from typing import TYPE_CHECKING

from dutchbook.domain.effects import AskCheck
from dutchbook.domain.events import ASK, BID, BookSeen
from dutchbook.domain.step import Found
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.state.books import Book
from dutchbook.state.feeds import BookId

if TYPE_CHECKING:
    from dutchbook.state.world import World

GRACE = Ns(1_000 * MILLI)
PATIENCE = Ns(6_000 * MILLI)
STRIKES = 3
ALL_LEVELS = 1_000_000

Levels = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]
"""(bids best first, asks best first), each (price, size)."""


def levels_of(book: Book) -> Levels:
    """A whole book as a value that can be compared."""
    return tuple(book.bids(ALL_LEVELS)), tuple(book.asks(ALL_LEVELS))


class Check:
    """One question about one book, and what our book looked like meanwhile."""

    def __init__(self, asked: Ns, ours: Levels, strikes: int) -> None:
        self.asked = asked
        self.past = [ours]
        self.answer: Levels | None = None
        self.answered = Ns(0)
        self.strikes = strikes

    def verdict(self, now: Ns) -> bool | None:
        """True: they agreed. False: they did not, for long enough. None: not known yet."""
        if self.answer is not None and self.answer in self.past:
            return True
        return False if self.answer is not None and now - self.answered > GRACE else None


class CrossChecks:
    """The questions under way, the rolling sample, and when each book was last agreed upon."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.open: dict[BookId, Check] = {}
        self.agreed: dict[BookId, Ns] = {}
        self.confirmed: dict[str, Ns] = {}
        self._sampled: dict[str, int] = {}
        self._next_sample = Ns(0)

    def ask(self, keys: list[str], now: Ns, strikes: int = 0) -> None:
        """Ask for REST copies of these markets' books, unless they are on their way."""
        world = self.world
        wanted: dict[str, list[str]] = {}
        for key in keys:
            if key not in world.instruments or (key, 0) in self.open or (key, 1) in self.open:
                continue
            for token in range(world.tokens[key]):
                ours = levels_of(world.books.get(key, token))
                self.open[key, token] = Check(now, ours, strikes)
            wanted.setdefault(world.instruments[key].venue, []).append(key)
        world.asks.extend(AskCheck(venue, tuple(some)) for venue, some in wanted.items())

    def moved(self, book_id: BookId, ours: Levels, now: Ns) -> None:
        """A book that is being asked about changed."""
        self.open[book_id].past.append(ours)
        self._judge(book_id, now)

    def answered(self, event: BookSeen, now: Ns) -> bool:
        """The venue's copy came; false if nobody asked."""
        book_id = (event.key, event.token)
        check = self.open.get(book_id)
        if check is None:
            return False
        bids = sorted(((px, size) for side, px, size in event.levels if side == BID), reverse=True)
        asks = sorted((px, size) for side, px, size in event.levels if side == ASK)
        check.answer, check.answered = (tuple(bids), tuple(asks)), now
        self._judge(book_id, now)
        return True

    def unanswered(self, key: str) -> None:
        """The venue refused or was silent: that says nothing about the book."""
        for token in range(self.world.tokens.get(key, 0)):
            if self.open.pop((key, token), None) is not None:
                self.world.count.checks_lapsed += 1

    def tick(self, now: Ns) -> None:
        """Verdicts that are due, and the next rolling sample."""
        for book_id in list(self.open):
            if book_id in self.open:
                self._judge(book_id, now)
        if now >= self._next_sample:
            self._next_sample = Ns(now + self.world.limits.sample)
            self.ask(self._sample(), now)

    def _sample(self) -> list[str]:
        """The next few whole books of every stream, in turn."""
        keys: list[str] = []
        for stream, feed in self.world.feeds.items():
            names = [book_id[0] for book_id, whole in feed.books.items() if whole and feed.up]
            if names:
                at, number = self._sampled.get(stream, 0), self.world.limits.sample_books
                keys += [names[(at + n) % len(names)] for n in range(number)]
                self._sampled[stream] = at + number
        return list(dict.fromkeys(keys))

    def _judge(self, book_id: BookId, now: Ns) -> None:
        check = self.open[book_id]
        verdict = check.verdict(now)
        if verdict is None and check.answer is None and now - check.asked > PATIENCE:
            self.unanswered(book_id[0])
        elif verdict is True:
            self._agreed(book_id, now)
        elif verdict is False:
            self._disagreed(book_id, check, now)

    def _agreed(self, book_id: BookId, now: Ns) -> None:
        del self.open[book_id]
        world, key = self.world, book_id[0]
        world.count.checks_agreed += 1
        self.agreed[book_id] = now
        feed = world.home.get(book_id)
        if feed is not None:
            feed.sample_ok = True
        books = [(key, token) for token in range(world.tokens[key])]
        if all(now - self.agreed.get(book, Ns(0)) < SECOND for book in books):
            self.confirmed[key] = now

    def _disagreed(self, book_id: BookId, check: Check, now: Ns) -> None:
        """Ask again; after several times in a row, take our book for broken."""
        world, key = self.world, book_id[0]
        for token in range(world.tokens[key]):
            self.open.pop((key, token), None)
        feed = world.home.get(book_id)
        if feed is None or not feed.books.get(book_id, False):
            return
        if check.strikes + 1 < STRIKES:
            self.ask([key], now, check.strikes + 1)
            return
        world.count.checks_failed += 1
        feed.sample_ok = False
        world.found.append(Found(key, "check_disagreed", f"token {book_id[1]}"))
        world.noticed(feed.stream, key, 0)
