"""A load of subscribers: bare sockets under epoll, frames counted, their stamps read.

When a frame was on a socket the kernel says (SO_TIMESTAMPNS): the load reads it later, and how
much later is no doing of the server.
"""

import select
import socket
import struct
import time
from typing import Final

ROOM: Final = 1 << 18
PATIENCE: Final = 20.0
_STAMP: Final = b'"id":"'
_KIND: Final = b'"type":"signal"'
_ARRAY: Final = ord("[")
_CONTROL: Final = 8
_PING: Final = 9
_PONG: Final = bytes((0x8A, 0x80, 0, 0, 0, 0))
_STAMPED: Final = 35
"""SO_TIMESTAMPNS of Linux, which is also the kind of what it brings; Python has no name for it."""
_TIME: Final = struct.Struct("qq")


class Sub:
    """One subscriber: a socket, the bytes that are not yet a frame, what it counted."""

    __slots__ = ("frames", "rest", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.rest = b""
        self.frames = 0


def masked(text: str) -> bytes:
    """A client's text frame; a mask of zeros is a mask."""
    data = text.encode()
    size = len(data)
    head = bytes((0x81, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x81, 0xFE, size)
    return head + b"\0\0\0\0" + data


class Load:
    """Many subscribers of one server. Times are wall-clock ns, as are the stamps."""

    def __init__(self) -> None:
        self.epoll = select.epoll()
        self.subs: dict[int, Sub] = {}
        self.ages: list[int] = []
        self.read: list[int] = []
        self.firsts: dict[bytes, int] = {}
        self.frames = 0
        self.messages = 0
        self.lost = 0
        self.last = 0

    def connect(self, port: int, said: list[str], *, small: bool = False) -> Sub:
        """Open, shake hands, say what is to be said; `small`: with hardly room in the kernel."""
        sock = socket.socket()
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.SOL_SOCKET, _STAMPED, 1)
        if small:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        sock.connect(("127.0.0.1", port))
        key = "dGhlIHNhbXBsZSBub25jZQ=="
        sock.sendall(
            f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        sub, data = Sub(sock), b""
        while b"\r\n\r\n" not in data:
            part = sock.recv(4_096)
            if not part:
                raise ConnectionError(data[:80])
            data += part
        sub.rest = data.partition(b"\r\n\r\n")[2]
        for text in said:
            sock.sendall(masked(text))
        return sub

    def add(self, sub: Sub) -> None:
        sub.sock.setblocking(False)
        self.subs[sub.sock.fileno()] = sub
        self.epoll.register(sub.sock.fileno(), select.EPOLLIN)

    def answers(self, sub: Sub, count: int) -> None:
        """Read until so many frames came, before it joins the others."""
        while sub.frames < count:
            data = sub.sock.recv(ROOM)
            if not data:
                raise ConnectionError("the server hung up before it answered")
            self._take(sub, data, False, 0)

    def pongs(self) -> None:
        """Read what came meanwhile: a server hangs up on who leaves its pings unanswered."""
        self._poll(0, False)

    def aged(self, messages: int, seconds: float) -> tuple[float, float, float, float]:
        """As `run`, reading stamps: ms until a message was on its socket, p50 and p99 of all and
        p50 of the first one's; and p99 until the load had read it."""
        self.ages, self.read, self.firsts = [], [], {}
        self.run(messages, seconds, stamps=True)
        ages, firsts, read = sorted(self.ages), sorted(self.firsts.values()), sorted(self.read)
        if len(ages) < messages:
            raise ConnectionError(f"{len(ages):,} of {messages:,} messages came, {self.lost} cut")
        late = int(len(ages) * 0.99)
        marks = ages[len(ages) // 2], ages[late], firsts[len(firsts) // 2], read[late]
        return marks[0] / 1e6, marks[1] / 1e6, marks[2] / 1e6, marks[3] / 1e6

    def run(self, messages: int, seconds: float, *, stamps: bool = False) -> int:
        """Read until `messages` more came in all, or the time is over; returns how many came."""
        before, until = self.messages, time.monotonic() + seconds
        while self.messages - before < messages and (left := until - time.monotonic()) > 0:
            self._poll(min(left, 0.2), stamps)
        self.last = time.monotonic_ns()
        return self.messages - before

    def _poll(self, seconds: float, stamps: bool) -> None:
        for number, _ in self.epoll.poll(seconds):
            sub = self.subs[number]
            now = 0
            try:
                if stamps:
                    data, told, *_ = sub.sock.recvmsg(ROOM, 64)
                    now = _arrived(told)
                else:
                    data = sub.sock.recv(ROOM)
            except ConnectionError:
                data = b""
            if data:
                self._take(sub, data, stamps, now)
            else:
                self.epoll.unregister(number)
                self.lost += 1

    def _take(self, sub: Sub, data: bytes, stamps: bool, now: int) -> None:
        if sub.rest:
            data = sub.rest + data
        at, end = 0, len(data)
        while end - at >= 2:
            size, head = data[at + 1] & 127, 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                if end - at < 2 + wide:
                    break
                size = int.from_bytes(data[at + 2 : at + 2 + wide], "big")
                head = 2 + wide
            if end - at < head + size:
                break
            if data[at] & 15 >= _CONTROL:
                if data[at] & 15 == _PING:
                    sub.sock.sendall(_PONG)
                at += head + size
                continue
            if stamps:
                place, read = data.find(_STAMP, at + head, at + head + size), time.time_ns()
                while place >= 0:
                    stamp = data[place + 6 : place + 25]
                    age = now - int(stamp)
                    self.ages.append(age)
                    self.read.append(read - int(stamp))
                    self.firsts[stamp] = min(age, self.firsts.get(stamp, age))
                    place = data.find(_STAMP, place + 25, at + head + size)
            sub.frames += 1
            self.frames += 1
            # A frame is one message, or an array of them.
            several = data[at + head] == _ARRAY
            self.messages += data.count(_KIND, at + head, at + head + size) if several else 1
            at += head + size
        sub.rest = data[at:]

    def close(self) -> None:
        for sub in self.subs.values():
            sub.sock.close()
        self.epoll.close()


def _arrived(told: list[tuple[int, int, bytes]]) -> int:
    """When the last of what was read came in, by the kernel; now, where it does not say."""
    for level, kind, value in told:
        if level == socket.SOL_SOCKET and kind == _STAMPED:
            seconds, ns = _TIME.unpack(value)
            return int(seconds) * 1_000_000_000 + int(ns)
    return time.time_ns()
