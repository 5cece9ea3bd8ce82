"""What a tape had told by a moment, as few events: so that a part of it can stand alone."""

from collections.abc import Iterable

import msgspec

from dutchbook.domain.events import (
    BookLevels,
    Event,
    EventListed,
    FeedDown,
    FeedUp,
    GridChanged,
    InstrumentListed,
    LinkProposed,
    MarketResolved,
    OperatorAsked,
    StatusChanged,
)
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.units import Ns
from dutchbook.state.books import BookFault, Books


def state_at(items: Iterable[tuple[Ns, Event]], until: Ns) -> list[Event]:
    """Markets, events, links, streams and whole books as they stood before `until`."""
    listed: dict[str, Instrument] = {}
    groups: dict[str, EventGroup] = {}
    links: list[Event] = []
    up: dict[str, None] = {}
    home: dict[tuple[str, int], str] = {}
    over: dict[str, None] = {}
    books = Books()
    for at, event in items:
        if at >= until:
            break
        if isinstance(event, BookLevels):
            try:
                books.apply(event)
            except BookFault:
                continue
            if event.snapshot:
                home[event.key, event.token] = event.stream
        elif isinstance(event, InstrumentListed):
            listed[event.instrument.key] = event.instrument
            books.list(event.instrument)
        elif isinstance(event, GridChanged):
            books.regrid(event.key, event.grid)
            changed = msgspec.structs.replace(listed[event.key], grid=event.grid)
            listed[event.key] = changed
        elif isinstance(event, EventListed):
            groups[event.group.key] = event.group
        elif isinstance(event, LinkProposed | OperatorAsked):
            links.append(event)
        elif isinstance(event, FeedUp):
            up[event.stream] = None
        elif isinstance(event, FeedDown):
            up.pop(event.stream, None)
        elif isinstance(event, MarketResolved):
            over[event.key] = None
        elif isinstance(event, StatusChanged):
            if event.status in ("closed", "settled"):
                over[event.key] = None
            listed[event.key] = msgspec.structs.replace(listed[event.key], status=event.status)
    found: list[Event] = [EventListed(group) for group in groups.values()]
    found += [InstrumentListed(one) for key, one in listed.items() if key not in over]
    found += [*links, *(FeedUp(stream) for stream in up)]
    for (key, token), stream in home.items():
        if key not in over and stream in up:
            book = books.get(key, token)
            levels = [(side, px, size) for side, levels in enumerate(book.depth(20_000))
                      for px, size in levels]  # fmt: skip
            found.append(BookLevels(key, token, stream, True, False, levels))
    return found
