"""One subscription as the client keeps it: where it stands, and whether what comes can be. Pure."""

from collections.abc import Callable
from typing import Any

import msgspec

from dutchbook.domain.units import micros
from dutchbook.hub import wire
from dutchbook.hub.filters import Facets, Filter, compile_filter, facets
from dutchbook.hub.project import signal_facets
from dutchbook.hub.wire import Alerted, Book, Fill, Heard, Numbered, Opportunity, Outcome, Signal

_json = msgspec.json.Decoder(Heard | list[Heard])
_packed = msgspec.msgpack.Decoder(Heard | list[Heard])


class Feed:
    """`position` is (seq, n) of the last message taken. `repeated` and `missed` count what the
    protocol promises never to happen: the first are dropped, after the second we resume.

    `local`: a filter that is applied here, not at the server.
    """

    def __init__(
        self, channel: str, filters: Filter, after: int | None = None, after_n: int | None = None,
        local: Filter | None = None,
    ) -> None:  # fmt: skip
        self.channel = channel
        self.filters = filters
        self.name = ""
        self.repeated = 0
        self.missed = 0
        self.skipped = 0
        self.position: tuple[int, int] | None = None
        self._conflated = channel in wire.CONFLATED
        self._local = compile_filter(local).test if local is not None else None
        if after is not None:
            self.position = (after, wire.ALL_OF_IT if after_n is None else after_n)

    def ask(self, name: str) -> wire.Subscribe:
        """What to send on a connection to go on where this one stands."""
        if self.position is None or self._conflated:
            return wire.Subscribe(self.channel, self.filters, id=name)
        seq, n = self.position
        return wire.Subscribe(self.channel, self.filters, seq, n, id=name)

    def subscribed(self, answer: wire.Subscribed) -> None:
        self.name = answer.subscription
        if self.position is None:
            self.position = (answer.seq, wire.ALL_OF_IT)

    def live(self, seq: int) -> None:
        """All up to `seq` was sent."""
        if self.position is None or self.position < (seq, wire.ALL_OF_IT):
            self.position = (seq, wire.ALL_OF_IT)

    def take(self, message: Numbered) -> bool:
        """Whether the message is for the user. Raises Hole where something is missing before it."""
        if not self._conflated:
            place = (message.seq, message.n)
            if self.position is not None:
                if place <= self.position:
                    self.repeated += 1
                    return False
                if message.prev > self.position[0]:
                    self.missed += 1
                    raise Hole(self.position, message.prev)
            self.position = place
        if self._local is not None and not self._local(facets_of(message)):
            self.skipped += 1
            return False
        return True


class Hole(Exception):
    """Between the position and `prev` something was sent that never came."""


def decode(data: bytes, binary: bool) -> list[Heard]:
    """A frame's messages. Raises msgspec.MsgspecError for what is none."""
    found: Any = (_packed if binary else _json).decode(data)
    return found if isinstance(found, list) else [found]


def facets_of(message: Numbered) -> Facets:
    """What a local filter sees of a message: what the server's sees, as far as it is told."""
    return _FACETS[type(message)](message)


def _opportunity(body: Opportunity) -> Facets:
    return facets(
        body.kind, markets=tuple(leg.market for leg in body.legs), text=body.title,
        confidence=micros(body.confidence), edge=micros(body.edge), lockup=body.lockup,
    )  # fmt: skip


_FACETS: dict[type, Callable[[Any], Facets]] = {
    Signal: signal_facets,
    Outcome: lambda body: facets("outcome", markets=(body.market,), text=body.publisher),
    Opportunity: _opportunity,
    Fill: lambda body: facets(
        "void" if body.void else "fill",
        venues=(body.venue,),
        markets=(body.market,) if body.market else (),
    ),
    Alerted: lambda body: facets(body.level, text=body.text),
    Book: lambda body: facets("book", markets=(body.market,)),
}
