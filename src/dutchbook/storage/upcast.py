"""Records of older schema versions become today's: each version has one function, in a chain."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from dutchbook.domain.effects import Effect
from dutchbook.domain.events import AccountEvent, Event
from dutchbook.domain.step import Note
from dutchbook.domain.units import Ns
from dutchbook.storage.frames import EVENT, SCHEMA, STEP

UPCASTS: Final[dict[int, Callable[[int, Any], Any]]] = {}
"""version -> (kind of record, its plain value) -> the plain value at version + 1.

Empty while there is only version 1. A new field with a default, put last, needs no entry.
"""


class Stamped(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An envelope as it is kept: in the journal without its event where that is on the tape."""

    seq: int
    at: Ns
    event: AccountEvent | None


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A step as the journal keeps it."""

    envelope: Stamped
    effects: tuple[Effect, ...]
    notes: tuple[Note, ...]


class Taped(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An envelope as the tape keeps it."""

    seq: int
    at: Ns
    event: Event


_row = msgspec.msgpack.Decoder(Row)
_taped = msgspec.msgpack.Decoder(Taped)


def read_row(payload: bytes, schema: int) -> Row:
    """A journal record of any version. Raises msgspec.MsgspecError if it is none."""
    if schema == SCHEMA:
        return _row.decode(payload)
    return msgspec.convert(_raise(STEP, payload, schema), Row)


def read_taped(payload: bytes, schema: int) -> Taped:
    """A tape record of any version. Raises msgspec.MsgspecError if it is none."""
    if schema == SCHEMA:
        return _taped.decode(payload)
    return msgspec.convert(_raise(EVENT, payload, schema), Taped)


def _raise(kind: int, payload: bytes, schema: int) -> Any:
    value = msgspec.msgpack.decode(payload)
    for version in range(schema, SCHEMA):
        value = UPCASTS[version](kind, value)
    return value
