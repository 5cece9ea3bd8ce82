"""HTTP calls, bounded in time and in size, over kept connections; and the real transport."""

import asyncio
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from dutchbook.domain.units import SECOND, Ns
from dutchbook.io.ports import BODY_MAX, Link, Lost, OnFrames, OnLost, Reply
from dutchbook.io.ws import connect, tls
from dutchbook.venues.base import Call, Dial

CONNECTIONS_MAX: Final = 80
KEPT: Final = httpx2.Limits(
    max_connections=CONNECTIONS_MAX, max_keepalive_connections=32, keepalive_expiry=50.0
)
"""An order should find a connection open. The rolling sample asks each venue for a few books every
30 s (`fresh.sample_ms`), and servers and balancers keep an idle connection for a minute or more."""
_LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")
_NEVER_LEFT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
    httpx2.LocalProtocolError,
)


def written_at(date: str) -> Ns:
    """A Date header (RFC 9110, section 5.6.7) in ns; 0 if there is none that can be read."""
    try:
        return Ns(int(parsedate_to_datetime(date).timestamp()) * SECOND)
    except (ValueError, TypeError, OverflowError):
        return Ns(0)


class Network:
    """The transport of real runs: WebSockets and HTTP. Redirects are not followed."""

    def __init__(self) -> None:
        # A proxy named in the environment is right for a venue and wrong for this machine.
        near = {
            f"all://{host}": httpx2.AsyncHTTPTransport(verify=tls(), limits=KEPT) for host in _LOCAL
        }
        self._client = httpx2.AsyncClient(
            limits=KEPT, mounts=near, follow_redirects=False, verify=tls()
        )

    async def connect(
        self, dial: Dial, headers: dict[str, str], on_frames: OnFrames, on_lost: OnLost
    ) -> Link:
        return await connect(dial, headers, on_frames, on_lost)

    async def call(self, call: Call, headers: dict[str, str]) -> Reply:
        """Make a request; Lost says whether it may have reached the venue."""
        seconds = call.timeout / SECOND
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(call, headers, seconds)
        except _NEVER_LEFT as error:
            raise Lost(f"{type(error).__name__}: {error}", sent=False) from error
        except TimeoutError as error:
            raise Lost(f"no answer within {seconds:g} s", sent=True) from error
        except httpx2.HTTPError as error:
            raise Lost(f"{type(error).__name__}: {error}", sent=True) from error

    async def _exchange(self, call: Call, headers: dict[str, str], seconds: float) -> Reply:
        parts: list[bytes] = []
        size = 0
        async with self._client.stream(
            call.method, call.url, content=call.body or None, headers=headers, timeout=seconds
        ) as response:
            async for part in response.aiter_bytes():
                size += len(part)
                if size > BODY_MAX:
                    raise Lost(f"the answer is larger than {BODY_MAX} bytes", sent=True)
                parts.append(part)
            date = "" if "age" in response.headers else response.headers.get("date", "")
            return Reply(response.status_code, b"".join(parts), written_at(date))

    async def close(self) -> None:
        await self._client.aclose()
