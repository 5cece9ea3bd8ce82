"""What the driver needs of the world outside: connections and answers, real or scripted."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from dutchbook.domain.units import Ns
from dutchbook.venues.base import Call, Dial

FRAME_MAX = 32 * 1024 * 1024
"""The largest message of a stream, uncompressed, in bytes."""
BODY_MAX = 64 * 1024 * 1024
"""The largest body of an answer, uncompressed, in bytes."""

OnFrames = Callable[[list[bytes]], None]
"""Called once per read with every message in it, in order."""
OnLost = Callable[[str], None]
"""Called once, with the reason, when a connection is gone."""


class Lost(Exception):
    """No answer came. `sent`: whether the request may have reached the venue."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.why = why
        self.sent = sent


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer."""

    status: int
    body: bytes = b""
    date: Ns = Ns(0)
    """When the venue wrote it (whole seconds), 0 where it does not say or a cache answered."""


class Link(Protocol):
    """An open stream."""

    def send(self, data: bytes) -> None:
        """Send a text message; on a connection that is gone, nothing happens."""
        ...

    def pause(self) -> None:
        """Stop reading: the other side feels the back-pressure."""
        ...

    def resume(self) -> None: ...

    async def close(self) -> None:
        """Close in good order, or hard after a second; `on_lost` is called either way."""
        ...


class Transport(Protocol):
    """Opens streams and makes calls; `headers` are complete and signed."""

    async def connect(
        self, dial: Dial, headers: dict[str, str], on_frames: OnFrames, on_lost: OnLost
    ) -> Link:
        """Open a stream, or raise Lost. Nothing is read from it before `resume`."""
        ...

    async def call(self, call: Call, headers: dict[str, str]) -> Reply:
        """Make a request within `call.timeout`, or raise Lost."""
        ...

    async def close(self) -> None: ...
