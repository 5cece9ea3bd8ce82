"""The private stream: our own fills and orders as they happen, without numbers to find gaps by."""

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BadInput, BodySeen, FeedDown, FeedGap, FeedUp
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Out, Redial, Send
from dutchbook.venues.kalshi import records, wire
from dutchbook.venues.kalshi.errors import BROKEN, bad, broken
from dutchbook.venues.kalshi.feed import TERMINAL
from dutchbook.venues.kalshi.frames import key_of
from dutchbook.venues.kalshi.groups import Groups
from dutchbook.venues.kalshi.records import FillBody, Known, OrderBody
from dutchbook.venues.kalshi.standing import Standing
from dutchbook.venues.kalshi.wire import Name

STREAM: Final = "kalshi.account"
CHANNELS: Final = ("fill", "user_orders", "market_positions", "order_group_updates")


class Fill(Struct, tag_field="type", tag="fill"):
    msg: FillBody
    sid: int = 0


class UserOrder(Struct, tag_field="type", tag="user_order"):
    msg: OrderBody
    sid: int = 0


class PositionMsg(Struct):
    market_ticker: Name
    position_fp: str


class Position(Struct, tag_field="type", tag="market_position"):
    msg: PositionMsg
    sid: int = 0


class GroupMsg(Struct):
    event_type: Literal["created", "triggered", "reset", "deleted", "limit_updated"]
    order_group_id: Name


class Group(Struct, tag_field="type", tag="order_group_updates"):
    msg: GroupMsg
    sid: int = 0


Private = (
    Fill | UserOrder | Position | Group | wire.Subscribed | wire.Unsubscribed | wire.Ok | wire.Error
)
_frames = msgspec.json.Decoder(Private)


class PrivateFeed:
    """Frames in, events out; what breaks the protocol is BadInput and changes nothing.

    A message may come twice, or before the answer to the request that caused it: the events say
    so with the same identities, and who keeps the account counts each once.
    """

    def __init__(self, known: Known, account: str, standing: Standing, groups: Groups) -> None:
        self.known = known
        self.account = account
        self.standing = standing
        self.groups = groups
        self.command = 0
        self.ended = False

    def on_open(self) -> list[Out]:
        """Subscribe anew; what happened meanwhile only REST can tell, so it must be asked."""
        self.ended = False
        self.command += 1
        body = {"id": self.command, "cmd": "subscribe", "params": {"channels": list(CHANNELS)}}
        return [FeedUp(STREAM), Send(STREAM, msgspec.json.encode(body))]

    def on_down(self, why: str) -> list[Out]:
        return [FeedDown(STREAM, why)]

    def on_frame(self, data: bytes, now: Ns) -> list[Out]:
        """What one frame says; never an exception."""
        try:
            return self._events(_frames.decode(data))
        except BROKEN as error:
            return [bad(STREAM, broken(error, data))]
        except RemoteProtocolError as error:
            return [bad(STREAM, error)]

    def _events(self, frame: Any) -> list[Out]:
        if isinstance(frame, Fill):
            return [records.fill(frame.msg, self.known, self.account, "msg")]
        if isinstance(frame, UserOrder):
            return [records.seen(frame.msg, self.known, self.account, "msg")]
        if isinstance(frame, Position):
            body = records.PositionBody(frame.msg.market_ticker, frame.msg.position_fp)
            records.holding(body, "msg")
            key = key_of(frame.msg.market_ticker)
            return [BodySeen("kalshi", "market_position", 1, (key,))]
        if isinstance(frame, Group):
            return self._group(frame.msg)
        if isinstance(frame, wire.Error):
            return self._error(frame)
        return []

    def _group(self, msg: GroupMsg) -> list[Out]:
        """A group that went over its limit cancels and refuses until somebody resets it."""
        name = msg.order_group_id
        if name not in self.groups.ids.values() or name in self.groups.tripped:
            return [BodySeen("kalshi", "order_group_updates", 1, (name,))]
        if msg.event_type == "triggered":
            why = f"order group {name} went over its limit: its orders are canceled until a reset"
            return self.standing.hold(f"group {name}", "paused", why)
        if msg.event_type in ("reset", "deleted"):
            return self.standing.hold(f"group {name}", "open", "")
        return []

    def _error(self, frame: wire.Error) -> list[Out]:
        msg = frame.msg
        what = f"error {msg.code}: {msg.msg[:200]}"
        if msg.code == 9:
            return [BadInput(STREAM, "msg.code", what), *self.standing.hold(
                "key", "unauthorized", what)]  # fmt: skip
        if msg.code not in TERMINAL:
            return [BadInput(STREAM, "msg.code", what)]
        if self.ended:
            return []
        self.ended = True
        scope = f"sid:{frame.sid}" if frame.sid is not None else ""
        got = frame.seq or 0
        gap = FeedGap(STREAM, "overflow", scope, got, got, (), False)
        return [gap, Redial(STREAM, f"{TERMINAL[msg.code]} ({what})")]
