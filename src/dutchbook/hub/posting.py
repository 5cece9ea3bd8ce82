"""A signal as a publisher posts it: read with bounds, made an event, known when it comes again.

The same (publisher, id) again is the same signal: it gets the number that it had. With other words
under the same id it is refused.
"""

import hashlib
from collections import OrderedDict
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from dutchbook.domain.events import SignalArrived
from dutchbook.domain.units import ONE, SECOND, Ns, micros, plain

BODY_MAX: Final = 64 << 10
SEEN_MAX: Final = 100_000
Text = Annotated[str, Meta(max_length=500)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Words = Annotated[tuple[Word, ...], Meta(max_length=100)]
Span = Annotated[int, Meta(ge=0, le=10**11)]


class BadSignal(Exception):
    """What of a posted signal can't be: `code` bad_signal (400) or other_words (409)."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


class Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The JSON of POST /signals. Decimals in text or as numbers; `lockup` in seconds; `expires` in
    microseconds since 1970; `id` left out: the hash of the rest."""

    kind: Word
    confidence: str | int | float
    id: Annotated[str, Meta(max_length=200)] = ""
    title: Text = ""
    markets: Words = ()
    venues: Words = ()
    categories: Words = ()
    edge: str | int | float | None = None
    lockup: Span | None = None
    probability: str | int | float | None = None
    px: str | int | float | None = None
    priority: Annotated[int, Meta(ge=0, le=9)] = 0
    expires: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    body: Any = None


def read_signal(data: bytes, publisher: str) -> SignalArrived:
    """The event of a posted signal. Raises BadSignal."""
    if len(data) > BODY_MAX:
        raise BadSignal("bad_signal", f"a signal has at most {BODY_MAX} bytes")
    try:
        said = msgspec.json.decode(data, type=Posted)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadSignal("bad_signal", str(error)[:300]) from None
    body = "" if said.body is None else msgspec.json.encode(said.body).decode()
    name = said.id or hashlib.blake2b(msgspec.json.encode(said), digest_size=12).hexdigest()
    return SignalArrived(
        publisher, name, said.kind, _share("confidence", said.confidence, 0, ONE), said.title,
        said.markets, said.venues, said.categories,
        0 if said.edge is None else _share("edge", said.edge, -1_000 * ONE, 1_000 * ONE),
        Ns((said.lockup or 0) * SECOND),
        -1 if said.probability is None else _share("probability", said.probability, 0, ONE),
        -1 if said.px is None else _share("px", said.px, 0, ONE),
        said.priority, Ns((said.expires or 0) * 1_000), body,
    )  # fmt: skip


def _share(name: str, value: str | int | float, least: int, most: int) -> int:
    try:
        found = micros(value if isinstance(value, str) else repr(value))
    except ValueError as error:
        raise BadSignal("bad_signal", f"{name}: {error}") from None
    if not least <= found <= most:
        raise BadSignal("bad_signal", f"{name} must lie between {least / ONE:g} and {most / ONE:g}")
    return found


def words(event: SignalArrived) -> dict[str, Any]:
    """What a signal says, as it is on the wire; its publisher, id and categories are not in it."""
    return {
        "kind": event.kind,
        "confidence": plain(event.confidence),
        "title": event.title,
        "markets": event.keys,
        "venues": event.venues,
        "edge": plain(event.edge) if event.edge else None,
        "lockup": event.lockup // SECOND if event.lockup else None,
        "probability": plain(event.probability) if event.probability >= 0 else None,
        "px": plain(event.px) if event.px >= 0 else None,
        "priority": event.priority,
        "expires": event.expires // 1_000 if event.expires else None,
        "body": _body(event.body),
    }


def _body(text: str) -> Any:
    """A publisher's own JSON; what can't be read stays text."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


class Seen:
    """Which signals were told, by (publisher, id): their numbers, and marks of their words."""

    def __init__(self, room: int = SEEN_MAX) -> None:
        self._room = room
        self._rows: OrderedDict[tuple[str, str], tuple[int, bytes]] = OrderedDict()

    def note(self, event: SignalArrived, seq: int) -> None:
        """The first of a name counts: it is the one that was told under it."""
        self._keep((event.publisher, event.id), seq, _mark(words(event)))

    def remember(self, body: dict[str, Any]) -> None:
        """One that was told before, as it was told."""
        said = {name: body[name] for name in _WORDS}
        self._keep((body["publisher"], body["id"]), body["seq"], _mark(said))

    def _keep(self, name: tuple[str, str], seq: int, mark: bytes) -> None:
        self._rows.setdefault(name, (seq, mark))
        while len(self._rows) > self._room:
            self._rows.popitem(last=False)

    def find(self, event: SignalArrived) -> int | None:
        """The number that it had. Raises BadSignal("other_words")."""
        row = self._rows.get((event.publisher, event.id))
        if row is None:
            return None
        if row[1] != _mark(words(event)):
            raise BadSignal("other_words", f"{event.id!r} is taken by a signal with other words")
        return row[0]


def _mark(said: dict[str, Any]) -> bytes:
    data = msgspec.json.encode(said, order="deterministic")
    return hashlib.blake2b(data, digest_size=16).digest()


_WORDS: Final = tuple(words(SignalArrived("", "", "", 0)))
