"""A hub with pretend connections: frames are kept, room is what the story gives."""

from typing import Any

import msgspec

from dutchbook.hub import wire
from dutchbook.hub.core import Hub
from dutchbook.hub.filters import facets
from dutchbook.hub.history import History
from dutchbook.hub.message import Frame, Message, message
from dutchbook.hub.session import Authenticate, Close, Limits, Save, Send, Session, Subject

SECOND = 1_000_000_000
NOW = 1_790_000_000 * SECOND


def signal(seq: int, n: int = 0, *, confidence: int = 500_000, venue: str = "kalshi") -> Message:
    """A signal of step `seq`; its title names it."""
    body = wire.Signal(
        seq=seq, n=n, at=NOW // 1_000 + seq, publisher="desk", id=f"s{seq}-{n}", kind="news",
        confidence=f"{confidence / 1e6:g}", title=f"Story {seq}", venues=(venue,),
    )  # fmt: skip
    return message(
        "signals", facets("news", venues=(venue,), text=body.title, confidence=confidence), body
    )


def book(seq: int, market: str, bid: str) -> Message:
    body = wire.Book(
        seq=seq, n=0, at=NOW // 1_000, market=market, token="yes", bid=bid, bid_size="10",
        ask=None, ask_size="0",
    )  # fmt: skip
    return message("books", facets("book", markets=(market,)), body, f"{market} yes")


class Peer:
    """One connection. `room`: frames that fit before the transport says stop; None: no bound."""

    def __init__(self, rig: "Rig", room: int | None = None) -> None:
        self.rig = rig
        self.room = room
        self.frames: list[Frame] = []
        self.closed: int | None = None
        self.session: Session
        self.session, outs = rig.hub.connected(self, rig.now)
        rig.do(self.session, outs)

    def say(self, *, binary: bool = False, **what: Any) -> list[Any]:
        """Send a message; what came back."""
        encode = msgspec.msgpack.encode if binary else msgspec.json.encode
        return self.raw(encode(what), binary)

    def raw(self, data: bytes, binary: bool = False) -> list[Any]:
        before = len(self.frames)
        self.rig.do(self.session, self.rig.hub.received(self.session, data, binary, self.rig.now))
        self.rig.pump(self)
        return self.read(before)

    def put(self, frame: Frame) -> None:
        if self.closed is not None:
            return
        self.frames.append(frame)
        if self.room is not None:
            self.room -= 1
            if self.room <= 0:
                self.rig.hub.paused(self.session, self.rig.now)

    def drain(self, room: int | None) -> None:
        """The client read on: there is room again."""
        self.room = room
        self.rig.hub.resumed(self.session, self.rig.now)
        self.rig.pump(self)

    def leave(self) -> None:
        self.closed = 1006
        self.rig.hub.gone(self.session, self.rig.now)

    def read(self, first: int = 0) -> list[Any]:
        """Everything that came, frames opened."""
        out: list[Any] = []
        for frame in self.frames[first:]:
            decode = msgspec.msgpack.decode if frame.binary else msgspec.json.decode
            plain = decode(frame.data)
            out += plain if isinstance(plain, list) else [plain]
        return out

    def got(self) -> list[tuple[int, int]]:
        """(seq, n) of the numbered messages."""
        kinds = ("signal", "book", "opportunity", "fill", "alert", "outcome")
        return [(m["seq"], m["n"]) for m in self.read() if m["type"] in kinds]


class Rig:
    """The hub, its clock, and a store that holds every message."""

    def __init__(self, limits: Limits | None = None, room: int = 20_000, seq: int = 0) -> None:
        self.now = NOW
        self.kept: list[Message] = []
        self.saved: dict[str, Any] = {}
        histories = {c: History(seq, 0, room) for c in wire.CHANNELS}
        self.hub = Hub(seq, limits=limits, histories=histories)
        self.subjects = {
            "good": Subject("alice"), "reader": Subject("bob", ("signals",)),
            "brief": Subject("carol", expires=NOW + 60 * SECOND),
        }  # fmt: skip

    def peer(self, token: str = "good", room: int | None = None, **more: Any) -> Peer:
        peer = Peer(self, None)
        peer.say(type="auth", token=token, **more)
        peer.room = room
        return peer

    def do(self, session: Session, outs: list[Any]) -> None:
        peer = session.peer
        for out in outs:
            if isinstance(out, Send):
                peer.put(out.frame)
            elif isinstance(out, Close):
                peer.closed = out.code
            elif isinstance(out, Authenticate):
                subject = self.subjects.get(out.token)
                self.do(session, self.hub.authenticated(session, subject, self.now))
            elif isinstance(out, Save):
                self.saved[out.client_id] = out.items

    def pump(self, peer: Peer) -> None:
        """Send on while there is room; what memory has not is read from the store."""
        while peer.closed is None:
            frame = self.hub.next(peer.session, self.now)
            if frame is not None:
                peer.put(frame)
                continue
            wants = self.hub.wants(peer.session)
            if not wants:
                return
            for want in wants:
                rows = [
                    m for m in self.kept
                    if m.channel == want.channel and (m.seq, m.n) > want.position
                ]  # fmt: skip
                page = rows[: want.limit]
                page += [m for m in rows[want.limit :] if m.seq == page[-1].seq] if page else []
                self.hub.fed(peer.session, want, page)

    def publish(self, *messages: Message) -> None:
        self.kept += messages
        batch = self.hub.publish(list(messages), self.now)
        for frame, sessions in batch.frames:
            for session in sessions:
                session.peer.put(frame)
        for session, close in batch.closes:
            session.peer.closed = close.code

    def tick(self, seconds: float = 0) -> None:
        self.now += int(seconds * SECOND)
        for session, close in self.hub.tick(self.now):
            session.peer.closed = close.code
