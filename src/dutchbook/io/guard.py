"""Calls to addresses that people typed: never to this machine or its network (SSRF).

A name is resolved once, every address of it is checked, and the connection goes to the address
that was checked, under the name's own Host and TLS name. Redirects are never followed.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

import httpx2

from dutchbook.domain.units import SECOND
from dutchbook.io.http import written_at
from dutchbook.io.ports import Link, Lost, OnFrames, OnLost, Reply
from dutchbook.io.ws import tls
from dutchbook.venues.base import Call, Dial

BODY_MAX: Final = 1_000_000
PORTS: Final = (80, 443, 8080, 8443)
Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name. Raises Lost."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Lost(f"{host[:80]} can't be resolved", sent=False) from error
    return [str(entry[4][0]) for entry in found]


def is_public(address: str) -> bool:
    """Whether an address is somebody's on the internet; IPv4 within IPv6 is looked into."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def why_not(url: str, *, local: bool = False) -> str:
    """Why an address may not be called, "" if it may: scheme, user, port. Names come later."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "it is not an address"
    if parts.scheme not in ("http", "https") or not host:
        return "only http and https addresses are called"
    if parts.username is not None or parts.password is not None:
        return "it names a user"
    if local:
        return ""
    if parts.scheme != "https":
        return "it is not encrypted"
    if port is not None and port not in PORTS:
        return f"port {port} is not one of the web's"
    return ""


class Guarded:
    """The transport of channels. `local`: this machine may be called, for pretend services."""

    def __init__(self, *, local: bool = False, find: Resolve = resolve) -> None:
        self.local = local
        self._find = find
        self._client = httpx2.AsyncClient(
            transport=httpx2.AsyncHTTPTransport(
                verify=tls(), limits=httpx2.Limits(max_connections=20, keepalive_expiry=30.0)
            ),
            follow_redirects=False,
            trust_env=False,
        )

    async def connect(
        self, dial: Dial, headers: dict[str, str], on_frames: OnFrames, on_lost: OnLost
    ) -> Link:
        raise Lost("channels open no streams", sent=False)

    async def call(self, call: Call, headers: dict[str, str]) -> Reply:
        """Make a request; Lost says whether it may have left, never with the address in it."""
        why = why_not(call.url, local=self.local)
        if why:
            raise Lost(f"refused: {why}", sent=False)
        seconds = call.timeout / SECOND
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(call, headers, seconds)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise Lost(type(error).__name__, sent=False) from None
        except TimeoutError:
            raise Lost(f"no answer within {seconds:g} s", sent=True) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise Lost(type(error).__name__, sent=True) from None

    async def _exchange(self, call: Call, headers: dict[str, str], seconds: float) -> Reply:
        url = httpx2.URL(call.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await self._find(url.host, port)
        if not addresses or not (self.local or all(is_public(one) for one in addresses)):
            raise Lost("refused: it leads to this machine or its network", sent=False)
        request = self._client.build_request(
            call.method, url.copy_with(host=addresses[0]), content=call.body or None,
            headers={**headers, "host": url.netloc.decode()}, timeout=seconds,
            extensions={"sni_hostname": url.host},
        )  # fmt: skip
        response = await self._client.send(request, stream=True)
        try:
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > BODY_MAX:
                    raise Lost(f"the answer is larger than {BODY_MAX} bytes", sent=True)
                parts.append(part)
            date = written_at(response.headers.get("date", ""))
            return Reply(response.status_code, b"".join(parts), date)
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._client.aclose()
