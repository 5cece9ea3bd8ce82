"""Any one body or frame of Polymarket, its kind found by its shape, as events or as BadInput."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import (
    BadInput,
    BodySeen,
    Event,
    EventListed,
    FeedGap,
    InstrumentListed,
)
from dutchbook.domain.units import MILLI, Ns
from dutchbook.venues.polymarket import gamma
from dutchbook.venues.polymarket.checks import read_book
from dutchbook.venues.polymarket.discovery import read_event
from dutchbook.venues.polymarket.frames import Frames
from dutchbook.venues.polymarket.kinds import KINDS, STRONG, WEAK, kind_of
from dutchbook.venues.polymarket.learn import Learner
from dutchbook.venues.polymarket.numbers import MOMENT_LAST
from dutchbook.venues.polymarket.registry import Registry
from dutchbook.venues.polymarket.wire import UNREADABLE, NewMarket, loads

STREAM: Final = "polymarket.decode"
ENVELOPES: Final = ("body", "response", "frame", "json", "data", "payload", "message", "result")
"""Names under which a capture keeps a body: what lies there may be of any kind."""
FRAMES: Final = ("frame", "ws", "market", "polymarket.market")
"""What the kind or stream of a frame begins with."""
DEPTH_MAX: Final = 64
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_LATEST: Final = Ns((MOMENT_LAST - 3_600_000) * MILLI)


class Decoder:
    """Decodes one thing after another; what it learns of tokens in one it knows in the next."""

    def __init__(self) -> None:
        registry = Registry(2)
        self._frames = Frames(registry, Learner(registry))
        self._frames.new_market = _new_market

    def __call__(self, kind: str, data: bytes) -> list[Event]:
        """As `decode`."""
        if data == b"PONG":
            return []
        try:
            return self._found(kind, data, loads(data))
        except UNREADABLE as error:
            return [_bad(error)]

    def _found(self, kind: str, data: bytes, found: Any) -> list[Event]:
        try:
            return self._shape(data, found, kind or kind_of(found))
        except RemoteProtocolError as error:
            what = str(error).split(": ", 2)[-1].rstrip(".")
            return [BadInput(STREAM, error.where, what, error.market)]
        except UNREADABLE as error:
            return [_bad(error)]

    def _shape(self, data: bytes, found: Any, kind: str) -> list[Event]:
        reader = _READERS.get(kind)
        if reader is not None:
            return reader(data, found)
        if kind in KINDS:
            return _seen(kind, found)
        if isinstance(found, list) and (not kind or kind in STRONG):
            return self._list(found, kind)
        if kind in ("page", "gamma.markets"):
            name = "data" if kind == "page" else "markets"
            events = self._list(found[name], "")
            return [_under(event, name) for event in events]
        if kind and not kind.startswith(FRAMES):
            raise RemoteProtocolError("polymarket", "", f"no body of the kind {kind[:40]!r}")
        if not kind and not isinstance(found, dict):
            raise RemoteProtocolError("polymarket", "", "neither a frame nor a body that is known")
        if not kind and "event_type" not in found:
            raise RemoteProtocolError("polymarket", "", "a shape that no known body has")
        out = self._frames.read(STREAM, data, _LATEST)
        return [event for event in out if isinstance(event, Event) and not _of_feed(event)]

    def _list(self, found: list[Any], kind: str) -> list[Event]:
        """Each by its own shape; bodies of one kind that carry no event are counted together."""
        events: list[Event] = []
        for index, item in enumerate(found):
            own = kind if not isinstance(item, list) else ""
            for decoded in self._found(own, _encode(item), item):
                event = _under(decoded, f"[{index}]")
                last = events[-1] if events else None
                if (
                    isinstance(event, BodySeen)
                    and isinstance(last, BodySeen)
                    and last.kind == event.kind
                ):
                    keys = tuple(dict.fromkeys(last.keys + event.keys))
                    total = last.items + event.items
                    events[-1] = BodySeen("polymarket", event.kind, total, keys)
                else:
                    events.append(event)
        return events or [BodySeen("polymarket", "list", 0, ())]


def decode(kind: str, data: bytes) -> list[Event]:
    """The events of one body or frame on its own; a bad one is BadInput, never an exception.

    `kind` "": found by the shape; "frame" or a stream's name: a frame; else one of `kinds`
    ("clob.midpoint", "gamma.events", ...).
    """
    return Decoder()(kind, data)


def bodies(document: Any) -> Iterator[tuple[str, str, bytes]]:
    """Every body in a parsed capture: (JSON path, kind, bytes), whatever is around them."""
    yield from _search(document, "$", "", 0)


def _search(node: Any, path: str, name: str, depth: int) -> Iterator[tuple[str, str, bytes]]:
    if depth > DEPTH_MAX:
        return
    if isinstance(node, str) and name in ENVELOPES and node[:1] in ("{", "["):
        try:
            node = loads(node.encode())
        except UNREADABLE:
            return
    kind = kind_of(node)
    enveloped = depth == 0 or name in ENVELOPES
    if kind in STRONG or kind == "frame" or (kind in WEAK and enveloped):
        yield path, kind, _encode(node)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _search(value, f"{path}.{key}", key, depth + 1)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _search(value, f"{path}[{index}]", name, depth + 1)


def _book(data: bytes, found: Any) -> list[Event]:
    return [read_book(data, 0)[1]]


def _event(data: bytes, found: Any) -> list[Event]:
    event, members, out = read_event(data, "")
    events: list[Event] = [_trimmed(bad) for bad in out if isinstance(bad, BadInput)]
    if event is None:
        return events
    events += [InstrumentListed(listed) for _, listed, _ in members]
    unread = len(event.markets) - len(members)
    kept = [(market, listed) for market, listed, _ in members]
    return [*events, EventListed(gamma.group(event, kept, unread))]


def _events(data: bytes, found: Any) -> list[Event]:
    out: list[Event] = []
    for index, raw in enumerate(gamma.events.decode(data).events):
        out += [_under(event, f"events[{index}]") for event in _event(bytes(raw), None)]
    return out or [BodySeen("polymarket", "gamma.events", 0, ())]


def _market(data: bytes, found: Any) -> list[Event]:
    market = gamma.market.decode(data)
    parents = found.get("events") if isinstance(found, dict) else None
    slug = parents[0].get("slug") if parents and isinstance(parents[0], dict) else market.slug
    listed, _ = gamma.instrument(market, f"polymarket:{str(slug)[:256]}", "")
    return [InstrumentListed(listed)]


def _new_market(stream: str, message: NewMarket, now: Ns) -> list[Any]:
    market, parent = gamma.from_new_market(message)
    listed, _ = gamma.instrument(market, gamma.event_key(parent), gamma.category_of(parent))
    return [InstrumentListed(listed)]


def _seen(kind: str, found: Any) -> list[Event]:
    shape, count, keys = KINDS[kind]
    checked = msgspec.convert(found, shape, strict=True)
    symbols = tuple(f"polymarket:{symbol[:128]}" for symbol in keys(checked))
    return [BodySeen("polymarket", kind, count(checked), symbols)]


def _under(event: Event, place: str) -> Event:
    """The same event; a fault's path gets the place that its body had in a larger one."""
    if not isinstance(event, BadInput):
        return event
    dot = "." if event.where and not event.where.startswith("[") else ""
    return msgspec.structs.replace(event, where=f"{place}{dot}{event.where}")


def _of_feed(event: Event) -> bool:
    """A single frame has no stream that could have a gap."""
    return isinstance(event, FeedGap)


def _bad(error: Exception) -> BadInput:
    text = "nested too deep" if isinstance(error, RecursionError) else str(error)
    what, _, path = text.partition(" - at `$")
    return BadInput(STREAM, path.rstrip("`").lstrip("."), what)


def _trimmed(bad: BadInput) -> BadInput:
    return msgspec.structs.replace(bad, stream=STREAM, where=bad.where.lstrip("."))


_READERS: Final[dict[str, Callable[[bytes, Any], list[Event]]]] = {
    "clob.book": _book,
    "gamma.event": _event,
    "gamma.events": _events,
    "gamma.market": _market,
}
