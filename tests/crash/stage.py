"""The stage of a crash: venues in this process, the trader in a fork that may die."""

import os
import socket
import struct
import traceback
from pathlib import Path
from typing import Any

import msgspec

from crash.child import Life, world
from crash.points import Points
from crash.venue import Venue
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import Event
from dutchbook.domain.relations import Link
from dutchbook.kernels.warm import warm
from dutchbook.runtime.bootstrap import engine_of
from dutchbook.runtime.settings import Settings
from unit.engine.story import START, book, both, kalshi, poly

ACCOUNTS = {"kalshi": "us", "polymarket": "us"}
LINK = Link("l1", "same", ("kalshi:A", "polymarket:B"), 1, "the same question")
_effect = msgspec.msgpack.Decoder(tuple[str, int, Effect]).decode
_number = msgspec.msgpack.Decoder(int).decode
_encode = msgspec.msgpack.Encoder().encode


def settings() -> Settings:
    """Bounds of a venue that sits on nothing for longer than two seconds."""
    plain = {"execution": {"queue_bound_ms": 2_000}}
    return msgspec.convert(plain, Settings)


class Stage:
    """`fates`: what happens to the orders of each venue, in the order in which they arrive."""

    def __init__(self, root: Path, kalshi_fates: list[str], polymarket_fates: list[str]) -> None:
        self.root = root
        self.venues = {
            "kalshi": Venue("kalshi", kalshi_fates),
            "polymarket": Venue("polymarket", polymarket_fates),
        }
        self.lives = 0
        self.now = START
        warm()  # what a fork inherits, it need not load

    def live(self, target: int, cheap: bool) -> tuple[dict[str, Any] | None, int]:
        """One life; (its report, how many points it passed). None if it died.

        `cheap`: its books show an arbitrage; the life after a crash sees none and only tidies up.
        """
        self.lives += 1
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if not pid:
            code = 1
            try:
                ours.close()
                self._child(theirs, target, cheap)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        theirs.close()
        report = self._serve(ours)
        _, status = os.waitpid(pid, 0)
        ours.close()
        code = os.waitstatus_to_exitcode(status)
        assert code in (0, 9), f"the trader ended with {code}, and not at point {target}"
        if code == 9:
            return None, target
        assert report is not None
        return report, report["points"]

    def _child(self, pipe: socket.socket, target: int, cheap: bool) -> None:
        points = Points(target)

        def ask(kind: str, payload: bytes) -> bytes:
            if kind == "end":
                points.remove()
                told = msgspec.msgpack.decode(payload) | {"points": points.count}
                payload = _encode(told)
            _write(pipe.fileno(), kind, payload)
            return _read(pipe.fileno())[1]

        engine = engine_of(settings(), accounts=ACCOUNTS)
        points.install()
        life = Life(self.root, engine, ask, self.now, f"e{self.lives}", tuple(ACCOUNTS.items()))
        price = 40 if cheap else 60
        books = [book("kalshi:A", price - 4, price, 100), *both("polymarket:B", 52, 55, 100)]
        life.go(world([kalshi("A"), poly("B")], LINK, books), 900)

    def _serve(self, pipe: socket.socket) -> dict[str, Any] | None:
        """Answer until the other side ends or is gone; its report, if it got so far."""
        report = None
        while True:
            try:
                kind, payload = _read(pipe.fileno())
            except (EOFError, ConnectionError):
                return report
            answer: list[Event] = []
            if kind == "do":
                venue, now, effect = _effect(payload)
                self.now = max(self.now, now)
                answer = self.venues[venue].do(effect, now)
            elif kind == "due":
                self.now = max(self.now, _number(payload))
                answer = [e for v in self.venues.values() for e in v.due(self.now)]
            else:
                report = msgspec.msgpack.decode(payload)
            try:
                _write(pipe.fileno(), kind, _encode(answer))
            except OSError:
                return report


def _write(fd: int, kind: str, payload: bytes) -> None:
    data = memoryview(struct.pack("<4sI", kind.encode().ljust(4), len(payload)) + payload)
    while data:
        data = data[os.write(fd, data) :]


def _read(fd: int) -> tuple[str, bytes]:
    kind, size = struct.unpack("<4sI", _exactly(fd, 8))
    return kind.strip().decode(), _exactly(fd, size)


def _exactly(fd: int, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(fd, size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def problems(stage: Stage, report: dict[str, Any]) -> list[str]:
    """What a crash must never bring about."""
    found = list(report["broken"])
    books = {row["id"]: row for row in report["orders"]}
    held: dict[tuple[str, str], int] = {}
    for name, venue in stage.venues.items():
        found += [f"P1 {o} was accepted {n} times" for o, n in venue.arrived.items() if n > 1]
        found += [f"P2 {o} is unknown to us" for o in venue.orders if o not in books]
        for order, at in venue.orders.items():
            if order in books and books[order]["filled"] != at.filled:
                found.append(f"P4 {order}: {books[order]['filled']} filled, venue {at.filled}")
        if report["cash"][name] != venue.cash:
            found.append(f"P5 {name}: cash {report['cash'][name]}, venue {venue.cash}")
        held |= {place: qty for place, qty in venue.held.items() if qty}
    ours = {(key, outcome): qty for key, outcome, qty in report["positions"]}
    if ours != held:
        found.append(f"P5 held {ours}, venues {held}")
    open_ = [row for row in report["baskets"] if row[1] not in ("done", "unwound", "stuck")]
    found += [f"P11 basket {row[0]} is left in {row[1]}" for row in open_]
    if report["live"]:
        found.append(f"orders are left open: {report['live']}")
    return found
