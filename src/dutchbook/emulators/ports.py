"""Takes the five ports of the pretend exchanges, or says which one is in use."""

import errno
import socket
from typing import Final

from dutchbook.domain.errors import DutchbookError, UsageError

HOST: Final = "127.0.0.1"
NAMES: Final = ("kalshi_rest", "kalshi_ws", "clob", "gamma", "polymarket_ws", "control")
"""Port P, P+1, ... in this order, also where only one venue is served."""
VENUES: Final = {
    "kalshi": (*NAMES[:2], NAMES[5]),
    "polymarket": NAMES[2:],
    "both": NAMES,
}


class PortInUse(DutchbookError):
    """A port is taken by another process. `port` says which."""

    def __init__(self, port: int, name: str, first: int) -> None:
        self.port = port
        super().__init__(
            f"port {port} ({name}) is in use",
            why=f"--port {first} needs the ports {first} to {first + len(NAMES) - 1}",
            todo="stop the other process, or give another --port; 0 picks free ones",
        )


def take_ports(which: str, first: int) -> dict[str, socket.socket]:
    """Bind the sockets of a venue choice on the loopback. Raises PortInUse, UsageError."""
    if which not in VENUES:
        raise UsageError(f"unknown exchange {which!r}", todo=f"use one of {', '.join(VENUES)}")
    if first and not 1 <= first <= 65_535 - len(NAMES):
        raise UsageError(f"--port {first} is out of range", todo="use 0, or 1024 to 65530")
    taken: dict[str, socket.socket] = {}
    try:
        for name in VENUES[which]:
            port = first + NAMES.index(name) if first else 0
            taken[name] = _bind(port, name, first)
    except BaseException:
        for sock in taken.values():
            sock.close()
        raise
    return taken


def _bind(port: int, name: str, first: int) -> socket.socket:
    # With proto 0 asyncio would not recognise TCP and leave Nagle on: 40 ms an answer.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setblocking(False)
    try:
        sock.bind((HOST, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(port, name, first) from None
        raise DutchbookError(
            f"port {port} ({name}): {error.strerror}", todo="give another --port"
        ) from None
    return sock
