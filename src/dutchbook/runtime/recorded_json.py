"""Recordings in JSON: one frame a line, or one document, with or without envelopes."""

import gzip
import json
import zlib
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import MILLI, SECOND
from dutchbook.runtime.lines import WHOLE_MAX, Lines
from dutchbook.runtime.recorded import STREAMS, Clock, Item, Raw


class Envelope(msgspec.Struct):
    """What recorders put around a frame: others' (received_ms, frame) or ours (t, stream, data)."""

    received_ms: int | None = None
    frame: msgspec.Raw = msgspec.Raw()
    t: int | None = None
    stream: str | None = None
    data: str | None = None


class _Times(msgspec.Struct):
    """Where venues put their own clock; anything there may be of any type."""

    event_type: msgspec.Raw = msgspec.Raw()
    timestamp: Any = None
    msg: Any = None
    ts_ms: Any = None


class _Document(msgspec.Struct):
    frames: list[msgspec.Raw]


_envelope: Final = msgspec.json.Decoder(Envelope)
_times: Final = msgspec.json.Decoder(_Times)
_document: Final = msgspec.json.Decoder(_Document)
_array: Final = msgspec.json.Decoder(list[msgspec.Raw])
_any: Final = msgspec.json.Decoder(msgspec.Raw)
_ERRORS: Final = (msgspec.MsgspecError, ValueError, RecursionError)


def read(lines: Lines, first: bytes, venue: str | None) -> Iterator[Item]:
    """JSONL where the first line is whole JSON and more follows; else one document."""
    reader = _Reader(lines, venue)
    if _is_json(first):
        waiting: tuple[int, bytes] | None = None
        several = False
        for number, line in lines:
            if isinstance(line, RemoteProtocolError):
                if waiting is not None:
                    yield reader.item(waiting[1], f"line {waiting[0]}")
                    waiting = None
                several = True
                yield line
            elif line.strip():
                if waiting is not None:
                    several = True
                    yield reader.item(waiting[1], f"line {waiting[0]}")
                waiting = (number, line)
        if waiting is not None and several:
            yield reader.item(waiting[1], f"line {waiting[0]}")
        elif waiting is not None:
            yield from reader.document(waiting[1])
        return
    whole = lines.rest()
    if isinstance(whole, RemoteProtocolError):
        yield whole
        return
    yield from reader.document(whole)


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except _ERRORS:
        return False
    return True


class _Reader:
    """Takes envelopes off, guesses the venue once, and keeps time from going back."""

    def __init__(self, lines: Lines, venue: str | None) -> None:
        self._lines = lines
        self._venue = venue
        self._clock = Clock()

    def document(self, whole: bytes) -> Iterator[Item]:
        """`{"frames": [...]}`, a list of frames, or one frame."""
        try:
            if whole.lstrip()[:1] == b"[":
                parts, path = _array.decode(whole), "$"
            else:
                parts, path = _document.decode(whole).frames, "$.frames"
        except msgspec.ValidationError:
            parts, path = [msgspec.Raw(whole)], ""
        except _ERRORS as error:
            text = "nested too deep" if isinstance(error, RecursionError) else str(error)
            yield RemoteProtocolError(self._lines.venue, _line_of(whole, text), text)
            return
        for index, part in enumerate(parts):
            yield self.item(bytes(part), f"{path}[{index}]" if path else "$")

    def item(self, data: bytes, place: str) -> Item:
        """One frame out of its envelope, if it has one."""
        try:
            stream, at, frame = self._open(data)
            if not frame.lstrip().startswith((b"{", b"[")):
                return Raw(stream, self._clock.next(at), frame, place)
            own = self._moment(frame)
        except _ERRORS as error:
            text = "nested too deep" if isinstance(error, RecursionError) else str(error)
            return RemoteProtocolError(self._lines.venue, place, text)
        if not stream:
            stream = STREAMS.get(self._venue or "", "")
        if not stream:
            what = "can't tell which venue this is of"
            return RemoteProtocolError(self._lines.venue, place, what)
        return Raw(stream, self._clock.next(at or own), frame, place)

    def _open(self, data: bytes) -> tuple[str, int, bytes]:
        """(stream, received in ns, frame bytes), empty or 0 where the envelope doesn't say."""
        stripped = data.strip()
        if stripped[:1] != b"{":
            if stripped[:1] == b"[":
                _array.decode(stripped)
            else:
                _any.decode(stripped)
            return self._stream(""), 0, stripped
        try:
            found = _envelope.decode(stripped)
        except msgspec.ValidationError:
            return self._stream(""), 0, stripped  # a frame with such names of its own
        frame = bytes(found.frame)
        if frame:
            if frame[:1] == b'"':
                frame = msgspec.json.decode(frame, type=str).encode()
            return self._stream(found.stream), (found.received_ms or 0) * MILLI, frame
        if found.t is not None and found.data is not None:
            return self._stream(found.stream), found.t, found.data.encode()
        return self._stream(""), 0, stripped

    def _stream(self, named: str | None) -> str:
        if named and self._venue is None:
            self._venue = named.partition(".")[0]
        return named or STREAMS.get(self._venue or "", "")

    def _moment(self, frame: bytes) -> int:
        """The venue's own time in ns, 0 if the frame has none; also settles whose frame it is."""
        try:
            if frame.lstrip()[:1] == b"[":
                parts = _array.decode(frame)
                found = _times.decode(parts[0]) if parts else _Times()
            else:
                found = _times.decode(frame)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return 0  # not for the reader to judge: the venue's parser will say what is wrong
        if self._venue is None:
            if bytes(found.event_type):
                self._venue = "polymarket"
            elif found.msg is not None:
                self._venue = "kalshi"
        inner = found.msg if isinstance(found.msg, dict) else {}
        for value, unit in (
            (found.timestamp, MILLI),
            (found.ts_ms, MILLI),
            (inner.get("ts_ms"), MILLI),
            (inner.get("ts"), SECOND),
        ):
            text = value if isinstance(value, str) else str(value)
            if text.isascii() and text.isdigit() and 10 <= len(text) <= 13:
                return int(text) * unit
        return 0


def _line_of(whole: bytes, text: str) -> str:
    """The line of a JSON fault, from the byte that the parser names; the last one if none."""
    _, _, byte = text.rpartition("(byte ")
    at = int(byte.rstrip(")")) if byte.rstrip(")").isdigit() else len(whole)
    breaks = whole[:at].count(b"\n")
    return f"line {breaks + 1}"


def whole_document(content: bytes, *, decimals: bool) -> object | None:
    """A single JSON document, gzipped or not, parsed; None if it isn't one.

    `decimals`: numbers with a point become Decimal, so that they can be written again exactly.

    A list of frames, `{"frames": ...}` and lines of JSON are recordings, not such documents.
    """
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=BytesIO(content)) as packed:
                content = packed.read(WHOLE_MAX)
        except (OSError, EOFError, zlib.error):
            return None
    try:
        text = content.decode("utf-8")
        found: object = json.loads(text, parse_float=Decimal if decimals else float)
    except _ERRORS:
        return None
    if isinstance(found, dict) and ("frames" in found or "frame" in found or "event_type" in found):
        return None
    return found
