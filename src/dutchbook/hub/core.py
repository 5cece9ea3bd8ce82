"""The hub: who subscribes to what, what each gets, and what a resume brings. No I/O, no clock.

A transport calls `connected`, `received`, `authenticated`, `paused`, `resumed`, `gone`, does what
they return. `publish` returns (frame, sessions) pairs: the same bytes for all. As long as there is
room, `next` is called until it returns None: pages of a resume, and what waited.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from dutchbook.hub import wire
from dutchbook.hub.filters import Compiled, Filter, FilterError, compile_filter
from dutchbook.hub.flow import Flow
from dutchbook.hub.history import History
from dutchbook.hub.message import say
from dutchbook.hub.session import (
    ASKED,
    GONE,
    IN,
    WAITING,
    Authenticate,
    Close,
    Group,
    Limits,
    Member,
    Out,
    Save,
    Saved,
    Send,
    Session,
    Subject,
)

_json = msgspec.json.Decoder(wire.Said).decode
_msgpack = msgspec.msgpack.Decoder(wire.Said).decode
SECOND: Final = 1_000_000_000


class Refusal(Exception):
    """Something that a client asked for and does not get."""

    def __init__(self, code: str, what: str = "", todo: str = "", seq: int = 0) -> None:
        super().__init__(what)
        self.code = code
        self.what = what or wire.ERRORS[code]
        self.todo = todo
        self.seq = seq


Snapshots = Callable[[str, Compiled], list[Any] | None]
"""(channel, filter) -> the channel's messages as plain data that stand now; None: it has none."""


