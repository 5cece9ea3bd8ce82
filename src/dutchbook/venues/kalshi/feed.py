"""The one WebSocket: subscriptions, numbering per `sid`, gaps, and books asked for again."""

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import (
    BadInput,
    Duplicate,
    FeedDown,
    FeedGap,
    FeedUp,
)
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.venues.base import Out, Redial, Send, Wake
from dutchbook.venues.kalshi import frames, wire
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.frames import key_of
from dutchbook.venues.kalshi.limits import wait

BOOKS = "orderbook_delta"
PER_MARKET = (BOOKS, "ticker", "trade")
TERMINAL = {10: "channel error", 25: "buffer overflow"}
RESYNC_MIN = Ns(500 * MILLI)  # a newer gap within this span waits for its own request
RESYNC_WAIT = Ns(5 * SECOND)
CATCH_UP = Ns(5 * SECOND)


class Sid(msgspec.Struct):
    """One subscription. `awaiting`: books not seen whole since the latest gap or request."""

    sid: int
    channel: str
    last: int = 0
    markets: dict[str, None] = {}
    awaiting: dict[str, None] = {}
    asked_at: Ns = Ns(0)
    attempt: int = 0


class Feed:
    """Frames in, events and commands out.

    `keys` names the known markets (a live dict, shared with the catalogue); None: all are taken
    as they come, as a replay must. A frame that breaks the protocol gives BadInput and changes
    nothing: not even its number is taken, so that the next one shows the hole.
    """

    def __init__(
        self,
        stream: str,
        channels: tuple[str, ...] = (BOOKS,),
        keys: dict[str, str] | None = None,
        per_command: int = 500,
    ) -> None:
        self.stream = stream
        self.channels = channels
        self.keys = keys
        self.per_command = per_command
        self.sids: dict[int, Sid] = {}
        self.up = False
        self.ended = False
        self.wanted: dict[str, None] = {}
        self.first: list[str] = []
        self.command = 0
        self.last_frame: wire.Frame | None = None
        """The frame that on_frame has just taken, None if it was a book change, or refused."""

    def on_open(self, tickers: list[str], now: Ns) -> list[Out]:
        """Subscribe anew: nothing of an earlier connection (sids, numbers) holds."""
        self.sids = {}
        self.up = True
        self.ended = False
        self.wanted = dict.fromkeys(tickers)
        out: list[Out] = [FeedUp(self.stream), *self._subscribe(tickers)]
        others = [name for name in self.channels if name not in PER_MARKET]
        if others:
            out.append(self._send("subscribe", {"channels": others}))
        return out

    def on_down(self, why: str) -> list[Out]:
        """The connection is gone, and with it every number and every subscription."""
        self.sids = {}
        self.up = False
        return [FeedDown(self.stream, why)]

    def add(self, tickers: list[str]) -> list[Out]:
        """Subscribe these too, on the subscriptions that there are."""
        new = [name for name in tickers if name not in self.wanted]
        self.wanted.update(dict.fromkeys(new))
        if not self.up or not new:
            return []
        if not self.first:
            return self._subscribe(new)
        per_market = [sid for sid in self.sids.values() if sid.channel in PER_MARKET]
        return [out for sid in per_market for out in self._add(sid, new)]

    def _subscribe(self, tickers: list[str]) -> list[Out]:
        """The first command for these; what does not fit follows when the sids are known."""
        self.first = tickers[: self.per_command]
        if not self.first:
            return []
        # The side of NO prices is said aloud: the venue's default is announced to change.
        channels = [name for name in self.channels if name in PER_MARKET]
        params = {"channels": channels, "market_tickers": self.first, "use_yes_price": False}
        return [self._send("subscribe", params)]

    def on_frame(self, data: bytes, now: Ns) -> list[Out]:
        """What one frame says, in its place of the sequence; never an exception."""
        self.last_frame = None
        try:
            frame = frames.parse(data)
            if type(frame) is wire.Delta:
                # The hot path: a known book's next number.
                sid = self.sids.get(frame.sid)
                keys = self.keys
                ticker = frame.msg.market_ticker
                key = f"kalshi:{ticker}" if keys is None else keys.get(ticker)
                if sid is not None and key is not None and frame.seq == sid.last + 1:
                    change = frames.delta(frame, key, self.stream)
                    sid.last = frame.seq
                    return [change]
            return self._other(frame, now)
        except RemoteProtocolError as error:
            return [bad(self.stream, error)]

    def _other(self, frame: wire.Frame, now: Ns) -> list[Out]:
        number, seq = getattr(frame, "sid", None), getattr(frame, "seq", None)
        if isinstance(frame, wire.Subscribed):
            return self._subscribed(frame)
        if number is None or seq is None:
            return self._apply(frame, None, now)
        sid = self.sids.get(number) or self._unannounced(number, frame)
        if seq <= sid.last:
            return [Duplicate(self.stream, seq)]
        gap = seq != sid.last + 1
        after = self._apply(frame, sid, now)
        if gap and isinstance(frame, wire.Delta):
            after = []  # a change to a book that is stale from here on
        self.sids.setdefault(number, sid)
        expected, sid.last = sid.last + 1, seq
        return [*self._gap(sid, expected, seq, frame, now), *after] if gap else after

    def _unannounced(self, number: int, frame: wire.Frame) -> Sid:
        """A sid whose `subscribed` was lost: taken for the only one of its channel, or refused."""
        channel = _channel(frame)
        taken = any(sid.channel == channel for sid in self.sids.values())
        if self.keys is not None and (taken or not channel):
            raise RemoteProtocolError("kalshi", "sid", f"an unknown subscription {number}")
        return Sid(number, channel, markets=dict(self.wanted) if channel in PER_MARKET else {})

    def _apply(self, frame: wire.Frame, sid: Sid | None, now: Ns) -> list[Out]:
        """The frame's own events; raises RemoteProtocolError before anything has changed."""
        if isinstance(frame, wire.Error):
            return self._error(frame, sid)
        if isinstance(frame, wire.Ok):
            self._acknowledged(frame, sid)
            return []
        if isinstance(frame, wire.Unsubscribed):
            return []
        ticker = getattr(getattr(frame, "msg", None), "market_ticker", None)
        unknown = self.keys is not None and ticker is not None and ticker not in self.keys
        if unknown and not isinstance(frame, wire.Lifecycle):
            return [BadInput(self.stream, "msg.market_ticker", "an unknown market", str(ticker))]
        events = [] if unknown else frames.events_of(frame, self.stream)
        if isinstance(frame, wire.Snapshot) and sid is not None:
            sid.channel = sid.channel or BOOKS
            sid.markets[frame.msg.market_ticker] = None
            sid.awaiting.pop(frame.msg.market_ticker, None)
        self.last_frame = frame
        return list(events)

    def _subscribed(self, frame: wire.Subscribed) -> list[Out]:
        msg = frame.msg
        sid = self.sids.setdefault(msg.sid, Sid(msg.sid, msg.channel))
        sid.channel = msg.channel
        if msg.channel not in PER_MARKET:
            return []
        sid.markets.update(dict.fromkeys(self.first))
        return self._add(sid, list(self.wanted))

    def _acknowledged(self, frame: wire.Ok, sid: Sid | None) -> None:
        msg = frame.msg
        if sid is not None and isinstance(msg, wire.OkMsg) and self.keys is None:
            sid.channel = sid.channel or BOOKS
            sid.markets.update(dict.fromkeys(msg.market_tickers or ()))

    def _error(self, frame: wire.Error, sid: Sid | None) -> list[Out]:
        msg = frame.msg
        named = msg.market_tickers or ([msg.market_ticker] if msg.market_ticker else [])
        what = f"error {msg.code}: {msg.msg[:200]}"
        if msg.code not in TERMINAL:
            for name in named if sid is not None else ():
                sid.awaiting.pop(name, None)  # type: ignore[union-attr]
            market = named[0] if named else ""
            return [BadInput(self.stream, "msg.code", what, market)]
        if self.ended:
            return []  # said of every subscription: the connection is lost once
        self.ended = True
        scope = f"sid:{frame.sid}" if frame.sid is not None else ""
        got = frame.seq or 0
        expected = sid.last + 1 if sid is not None else got
        gap = FeedGap(self.stream, "overflow", scope, expected, got)
        return [gap, Redial(self.stream, f"{TERMINAL[msg.code]} ({what})")]

    def _gap(self, sid: Sid, expected: int, got: int, frame: wire.Frame, now: Ns) -> list[Out]:
        scope = f"sid:{sid.sid}"
        if sid.channel not in (BOOKS, ""):
            gap = FeedGap(self.stream, "sequence", scope, expected, got, (), False)
            missed = sid.channel not in PER_MARKET  # a life-cycle message: read the catalogue anew
            return [gap, Wake("catch_up", Ns(now + CATCH_UP))] if missed else [gap]
        with_books = [one for one in self.sids.values() if one.channel in (BOOKS, "")]
        alone = len(with_books) == 1
        keys = () if alone else tuple(key_of(name) for name in sid.markets)
        out: list[Out] = [FeedGap(self.stream, "sequence", scope, expected, got, keys)]
        sid.awaiting = dict.fromkeys(sid.markets)
        sid.attempt = 0
        if isinstance(frame, wire.Snapshot):
            sid.awaiting.pop(frame.msg.market_ticker, None)
        if isinstance(frame, wire.Error | wire.Unsubscribed) or not sid.awaiting:
            return out
        if sid.asked_at and now - sid.asked_at < RESYNC_MIN:
            return [*out, Wake(_token(sid), Ns(sid.asked_at + RESYNC_MIN))]
        return [*out, *self._resync(sid, now)]

    def ask(self, tickers: list[str], now: Ns) -> list[Out]:
        """Have these books sent whole, once; what is already on its way is not asked twice."""
        out: list[Out] = []
        for sid in self.sids.values():
            if sid.channel != BOOKS:
                continue
            names = [n for n in tickers if n in sid.markets and n not in sid.awaiting]
            if names:
                sid.awaiting.update(dict.fromkeys(names))
                sid.asked_at = now
                out += self._get(sid, names)
                out.append(Wake(_token(sid), Ns(now + RESYNC_WAIT)))
        return out

    def on_wake(self, token: str, now: Ns) -> list[Out]:
        """Ask once more for the books that were not sent."""
        sid = self.sids.get(int(token.removeprefix("resync:")))
        if sid is None or not sid.awaiting:
            return []
        return self._resync(sid, now)

    def _resync(self, sid: Sid, now: Ns) -> list[Out]:
        sid.asked_at = now
        sid.attempt += 1
        pause = max(RESYNC_WAIT, wait(sid.attempt))
        return [*self._get(sid, list(sid.awaiting)), Wake(_token(sid), Ns(now + pause))]

    def _get(self, sid: Sid, tickers: list[str]) -> list[Out]:
        return self._update(sid, "get_snapshot", tickers)

    def _add(self, sid: Sid, tickers: list[str]) -> list[Out]:
        names = [name for name in tickers if name not in sid.markets]
        sid.markets.update(dict.fromkeys(names))
        return self._update(sid, "add_markets", names)

    def _update(self, sid: Sid, action: str, tickers: list[str]) -> list[Out]:
        chunks = (
            tickers[n : n + self.per_command] for n in range(0, len(tickers), self.per_command)
        )
        return [
            self._send(
                "update_subscription", {"sid": sid.sid, "action": action, "market_tickers": chunk}
            )
            for chunk in chunks
        ]

    def _send(self, cmd: str, params: dict[str, object]) -> Send:
        self.command += 1
        body = {"id": self.command, "cmd": cmd, "params": params}
        return Send(self.stream, msgspec.json.encode(body))


def _token(sid: Sid) -> str:
    return f"resync:{sid.sid}"


def _channel(frame: wire.Frame) -> str:
    """The channel whose messages these are, for a sid whose `subscribed` was not seen."""
    if isinstance(frame, wire.Delta | wire.Snapshot):
        return BOOKS
    if isinstance(frame, wire.Lifecycle | wire.EventLifecycle | wire.EventFee):
        return "market_lifecycle_v2"
    return "trade" if isinstance(frame, wire.Trade) else ""
