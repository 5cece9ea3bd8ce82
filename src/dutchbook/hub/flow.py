"""What is sent to whom: groups, queues of the slow, pages of a resume, the delivery log. Pure."""

from typing import Any, NamedTuple

import msgspec

from dutchbook.hub import wire
from dutchbook.hub.filters import Compiled
from dutchbook.hub.history import History, Position
from dutchbook.hub.message import Frame, Message, frame, say
from dutchbook.hub.session import GONE, Close, Group, Limits, Member, Session, Want


class Batch(NamedTuple):
    """What came of publishing: frames with those who get them, and who is closed for slowness."""

    frames: list[tuple[Frame, list[Session]]]
    closes: list[tuple[Session, Close]]


class Delivered(msgspec.Struct, frozen=True):
    """A row of the delivery log: this client got `count` messages of (`first`, `last`]."""

    client_id: str
    subscription: str
    channel: str
    first: int
    last: int
    count: int
    acked: int
    acted: int
    at: int


class Flow:
    """`seq` is the newest step told. Every member of a group gets the same frames, made once."""

    def __init__(self, seq: int, limits: Limits, histories: dict[str, History] | None) -> None:
        self.seq = seq
        self.limits = limits
        self.histories = histories or {c: History(seq) for c in wire.CHANNELS}
        self.sessions: dict[Session, None] = {}
        self.groups: dict[str, dict[tuple[str, bool], Group]] = {c: {} for c in wire.CHANNELS}
        self.delivered = 0
        self._log: list[Delivered] = []
        self._filters: dict[str, Compiled] = {}

    def _cut(self, session: Session, code: int, now: int) -> tuple[Session, Close]:
        self.gone(session, now)
        return session, Close(code, wire.CLOSES[code])

    def gone(self, session: Session, now: int) -> None:
        """The connection ended, whoever ended it."""
        for name in list(session.members):
            self._leave(session, name, now)
        session.state = GONE
        session.queue.clear()
        session.books.clear()
        self.sessions.pop(session, None)

    # -- groups --------------------------------------------------------------------------------

    def _join(self, session: Session, member: Member) -> None:
        group = member.group
        member.position, member.base = None, group.count
        (group.slow if session.clogged else group.live)[session] = None

    def _leave(self, session: Session, name: str, now: int) -> None:
        member = session.members.pop(name)
        session.catching.pop(name, None)
        group = member.group
        self._settle(session, member)
        self._note(session, name, member, now)
        group.live.pop(session, None)
        group.slow.pop(session, None)
        if session.queue:
            kept = [item for item in session.queue if item[1] is not member]
            session.queue.clear()
            session.queue.extend(kept)
            session.queued = sum(len(item.data) for item, _ in kept)
        session.books.pop(name, None)
        group.size -= 1
        if not group.size:
            self.groups[group.channel].pop((group.filter.key, group.binary), None)
            key = group.filter.key
            if not any(known == key for groups in self.groups.values() for known, _ in groups):
                self._filters.pop(key, None)

    # -- delivery ------------------------------------------------------------------------------

    def publish(self, messages: list[Message], now: int) -> Batch:
        """Messages of whole steps, in order, behind all before; each group's frame is made once."""
        batch = Batch([], [])
        for channel in wire.CHANNELS:
            mine = [item for item in messages if item.channel == channel]
            if not mine:
                continue
            if channel not in wire.CONFLATED:
                self.histories[channel].add(mine)
            self._tell(channel, mine, batch, now)
        if messages:
            self.seq = max(self.seq, messages[-1].seq)
        return batch

    def _tell(self, channel: str, mine: list[Message], batch: Batch, now: int) -> None:
        passed: dict[str, list[Message]] = {}
        for (key, binary), group in list(self.groups[channel].items()):
            if key not in passed:
                test = group.filter.test
                passed[key] = [item for item in mine if test(item.facets)]
            group.seen += len(mine)
            chosen = passed[key]
            if not chosen:
                continue
            made = frame(chosen, group.name, group.last, binary)
            group.last = chosen[-1].seq
            group.count += len(chosen)
            if group.live:
                batch.frames.append((made, list(group.live)))
                self.delivered += len(chosen) * len(group.live)
            for session in list(group.slow):
                if not self._queue(session, group, made, chosen):
                    batch.closes.append(self._cut(session, wire.SLOW, now))

    def _queue(self, session: Session, group: Group, made: Frame, chosen: list[Message]) -> bool:
        """Keep a frame for a session that has no room; False where that is too much."""
        if group.channel in wire.CONFLATED:
            newest = session.books.setdefault(group.name, {})
            for item in chosen:
                newest[item.key] = item
            return True
        session.queue.append((made, session.members[group.name]))
        session.queued += len(made.data)
        return session.queued <= self.limits.queue_bytes

    def paused(self, session: Session, now: int) -> None:
        """The transport has no room: frames wait here from now on."""
        if session.paused or session.state == GONE:
            return
        session.paused, session.paused_at = True, now
        for member in session.members.values():
            if session in member.group.live:
                self._settle(session, member)
                del member.group.live[session]
                member.group.slow[session] = None

    def resumed(self, session: Session, now: int) -> None:
        """The transport has room again: call `next` until it returns None."""
        session.paused, session.paused_at = False, now
        if session.state != GONE and not session.clogged:
            self._freed(session)

    def next(self, session: Session, now: int) -> Frame | None:
        """What else may be sent now; None: nothing, or not yet, or see `wants`."""
        if session.paused or session.state == GONE:
            return None
        if session.queue:
            made, member = session.queue.popleft()
            session.queued -= len(made.data)
            session.paused_at = now
            member.sent += made.count
            member.last = made.seq
            self.delivered += made.count
            if not session.clogged:
                self._freed(session)
            return made
        if session.books:
            name, newest = session.books.popitem()
            member = session.members[name]
            rows = sorted(newest.values(), key=lambda item: (item.seq, item.n))
            made = frame(rows, name, 0, session.binary)
            member.sent += made.count
            member.last = made.seq
            self.delivered += made.count
            if not session.clogged:
                self._freed(session)
            return made
        for name, member in list(session.catching.items()):
            page = self._page(session, name, member)
            if page is not None:
                return page
        return None

    def _freed(self, session: Session) -> None:
        for member in session.members.values():
            if session in member.group.slow:
                del member.group.slow[session]
                member.base = member.group.count
                member.group.live[session] = None

    # -- resume --------------------------------------------------------------------------------

    def _page(self, session: Session, name: str, member: Member) -> Frame | None:
        """The next messages that a resume is owed; at the end, that it takes part from now on."""
        test, limits = member.group.filter.test, self.limits
        while member.position is not None and not member.loading:
            rows = self._rows(member, limits.page_messages)
            if rows is None:
                return None
            if not rows:
                del session.catching[name]
                self._join(session, member)
                return say(wire.Live(name, self.seq), session.binary)
            chosen: list[Message] = []
            size = 0
            for item in rows:
                if size > limits.page_bytes and item.seq != member.position[0]:
                    break
                member.position = (item.seq, item.n)
                if test(item.facets):
                    chosen.append(item)
                    size += len(item.body)
            if chosen:
                made = frame(chosen, name, member.prev, session.binary)
                member.prev = member.last = chosen[-1].seq
                member.sent += len(chosen)
                self.delivered += len(chosen)
                return made
        return None

    def _rows(self, member: Member, limit: int) -> list[Message] | None:
        """Messages behind a member's position, whole steps; None: they must be read first."""
        history = self.histories[member.group.channel]
        position = member.position
        assert position is not None
        if member.buffer:
            rows, member.buffer = member.buffer, []
            return rows
        if position < history.floor:
            return None
        rows = history.behind(position, limit)
        if len(rows) == limit:
            rows += _same_step(history, rows[-1])
        return rows

    def wants(self, session: Session) -> list[Want]:
        """What must be read from the store for this session to go on; each is told once."""
        found: list[Want] = []
        for name, member in session.catching.items():
            channel = member.group.channel
            position = member.position
            if member.loading or member.buffer or position is None:
                continue
            if position < self.histories[channel].floor:
                member.loading = True
                found.append(Want(name, channel, position, self.limits.page_messages))
        return found

    def fed(self, session: Session, want: Want, rows: list[Message]) -> None:
        """What the store had behind a Want's position, whole steps; `next` goes on with it."""
        member = session.catching.get(want.subscription)
        if member is None or member.position != want.position:
            return
        member.loading = False
        member.buffer = rows
        if not rows:  # nothing kept up to where memory begins
            member.position = max(want.position, self.histories[want.channel].floor)

    # -- log and figures -----------------------------------------------------------------------

    def _settle(self, session: Session, member: Member) -> None:
        """Reckon what a member was sent while it was live."""
        group = member.group
        if session in group.live and group.count != member.base:
            member.sent += group.count - member.base
            member.base = group.count
            member.last = group.last

    def _note(self, session: Session, name: str, member: Member, now: int) -> None:
        if member.sent and session.subject is not None:
            self._log.append(
                Delivered(
                    session.subject.client_id, name, member.group.channel, member.first,
                    member.last, member.sent, member.acked, member.acted, now,
                )
            )  # fmt: skip
        member.total += member.sent
        member.sent, member.first = 0, member.last

    def log(self, now: int) -> list[Delivered]:
        """Who got what since the last call."""
        for session in self.sessions:
            for name, member in session.members.items():
                self._settle(session, member)
                self._note(session, name, member, now)
        rows, self._log = self._log, []
        return rows

    def figures(self) -> list[dict[str, Any]]:
        """Of each subscription: delivered, lag in steps behind what was acked, hit rate, acted."""
        out: list[dict[str, Any]] = []
        for session in self.sessions:
            for name, member in session.members.items():
                self._settle(session, member)
                group = member.group
                out.append(
                    {
                        "client_id": session.subject.client_id if session.subject else "",
                        "subscription": name,
                        "channel": group.channel,
                        "delivered": member.total + member.sent,
                        "queued_bytes": session.queued,
                        "lag": self.seq - member.acked if member.acked else None,
                        "hit_rate": group.count / group.seen if group.seen else None,
                        "acted": member.acted,
                    }
                )
        return out


def _same_step(history: History, last: Message) -> list[Message]:
    """The rest of a step that a page would have cut."""
    more: list[Message] = []
    position: Position = (last.seq, last.n)
    while True:
        row = history.behind(position, 1)
        if not row or row[0].seq != last.seq:
            return more
        more += row
        position = (row[0].seq, row[0].n)
