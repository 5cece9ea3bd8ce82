"""Which books take changes: `Feed.fit` and `Feed.books` say the same, whatever happens."""

from random import Random

from dutchbook.domain.events import (
    BID,
    BookLevels,
    FeedDown,
    FeedGap,
    FeedUp,
    InstrumentListed,
    StatusChanged,
)
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import ONE, Ns
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.world import World

STREAMS = ("kalshi.book", "polymarket.market.0")
KEYS = ("kalshi:A", "kalshi:B", "polymarket:C", "polymarket:D")


def _market(key: str, tokens: tuple[str, ...]) -> Instrument:
    venue, symbol = key.split(":")
    fees = FeeSchedule("none")
    return Instrument(key, venue, symbol, key, symbol, "Yes", CENT, fees, tokens=tokens)


def _levels(key: str, token: int, *, snapshot: bool, stream: str = "") -> BookLevels:
    levels = [(BID, 400_000, 5 * ONE)]
    return BookLevels(key, token, stream or _home(key), snapshot, False, levels)


def _home(key: str) -> str:
    return STREAMS[key.startswith("polymarket")]


def _tokens(key: str) -> tuple[str, ...]:
    return ("y", "n") if key.startswith("polymarket") else ()


def test_what_is_fit_is_what_is_whole_and_nothing_else_takes_changes():
    """A random story of snapshots, gaps, lost streams and closed markets, against a naive twin."""
    for seed in range(20):
        chance, world = Random(seed), World(FreshLimits())
        whole: set[tuple[str, int]] = set()
        for key in KEYS:
            world.apply(InstrumentListed(_market(key, _tokens(key))), 1, Ns(1))
        for stream in STREAMS:
            world.apply(FeedUp(stream), 1, Ns(1))
        for seq in range(2, 300):
            key = chance.choice(KEYS)
            token, stream = chance.randrange(len(_tokens(key)) or 1), _home(key)
            mine = {one for one in whole if _home(one[0]) == stream}
            what = chance.choice(("change",) * 6 + ("whole",) * 4 + ("gap", "all", "down", "shut"))
            if what == "change":
                book = world.books.get(key, token)
                before, ignored = book.version, world.count.stale_ignored
                world.apply(_levels(key, token, snapshot=False), seq, Ns(seq))
                takes = (key, token) in whole
                assert (book.version > before) == takes
                assert (world.count.stale_ignored == ignored) == takes
            elif what == "whole":
                world.apply(_levels(key, token, snapshot=True), seq, Ns(seq))
                whole.add((key, token))
            elif what == "gap":
                world.apply(FeedGap(stream, "sequence", "", 1, 3, (key,)), seq, Ns(seq))
                whole -= {(key, 0), (key, 1)}
            elif what == "all":
                world.apply(FeedGap(stream, "sequence", "sid:1", 1, 3), seq, Ns(seq))
                whole -= mine
            elif what == "down":
                world.apply(FeedDown(stream, "lost"), seq, Ns(seq))
                world.apply(FeedUp(stream), seq, Ns(seq))
                whole -= mine
            else:
                world.apply(StatusChanged(key, "closed"), seq, Ns(seq))
                whole -= {(key, 0), (key, 1)}
            for feed in world.feeds.values():
                said = {book for book, sound in feed.books.items() if sound}
                fit = {book.id for books in feed.fit for book in books.values()}
                assert fit == said
                assert said == {one for one in whole if _home(one[0]) == feed.stream}


def test_a_market_that_lost_a_token_takes_no_changes_of_its_book():
    """Listed with two books, then with one: what comes for the second is of no known book."""
    world, key = World(FreshLimits()), "polymarket:C"
    world.apply(InstrumentListed(_market(key, ("y", "n"))), 1, Ns(1))
    world.apply(FeedUp(_home(key)), 2, Ns(2))
    for token in (0, 1):
        world.apply(_levels(key, token, snapshot=True), 3, Ns(3))
    assert world.apply(_levels(key, 1, snapshot=False), 4, Ns(4)) == key
    world.apply(InstrumentListed(_market(key, ())), 5, Ns(5))
    before = world.books.get(key, 1).version
    for snapshot in (False, True):
        assert world.apply(_levels(key, 1, snapshot=snapshot), 6, Ns(6)) == ""
    assert world.books.get(key, 1).version == before
    assert world.apply(_levels(key, 0, snapshot=False), 7, Ns(7)) == key


def test_a_book_of_an_unknown_market_stream_or_token_is_refused():
    """Told once, counted, and nothing else: no book is made of it."""
    world, key = World(FreshLimits()), "kalshi:A"
    world.apply(InstrumentListed(_market(key, ())), 1, Ns(1))
    world.apply(FeedUp(_home(key)), 2, Ns(2))
    for event in (
        _levels("kalshi:Z", 0, snapshot=True),
        _levels(key, 0, snapshot=True, stream="nowhere"),
        _levels(key, 1, snapshot=True),
        _levels(key, 2, snapshot=False),
    ):
        told = len(world.found)
        assert world.apply(event, 3, Ns(3)) == ""
        assert [note.what for note in world.found[told:]] == ["unknown_market"]
    assert world.count.malformed == 4 and world.count.books == 0
