"""What a run tells its gateway, over a local socket: a few kinds of message, in order.

The first after each connection is `Began`, with all that stands; the others change it.
"""

from typing import Any

import msgspec

from dutchbook.domain.certificate import Certificate
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.step import Passed, Step
from dutchbook.domain.units import Ns

FRAME_MAX = 64 << 20
"""Bytes of one message; a frame is its length in 4 bytes, big-endian, then MessagePack."""


class Held(msgspec.Struct, frozen=True, array_like=True):
    """An opportunity that is open; `best` is the highest edge that it had, in millionths."""

    id: str
    opened_at: Ns
    certificate: Certificate
    best: int


class Began(msgspec.Struct, frozen=True, array_like=True, tag="Began"):
    """A run, as it stands when the gateway connects."""

    run: str
    mode: str
    version: str
    at: Ns
    began: Ns
    held: tuple[Held, ...] = ()
    passed: tuple[Passed, ...] = ()


class Listed(msgspec.Struct, frozen=True, array_like=True, tag="Listed"):
    """Markets and events that are new, or were described anew."""

    instruments: tuple[Instrument, ...]
    groups: tuple[EventGroup, ...] = ()


class Quotes(msgspec.Struct, frozen=True, array_like=True, tag="Quotes"):
    """Best prices that moved: (key, bid, bid size, ask, ask size) in YES terms, millionths.

    A bid of 0 and an ask of ONE mean that nobody bids or offers.
    """

    at: Ns
    rows: tuple[tuple[str, int, int, int, int], ...]


class Stepped(msgspec.Struct, frozen=True, array_like=True, tag="Stepped"):
    """A step that decided something, or that tells of our own account; in the journal's order."""

    step: Step


class Account(msgspec.Struct, frozen=True, array_like=True, tag="Account"):
    """The account's rows as `runtime/answers.py` makes them, whenever they changed."""

    at: Ns
    money: dict[str, Any]
    orders: list[dict[str, Any]]
    baskets: list[dict[str, Any]]
    positions: list[dict[str, Any]]


class Status(msgspec.Struct, frozen=True, array_like=True, tag="Status"):
    """status.json, once a second."""

    document: dict[str, Any]


Told = Began | Listed | Quotes | Stepped | Account | Status
"""Every kind of message."""

_ENCODE = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(Told)


def frame(message: Told) -> bytes:
    """A message as it goes over the socket."""
    body = _ENCODE.encode(message)
    return len(body).to_bytes(4, "big") + body


def unframe(body: bytes) -> Told:
    """The message of a frame's body; msgspec.DecodeError for anything else."""
    message: Told = _DECODE.decode(body)
    return message
