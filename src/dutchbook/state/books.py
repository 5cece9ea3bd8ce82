"""Every book of every venue in YES terms: dense ladders, best levels at hand, all or nothing."""

from typing import Final

from dutchbook.domain.events import ASK, BID, NO, YES, BookLevels, Level
from dutchbook.domain.instrument import Band, Instrument
from dutchbook.domain.units import ONE
from dutchbook.state.grid import STEPS, BookFault, slots_of, tick_class, widen
from dutchbook.state.pool import Pool

__all__ = ["SIZE_MAX", "Book", "BookFault", "Books"]

SIZE_MAX: Final = 500_000_000_000_000
"""Largest size of one level, in millionths: half a billion contracts.

A whole side of the finest ladder, 10001 such levels, is 5.0e18 < 2**63, so that sums in kernels
can't pass a 64-bit word.
"""


class Book:
    """One ladder pair. Prices in millionths in YES terms, sizes in millionths of a contract.

    `bid` is 0 and `ask` is ONE where that side is empty. A crossed or locked book is data: it is
    kept as it is, and the fresh-book gate judges it. `version` counts the applied changes; `seq`
    is that of the last event which the world folded into it, 0 before the first.
    """

    __slots__ = (
        "ask", "ask_qty", "at", "bid", "bid_qty", "grid", "id", "key", "pool", "row", "seq",
        "slots", "token", "version",
    )  # fmt: skip

    def __init__(self, key: str, token: int, grid: tuple[Band, ...], pool: Pool) -> None:
        self.key = key
        self.token = token
        self.id = (key, token)
        self.version = self.seq = 0
        self.bid, self.bid_qty = 0, 0
        self.ask, self.ask_qty = ONE, 0
        self._house(grid, pool)

    def _house(self, grid: tuple[Band, ...], pool: Pool) -> None:
        self.grid = grid
        self.slots = slots_of(grid)
        self.pool = pool
        self.row = pool.take()
        self.at = (self.row * 2 * pool.stride, (self.row * 2 + 1) * pool.stride)

    def bids(self, levels: int) -> list[tuple[int, int]]:
        """The best `levels` bids, highest price first: (price, size)."""
        pool = self.pool
        base, find, mem, step = self.at[BID], pool.occ.rfind, pool.mem, pool.step
        found: list[tuple[int, int]] = []
        at = base + self.bid // step if self.bid else -1
        while at >= 0 and len(found) < levels:
            found.append(((at - base) * step, mem[at]))
            at = find(1, base, at)
        return found

    def asks(self, levels: int) -> list[tuple[int, int]]:
        """The best `levels` asks, lowest price first: (price, size)."""
        pool = self.pool
        base, find, mem, step = self.at[ASK], pool.occ.find, pool.mem, pool.step
        end = base + pool.stride
        found: list[tuple[int, int]] = []
        at = base + self.ask // step if self.ask != ONE else -1
        while at >= 0 and len(found) < levels:
            found.append(((at - base) * step, mem[at]))
            at = find(1, at + 1, end)
        return found

    def depth(self, levels: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The best `levels` of both sides: (bids, asks), best first."""
        return self.bids(levels), self.asks(levels)

    def refresh(self) -> bool:
        """Find the best levels anew from the ladder; whether a price or size of them changed."""
        pool = self.pool
        was = (self.bid, self.bid_qty, self.ask, self.ask_qty)
        bids, asks = self.at
        at = pool.occ.rfind(1, bids, bids + pool.stride)
        self.bid, self.bid_qty = ((at - bids) * pool.step, pool.mem[at]) if at >= 0 else (0, 0)
        pool.top[self.row * 2] = self.bid // pool.step
        at = pool.occ.find(1, asks, asks + pool.stride)
        self.ask, self.ask_qty = ((at - asks) * pool.step, pool.mem[at]) if at >= 0 else (ONE, 0)
        pool.top[self.row * 2 + 1] = self.ask // pool.step
        return was != (self.bid, self.bid_qty, self.ask, self.ask_qty)

    def regrid(self, grid: tuple[Band, ...], pool: Pool) -> None:
        """Go on under another grid, in that grid's pool; every level stays."""
        if pool is self.pool:
            self.grid = grid
            self.slots = slots_of(grid)
            return
        old, row = self.pool, self.row
        levels = (self.bids(old.slots), self.asks(old.slots))
        self._house(grid, pool)
        for base, side in zip(self.at, levels, strict=True):
            for px, size in side:
                pool.mem[base + px // pool.step] = size
                pool.occ[base + px // pool.step] = 1
        self.refresh()
        old.give(row)


class Books:
    """All books by market and token; see Book for units. Not shared between threads."""

    def __init__(self) -> None:
        self.pools = tuple(Pool(step) for step in STEPS)
        self._yes: dict[str, Book] = {}
        self._no: dict[str, Book] = {}
        self.tokens = (self._yes, self._no)
        self.layout = 0
        """Counts listings and moves: rows that were looked up before are to be looked up again."""

    def list(self, instrument: Instrument) -> None:
        """Make room for a market: one book, two where its tokens have books of their own.

        Listed again: under the grid that it has now, levels kept. Raises BookFault("grid"); then
        nothing was changed.
        """
        self.layout += 1
        if instrument.key not in self._yes:
            grid = widen((), instrument.grid)
            pool = self.pools[tick_class(grid)]
            self._yes[instrument.key] = Book(instrument.key, YES, grid, pool)
        else:
            self.regrid(instrument.key, instrument.grid)
        if instrument.tokens and instrument.key not in self._no:
            first = self._yes[instrument.key]
            self._no[instrument.key] = Book(instrument.key, NO, first.grid, first.pool)

    def regrid(self, key: str, grid: tuple[Band, ...]) -> None:
        """The allowed prices of a market changed; levels stay. KeyError for an unknown market."""
        first = self._yes[key]
        tick_class(grid)  # refused on its own account, before it is joined with earlier ones
        wide = widen(first.grid, grid)
        pool = self.pools[tick_class(wide)]
        if wide == first.grid:
            return
        self.layout += 1
        first.regrid(wide, pool)
        if second := self._no.get(key):
            second.regrid(wide, pool)

    def get(self, key: str, token: int) -> Book:
        """The book of a market's token (YES or NO); KeyError if it is unknown."""
        return self.tokens[token][key]

    def has(self, key: str) -> bool:
        """Whether this market is listed."""
        return key in self._yes

    def find(self, key: str, token: int) -> Book:
        """The book of a market's token; BookFault("unknown") if there is none."""
        book = self.tokens[token].get(key)
        if book is None:
            raise BookFault("unknown", f"no book {key} token {token}")
        return book

    def refresh(self) -> None:
        """Take over the best levels that a bulk change left in the ladders."""
        for book in self.all():
            book.refresh()

    def all(self) -> tuple[Book, ...]:
        """Every book, in the order of listing, YES books first."""
        return (*self._yes.values(), *self._no.values())

    def apply(self, event: BookLevels) -> bool:
        """Change a book; True if a best price or its size changed.

        Raises BookFault; then nothing was changed.
        """
        book = self.tokens[event.token].get(event.key)
        if book is None:
            raise BookFault("unknown", f"no book {event.key} token {event.token}")
        return change(book, event)

    def clear(self, key: str) -> None:
        """Take all levels out of a market's books; KeyError if it is unknown."""
        self._empty(self._yes[key])
        if second := self._no.get(key):
            self._empty(second)

    def _empty(self, book: Book) -> None:
        book.pool.empty(book.row)
        book.refresh()
        book.version += 1


def change(book: Book, event: BookLevels) -> bool:
    """As `Books.apply`, where the book is at hand."""
    levels = event.levels
    if len(levels) == 1 and not event.snapshot:
        return change_level(book, levels[0], event.delta)
    changed = _replace(book, levels) if event.snapshot else _change_all(book, levels, event.delta)
    book.version += 1
    return changed


def change_level(book: Book, level: Level, delta: bool) -> bool:
    """As `change`, for one level of an event that is no snapshot.

    The hot path, without a call into a kernel (which would cost as much again).
    """
    side, px, size = level
    slot = book.slots.get(px)
    if slot is None:
        raise _fault("off_grid", book, side, px, size)
    pool = book.pool
    mem = pool.mem
    at = book.at[side] + slot
    old = mem[at]
    new = old + size if delta else size
    if not 0 <= new <= SIZE_MAX:
        raise _beyond(book, side, px, size, old, delta)
    book.version += 1
    if new == old:
        return False
    mem[at] = new
    if not new or not old:
        pool.occ[at] = 1 if new else 0
    if side == BID:
        if px < book.bid:
            return False
        if not new:
            base = at - slot
            slot = pool.occ.rfind(1, base, at) - base
            slot = max(slot, 0)  # nothing found gives a place before the row: no bid
            px, new = slot * pool.step, mem[base + slot]
        if px != book.bid:
            book.bid = px
            pool.top[book.row * 2] = slot
        book.bid_qty = new
        return True
    if px > book.ask:
        return False
    if not new:
        base = at - slot
        slot = pool.occ.find(1, at, base + pool.stride) - base
        slot = slot if slot > 0 else pool.slots - 1
        px, new = slot * pool.step, mem[base + slot]
    if px != book.ask:
        book.ask = px
        pool.top[book.row * 2 + 1] = slot
    book.ask_qty = new
    return True


def _change_all(book: Book, levels: list[tuple[int, int, int]], delta: bool) -> bool:
    """Several levels in order, as one change: a fault in any of them takes back all."""
    _count(book, levels)
    pool = book.pool
    mem, occ = pool.mem, pool.occ
    undo: list[tuple[int, int]] = []
    try:
        for side, px, size in levels:
            slot = book.slots.get(px)
            if slot is None:
                raise _fault("off_grid", book, side, px, size)
            at = book.at[side] + slot
            old = mem[at]
            new = old + size if delta else size
            if not 0 <= new <= SIZE_MAX:
                raise _beyond(book, side, px, size, old, delta)
            undo.append((at, old))
            mem[at] = new
            occ[at] = 1 if new else 0
    except BookFault:
        for at, old in reversed(undo):
            mem[at] = old
            occ[at] = 1 if old else 0
        raise
    return book.refresh()


def _replace(book: Book, levels: list[tuple[int, int, int]]) -> bool:
    """The whole book at once; everything is checked before the first cell is written."""
    _count(book, levels)
    cells: dict[int, int] = {}
    for side, px, size in levels:
        slot = book.slots.get(px)
        if slot is None:
            raise _fault("off_grid", book, side, px, size)
        if not 0 <= size <= SIZE_MAX:
            raise _beyond(book, side, px, size, 0, False)
        at = book.at[side] + slot
        if at in cells:
            raise _fault("duplicate", book, side, px, size)
        cells[at] = size
    pool = book.pool
    pool.empty(book.row)
    mem, occ = pool.mem, pool.occ
    for at, size in cells.items():
        if size:
            mem[at] = size
            occ[at] = 1
    return book.refresh()


def _count(book: Book, levels: list[tuple[int, int, int]]) -> None:
    if len(levels) > 2 * book.pool.slots:
        detail = f"{book.key}: {len(levels)} levels, room for {2 * book.pool.slots}"
        raise BookFault("too_many", detail)


def _beyond(book: Book, side: int, px: int, size: int, old: int, delta: bool) -> BookFault:
    if not delta:
        return _fault("negative" if size < 0 else "too_large", book, side, px, size)
    if size > 0:
        return _fault("too_large", book, side, px, size)
    return _fault("below_zero" if old else "absent", book, side, px, size)


def _fault(what: str, book: Book, side: int, px: int, size: int) -> BookFault:
    name = ("bid", "ask")[side == ASK]
    return BookFault(what, f"{book.key} token {book.token}: {name} {px} size {size}")
