"""Which streams run, which of their books are whole, and which gaps are still open."""

from dutchbook.domain.events import FeedGap
from dutchbook.domain.units import Ns
from dutchbook.state.books import Book

BookId = tuple[str, int]
"""(instrument key, token)."""


class Gap:
    """Lost messages of one scope: how many times, and the books not seen whole since."""

    def __init__(self, scope: str, first: int) -> None:
        self.scope = scope
        self.first = first
        self.count = 0
        self.waiting: dict[BookId, None] = {}


class Feed:
    """One stream: up or down, when it last brought market data, its books and open gaps.

    `lag`: how old the last change that it brought was when it came, at `lag_at`.
    `books` says of each book whether it is whole; `fit` has those that are, by token and key: what
    a change may go to is found there by one look-up.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.up = False
        self.last_data = Ns(0)
        self.down_at = Ns(0)
        self.lag = 0
        self.lag_at = Ns(0)
        self.sample_ok = True
        self.books: dict[BookId, bool] = {}
        self.fit: tuple[dict[str, Book], dict[str, Book]] = ({}, {})
        self.gaps: dict[str, Gap] = {}

    def begin(self) -> None:
        """Connected: nothing of before counts any more."""
        self.up = True
        self.lag = 0
        self._break_all()

    def end(self, now: Ns) -> None:
        """Lost; a stream that stays down, dial after dial, has been down since the first time."""
        if self.up:
            self.down_at = now
        self.up = False
        self._break_all()

    def _break_all(self) -> None:
        self.books = dict.fromkeys(self.books, False)
        self.fit = ({}, {})
        for gap in self.gaps.values():
            gap.waiting = dict.fromkeys(self.books)

    def open_gap(self, event: FeedGap, seq: int, tokens: dict[str, int]) -> Gap:
        """Mark the books that a gap concerns as broken; a further gap of a scope starts it anew.

        `tokens` says how many books a market has.
        """
        if event.keys:
            books = [(key, token) for key in event.keys for token in range(tokens.get(key, 0))]
        else:
            books = list(self.books)
        scope = event.scope or (event.keys[0] if len(event.keys) == 1 else "stream")
        gap = self.gaps.setdefault(scope, Gap(scope, seq))
        gap.count += 1
        gap.waiting.update(dict.fromkeys(books))
        for book in books:
            self._broken(book)
        return gap

    def _broken(self, book: BookId) -> None:
        key, token = book
        self.books[book] = False
        self.fit[token].pop(key, None)

    def whole(self, book: Book) -> list[Gap]:
        """A snapshot came; returns the gaps that are healed by it."""
        self.books[book.id] = True
        self.fit[book.token][book.key] = book
        return self._heal(book.id)

    def forget(self, book: BookId) -> list[Gap]:
        """Nothing more is due for a book; returns the gaps that waited for nothing else."""
        self._broken(book)
        del self.books[book]
        return self._heal(book)

    def _heal(self, book: BookId) -> list[Gap]:
        if not self.gaps:
            return []
        healed = []
        for gap in list(self.gaps.values()):
            gap.waiting.pop(book, None)
            if not gap.waiting:
                healed.append(self.gaps.pop(gap.scope))
        return healed
