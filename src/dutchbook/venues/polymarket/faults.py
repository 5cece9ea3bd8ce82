"""Where exactly a message of the right shape goes wrong; asked once it is known that it does."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import MILLI, Ns
from dutchbook.venues.polymarket.gamma import grid_of
from dutchbook.venues.polymarket.ladder import levels
from dutchbook.venues.polymarket.numbers import BESTS, PRICES, SIZES, millis
from dutchbook.venues.polymarket.wire import BookBody, PriceChange

_READ: dict[str, Callable[[str], int]] = {
    "price": PRICES.__getitem__,
    "size": SIZES.__getitem__,
    "best_bid": BESTS.__getitem__,
    "best_ask": BESTS.__getitem__,
}
AHEAD_MS: Final = 3_600_000
"""How far the venue's clock may be ahead of ours; more would make every later message look old."""


def fault(message: Any, now: Ns) -> RemoteProtocolError:
    """The first wrong value of a message, as an error with its path; path "" if all are right."""
    market = message.market[:128]
    for place, check in _checks(message, now):
        try:
            check()
        except ValueError as error:
            return RemoteProtocolError("polymarket", place, str(error), market=market)
    return RemoteProtocolError("polymarket", "", "not a message that makes sense", market=market)


def _checks(message: Any, now: Ns) -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "timestamp", lambda: millis(message.timestamp, now // MILLI + AHEAD_MS)
    if isinstance(message, PriceChange):
        for index, change in enumerate(message.price_changes):
            for name in _READ:
                yield f"price_changes[{index}].{name}", _reader(change, name)
    elif isinstance(message, BookBody):
        for side in ("bids", "asks"):
            for index, level in enumerate(getattr(message, side)):
                for name in ("price", "size"):
                    yield f"{side}[{index}].{name}", _reader(level, name)
        yield "bids, asks", lambda: levels(message, 0)
    else:
        for name in _READ:
            yield name, _reader(message, name)
        if hasattr(message, "new_tick_size"):
            yield "new_tick_size", lambda: tick_of(message.new_tick_size)


def tick_of(text: str) -> int:
    """A tick size in millionths; ValueError if it isn't one."""
    tick = SIZES[text]
    grid_of(tick)
    return tick


def _reader(part: Any, name: str) -> Callable[[], Any]:
    text = getattr(part, name, None)
    return (lambda: None) if text is None else (lambda: _READ[name](text))
