"""Two changes of one book as one: what a backlog is shortened by, with the same book at the end."""

from dutchbook.domain.events import BookLevels


def merged(first: BookLevels, then: BookLevels) -> BookLevels | None:
    """One event that leaves a book as `first` and then `then` would; None if there is none.

    Both are of the same key, token and stream. The claimed best prices and the hash state are those
    of `then`; the venue's time is that of `first`, in whose place it waits: what else the stream
    brought since is not known yet, and its lateness must show. Changes that would take a known
    level below zero are not merged, so that whoever applies them sees the fault.
    """
    if then.snapshot:
        return then
    if first.snapshot:
        levels = _onto(first.levels, then)
    elif first.delta != then.delta:
        return None
    elif then.delta:
        levels = _summed(first.levels + then.levels)
    else:
        levels = [(*at, size) for at, size in _totals(first.levels + then.levels).items()]
    if levels is None:
        return None
    return BookLevels(
        key=then.key,
        token=then.token,
        stream=then.stream,
        snapshot=first.snapshot,
        delta=first.delta,
        levels=levels,
        bid=then.bid,
        ask=then.ask,
        venue_at=first.venue_at,
        hashed=then.hashed,
    )


def _onto(
    whole: list[tuple[int, int, int]], change: BookLevels
) -> list[tuple[int, int, int]] | None:
    """The whole book after a change; None where a size would go below zero."""
    book = {(side, px): size for side, px, size in whole}
    if len(book) != len(whole):
        return None  # a level named twice: whoever applies the book judges that
    for side, px, size in change.levels:
        at = (side, px)
        total = book.get(at, 0) + size if change.delta else size
        if total < 0:
            return None
        if total:
            book[at] = total
        else:
            book.pop(at, None)
    return [(side, px, size) for (side, px), size in book.items()]


def _summed(levels: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Signed changes added up per level; what came to nothing is left out."""
    sums: dict[tuple[int, int], int] = {}
    for side, px, size in levels:
        sums[side, px] = sums.get((side, px), 0) + size
    return [(side, px, size) for (side, px), size in sums.items() if size]


def _totals(levels: list[tuple[int, int, int]]) -> dict[tuple[int, int], int]:
    """New totals per level: the last word holds."""
    return {(side, px): size for side, px, size in levels}