class Hub(Flow):
    """`seq` is the newest step told; `key` the public key of receipts; spans and times in ns."""

    def __init__(
        self, seq: int = 0, *, limits: Limits | None = None, key: str = "",
        histories: dict[str, History] | None = None, snapshots: Snapshots = lambda c, f: None,
    ) -> None:  # fmt: skip
        super().__init__(seq, limits or Limits(), histories)
        self.key = key
        self.snapshots = snapshots
        self.saved: dict[str, tuple[Saved, ...]] = {}

    # -- connections ---------------------------------------------------------------------------

    def connected(self, peer: Any, now: int) -> tuple[Session, list[Out]]:
        session = Session(peer, now)
        session.tokens = float(self.limits.said_burst)
        if len(self.sessions) >= self.limits.sessions:
            session.state = GONE
            return session, [Close(wire.FULL, wire.CLOSES[wire.FULL])]
        self.sessions[session] = None
        return session, []

    def received(self, session: Session, data: bytes, binary: bool, now: int) -> list[Out]:
        """A whole message of a client, at most `frame_bytes` long, text or binary."""
        if session.state == GONE:
            return []
        if len(data) > self.limits.frame_bytes:
            return self._close(session, wire.TOO_BIG, now)
        said: wire.Said | None = None
        try:
            self._spend(session, now)
            said = _read(data, binary)
            return self._do(session, said, now)
        except Refusal as refusal:
            return self._refused(session, refusal, getattr(said, "id", ""), now)

    def _spend(self, session: Session, now: int) -> None:
        limits = self.limits
        earned = (now - session.tokens_at) / SECOND * limits.said_per_second
        session.tokens = min(limits.said_burst, session.tokens + earned)
        session.tokens_at = now
        if session.tokens < 1:
            raise Refusal("rate", todo=f"at most {limits.said_per_second} messages a second")
        session.tokens -= 1

    def _refused(self, session: Session, refusal: Refusal, name: str, now: int) -> list[Out]:
        error = wire.Error(refusal.code, refusal.what, refusal.todo, name, refusal.seq)
        out: list[Out] = [Send(say(error, session.binary))]
        session.refused += 1
        if refusal.code in ("unauthenticated", "bad_token"):
            return out + self._close(session, wire.UNAUTHENTICATED, now)
        if session.refused >= self.limits.patience:
            return out + self._close(session, wire.FLOOD, now)
        return out

    def _close(self, session: Session, code: int, now: int) -> list[Out]:
        self.gone(session, now)
        return [Close(code, wire.CLOSES[code])]

    def _do(self, session: Session, said: wire.Said, now: int) -> list[Out]:
        if isinstance(said, wire.Auth):
            if session.state != WAITING:
                raise Refusal("authenticated")
            session.state = ASKED
            session.binary = said.format == "msgpack"
            session.restore, session.after = said.restore, said.after
            return [Authenticate(said.token, said.ticket)]
        if session.state != IN or session.subject is None:
            raise Refusal("unauthenticated", todo='send {"type":"auth","token":...} first')
        if isinstance(said, wire.Ping):
            return [Send(say(wire.Pong(now // 1_000, said.id), session.binary))]
        if isinstance(said, wire.Subscribe):
            return self._subscribe(session, said, now)
        member = session.members.get(said.subscription)
        if member is None:
            raise Refusal("not_subscribed")
        if isinstance(said, wire.Ack):
            member.acked = max(member.acked, min(said.seq, self.seq))
            member.acted += max(0, min(said.acted, member.total))
            return []
        self._leave(session, said.subscription, now)
        answer = Send(say(wire.Unsubscribed(said.subscription, said.id), session.binary))
        return [answer, *self._unsave(session.subject.client_id, said.subscription)]

    def authenticated(self, session: Session, subject: Subject | None, now: int) -> list[Out]:
        """The answer to Authenticate; None: the token or ticket is good for nothing."""
        if session.state != ASKED:
            return []
        if subject is None or (subject.expires and subject.expires <= now):
            return self._refused(session, Refusal("bad_token"), "", now)
        session.subject, session.state = subject, IN
        hello = wire.Welcome(subject.client_id, self.seq, now // 1_000, key=self.key)
        out: list[Out] = [Send(say(hello, session.binary))]
        if session.restore:
            for item in self.saved.get(subject.client_id, ()):
                after = None if item.channel in wire.CONFLATED else session.after
                ask = wire.Subscribe(item.channel, item.filters, after)
                try:
                    out += self._subscribe(session, ask, now)
                except Refusal as refusal:
                    out += self._refused(session, refusal, "", now)
        return out

    def revoke(self, client_id: str, now: int) -> list[tuple[Session, Close]]:
        """End every connection of a client whose right was taken."""
        ended = [s for s in self.sessions if s.subject and s.subject.client_id == client_id]
        return [self._cut(session, wire.EXPIRED, now) for session in ended]

    def tick(self, now: int) -> list[tuple[Session, Close]]:
        """Once a second or so: who never said who it is, whose right ended, who stands still."""
        limits, ended = self.limits, []
        for session in list(self.sessions):
            subject = session.subject
            if session.state != IN and now - session.since > limits.auth_within:
                ended.append(self._cut(session, wire.UNAUTHENTICATED, now))
            elif subject is not None and subject.expires and subject.expires <= now:
                ended.append(self._cut(session, wire.EXPIRED, now))
            elif session.queue and now - session.paused_at > limits.stall:
                ended.append(self._cut(session, wire.SLOW, now))
        return ended

    # -- subscriptions -------------------------------------------------------------------------

    def _subscribe(self, session: Session, said: wire.Subscribe, now: int) -> list[Out]:
        subject = session.subject
        assert subject is not None
        if said.channel not in self.groups:
            raise Refusal("unknown_channel", todo=f"one of {', '.join(wire.CHANNELS)}")
        if said.channel not in subject.channels:
            raise Refusal("forbidden")
        compiled = self._compiled(said.filters)
        if said.channel in wire.CONFLATED:
            said = msgspec.structs.replace(said, after=None)
        self._may_resume(said)
        known = self.groups[said.channel].get((compiled.key, session.binary))
        group = known or Group(said.channel, compiled, session.binary, self.seq)
        if group.name not in session.members:
            if len(session.members) >= self.limits.subscriptions:
                raise Refusal("too_many", f"at most {self.limits.subscriptions} subscriptions")
        else:
            self._leave(session, group.name, now)
        self.groups[said.channel][(compiled.key, session.binary)] = group
        group.size += 1
        seq = self.seq if said.after is None else said.after
        member = session.members[group.name] = Member(group, seq)
        answer = wire.Subscribed(group.name, said.channel, seq, said.id)
        out: list[Out] = [Send(say(answer, session.binary))]
        if said.after is None:
            items = self.snapshots(said.channel, compiled)
            if items is not None:
                told = wire.Snapshot(group.name, said.channel, self.seq, items)
                out.append(Send(say(told, session.binary)))
            self._join(session, member)
        else:
            member.position = (said.after, said.after_n)
            session.catching[group.name] = member
        if said.save:
            out += self._save(subject.client_id, Saved(said.channel, said.filters))
        return out

    def _compiled(self, given: Filter) -> Compiled:
        try:
            compiled = compile_filter(given)
        except FilterError as error:
            raise Refusal("bad_filter", str(error)) from None
        return self._filters.setdefault(compiled.key, compiled)

    def _may_resume(self, said: wire.Subscribe) -> None:
        if said.after is None:
            return
        oldest = self.histories[said.channel].oldest
        if said.after < oldest:
            raise Refusal(
                "gone", f"messages up to {oldest} are not kept any more",
                "subscribe again with after = seq, knowing that some were missed", oldest,
            )  # fmt: skip
        if said.after > self.seq:
            raise Refusal("ahead", f"the newest step is {self.seq}", "", self.seq)

    def _save(self, client_id: str, item: Saved) -> list[Out]:
        name = _name(item)
        others = [one for one in self.saved.get(client_id, ()) if _name(one) != name]
        self.saved[client_id] = (*others[-(self.limits.subscriptions - 1) :], item)
        return [Save(client_id, self.saved[client_id])]

    def _unsave(self, client_id: str, name: str) -> list[Out]:
        items = self.saved.get(client_id, ())
        left = tuple(item for item in items if _name(item) != name)
        if left == items:
            return []
        self.saved[client_id] = left
        return [Save(client_id, left)]


def _read(data: bytes, binary: bool) -> wire.Said:
    try:
        said: wire.Said = _msgpack(data) if binary else _json(data)
        return said
    except msgspec.ValidationError as error:
        text = str(error)
        code = "bad_filter" if "$.filters" in text or "$[...]" in text else "bad_message"
        raise Refusal(code, text[:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Refusal("bad_message", f"can't be read: {str(error)[:200]}") from None


def _name(item: Saved) -> str:
    return f"{item.channel}-{compile_filter(item.filters).name}"
