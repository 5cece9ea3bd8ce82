"""One client's WebSocket conversation with the pretend Kalshi, without a socket."""

from typing import Any, Final

import msgspec

from dutchbook.emulators.kalshi.messages import Published, Stock
from dutchbook.emulators.kalshi.private import FILL, GROUPS, ORDERS, POSITIONS, Private
from dutchbook.emulators.wire.outbox import Frame

BOOK, TICKER, TRADE, LIFE = "orderbook_delta", "ticker", "trade", "market_lifecycle_v2"
PRIVATE: Final = (FILL, ORDERS, POSITIONS, GROUPS)
CHANNELS: Final = {
    BOOK: "seq", TICKER: "", TRADE: "seq", LIFE: "seq",
    "fill": "", "user_orders": "", "market_positions": "", "order_group_updates": "seq",
    "communications": "", "multivariate_market_lifecycle": "seq",
}  # fmt: skip
ERRORS: Final = {
    1: "Unable to process message", 2: "Params required", 3: "Channels required",
    4: "Subscription IDs required", 5: "Unknown command", 7: "Unknown subscription ID",
    8: "Unknown channel name", 9: "Authentication required", 10: "Channel error",
    11: "Invalid parameter", 12: "Exactly one subscription ID is required",
    13: "Unsupported action", 14: "Market ticker required", 15: "Action required",
    18: "Command timeout", 25: "Buffer overflow", 26: "Market limit exceeded",
    27: "Too many requests",
}  # fmt: skip


class Sub:
    """A subscription to one channel. `tickers` None: every market. `seq`: the last one used."""

    def __init__(self, sid: int, channel: str) -> None:
        self.sid = sid
        self.channel = channel
        self.tickers: dict[str, None] | None = None
        self.yes_price = False
        self.seq = 0

    def next(self) -> int:
        self.seq += 1
        return self.seq

    def wants(self, ticker: str) -> bool:
        return self.tickers is None or ticker in self.tickers


class Refused(Exception):
    """A command that Kalshi answers with an error frame."""

    def __init__(self, code: int, tickers: list[str] | None = None) -> None:
        super().__init__(ERRORS[code])
        self.code = code
        self.tickers = tickers


class KalshiSession:
    """`on_text` answers commands, `on_published` tells what changed; one sid per channel."""

    def __init__(self, stock: Stock, owner: str = "") -> None:
        self._stock = stock
        self.owner = owner
        self._subs: dict[int, Sub] = {}
        self._by_channel: dict[str, Sub] = {}
        self._sids = 0

    def on_text(self, text: str, now: int) -> list[Frame]:
        """Answer one command; whatever it is, the answer is frames."""
        number = 0
        try:
            command = msgspec.json.decode(text)
            if not isinstance(command, dict):
                raise Refused(1)
            number = command.get("id", 0)
            number = number if isinstance(number, int) and not isinstance(number, bool) else 0
            return self._command(number, command)
        except msgspec.DecodeError:
            return [_error(number, Refused(1))]
        except Refused as refused:
            return [_error(number, refused)]

    def on_published(self, news: Published) -> list[Frame]:
        """The frames that one change of the market means for this client."""
        frames: list[Frame] = []
        if news.changes and (sub := self._by_channel.get(BOOK)) and sub.wants(news.ticker):
            for body in news.bodies(sub.yes_price):
                frames.append(_data(BOOK, sub, body, news.ticker, "delta"))
        if news.trade and (sub := self._by_channel.get(TRADE)) and sub.wants(news.ticker):
            frames.append(_data("trade", sub, news.trade, news.ticker))
        if news.ticker_body and (sub := self._by_channel.get(TICKER)) and sub.wants(news.ticker):
            text = f'{{"type":"ticker","sid":{sub.sid},"msg":{news.ticker_body}}}'
            frames.append(Frame(text, "data", False, news.ticker, sub.sid))
        if news.lifecycle and (sub := self._by_channel.get(LIFE)):
            frames += [_data(kind, sub, body, news.ticker) for kind, body in news.lifecycle]
        return frames

    @property
    def private(self) -> bool:
        """Whether this connection has private channels only."""
        return bool(self._by_channel) and all(name in PRIVATE for name in self._by_channel)

    def on_private(self, message: Private) -> list[Frame]:
        """The frame of a message for one owner, where it is this client and wants it."""
        sub = self._by_channel.get(message.channel)
        if sub is None or message.owner != self.owner:
            return []
        return [message.frame(sub.sid, sub.next() if CHANNELS[message.channel] else 0)]

    def terminal(self, code: int) -> list[Frame]:
        """Error 10 or 25 on every subscription, each of which is over with that."""
        frames = [_error(0, Refused(code), sub) for sub in self._subs.values()]
        self._subs.clear()
        self._by_channel.clear()
        return frames

    def on_overflow(self, why: str) -> list[str]:
        """Error 25 on every subscription: terminal."""
        return [_error(0, Refused(25), sub).text for sub in self._subs.values()]

    def ticker_sid(self) -> int:
        """The sid of the ticker channel, 0 without one."""
        sub = self._by_channel.get(TICKER)
        return sub.sid if sub else 0

    def _command(self, number: int, command: dict[str, Any]) -> list[Frame]:
        match command.get("cmd"):
            case "subscribe":
                return self._subscribe(number, _params(command))
            case "unsubscribe":
                return self._unsubscribe(number, _params(command))
            case "update_subscription":
                return self._update(number, _params(command))
            case "list_subscriptions":
                rows = [{"channel": s.channel, "sid": s.sid} for s in self._subs.values()]
                return [_reply({"id": number, "type": "ok", "msg": rows})]
        raise Refused(5)

    def _subscribe(self, number: int, params: dict[str, Any]) -> list[Frame]:
        channels = params.get("channels")
        if not channels or not isinstance(channels, list):
            raise Refused(3)
        if any(not isinstance(name, str) or name not in CHANNELS for name in channels):
            raise Refused(8)
        tickers = self._tickers(params)
        if BOOK in channels and not tickers:
            raise Refused(14)
        frames: list[Frame] = []
        for channel in dict.fromkeys(channels):
            frames += self._join(number, channel, tickers, params)
        return frames

    def _join(
        self, number: int, channel: str, tickers: list[str], params: dict[str, Any]
    ) -> list[Frame]:
        """A first subscription gets a sid; a later one to the same channel adds markets to it."""
        sub = self._by_channel.get(channel)
        if sub is not None:
            return self._add(number, sub, tickers)
        self._sids += 1
        sub = self._subs[self._sids] = self._by_channel[channel] = Sub(self._sids, channel)
        sub.yes_price = params.get("use_yes_price") is True
        sub.tickers = dict.fromkeys(tickers) if tickers else None
        frames = [
            _reply(
                {"id": number, "type": "subscribed", "msg": {"channel": channel, "sid": sub.sid}}
            )
        ]
        wanted = channel == BOOK or (channel == TICKER and params.get("send_initial_snapshot"))
        return frames + (self._whole(sub, tickers) if wanted else [])

    def _add(self, number: int, sub: Sub, tickers: list[str]) -> list[Frame]:
        if sub.tickers is None:
            return [self._ok(number, sub)]
        new = [ticker for ticker in tickers if ticker not in sub.tickers]
        sub.tickers |= dict.fromkeys(new)
        frames = [self._ok(number, sub)]
        return frames + (self._whole(sub, new) if sub.channel == BOOK else [])

    def _unsubscribe(self, number: int, params: dict[str, Any]) -> list[Frame]:
        frames = []
        for sid in self._sids_of(params):
            sub = self._subs.pop(sid)
            del self._by_channel[sub.channel]
            frames.append(
                _reply({"id": number, "sid": sid, "seq": sub.next(), "type": "unsubscribed"})
            )
        return frames

    def _update(self, number: int, params: dict[str, Any]) -> list[Frame]:
        one = params.get("sid")
        sids = [one] if one is not None else params.get("sids")
        if not isinstance(sids, list) or len(sids) != 1:
            raise Refused(12)
        sub = self._subs[self._sids_of({"sids": sids})[0]]
        action = params.get("action")
        if not action:
            raise Refused(15)
        tickers = self._tickers(params)
        if action not in ("add_markets", "delete_markets", "get_snapshot"):
            raise Refused(13)
        if not tickers:
            raise Refused(14)
        if action == "add_markets":
            return self._add(number, sub, tickers)
        if action == "delete_markets":
            sub.tickers = {t: None for t in sub.tickers or {} if t not in tickers}
            return [self._ok(number, sub)]
        if sub.channel != BOOK:
            raise Refused(13)
        return self._whole(sub, [t for t in tickers if sub.wants(t)], number)

    def _whole(self, sub: Sub, tickers: list[str], number: int = 0) -> list[Frame]:
        """Whole books, one frame a market, each with its own seq."""
        if sub.channel == TICKER:
            texts = [self._stock.ticker(ticker) for ticker in tickers]
            return [
                Frame(f'{{"type":"ticker","sid":{sub.sid},"msg":{text}}}', "data") for text in texts
            ]
        head = f'"id":{number},' if number else ""
        return [
            Frame(
                f'{{"type":"orderbook_snapshot",{head}"sid":{sub.sid},"seq":{sub.next()},'
                f'"msg":{self._stock.snapshot(ticker, sub.yes_price)}}}',
                "data",
                False,
                ticker,
                sub.sid,
            )
            for ticker in tickers
        ]

    def _tickers(self, params: dict[str, Any]) -> list[str]:
        given = params.get("market_tickers")
        tickers = given if given is not None else [params.get("market_ticker")]
        if not isinstance(tickers, list):
            raise Refused(11)
        named = [ticker for ticker in tickers if isinstance(ticker, str)]
        if any(ticker is not None and ticker not in named for ticker in tickers):
            raise Refused(11)
        unknown = [ticker for ticker in named if not self._stock.has(ticker)]
        if unknown:
            raise Refused(11, unknown)
        return list(dict.fromkeys(named))

    def _sids_of(self, params: dict[str, Any]) -> list[int]:
        sids = params.get("sids")
        if not isinstance(sids, list) or not sids:
            raise Refused(4)
        if any(not isinstance(sid, int) or sid not in self._subs for sid in sids):
            raise Refused(7)
        return list(dict.fromkeys(sids))

    def _ok(self, number: int, sub: Sub) -> Frame:
        names = sorted(sub.tickers or {})
        reply = {"id": number, "sid": sub.sid, "seq": sub.next(), "type": "ok"}
        if not CHANNELS[sub.channel]:
            sub.seq -= 1
            del reply["seq"]
        return _reply(reply | {"msg": {"market_tickers": names}})


def _params(command: dict[str, Any]) -> dict[str, Any]:
    params = command.get("params")
    if not isinstance(params, dict) or not params:
        raise Refused(2)
    return params


def _data(kind: str, sub: Sub, body: str, ticker: str, label: str = "data") -> Frame:
    text = f'{{"type":"{kind}","sid":{sub.sid},"seq":{sub.next()},"msg":{body}}}'
    return Frame(text, label, True, ticker, sub.sid)


def _reply(message: dict[str, Any]) -> Frame:
    return Frame(msgspec.json.encode(message).decode())


def _error(number: int, refused: Refused, sub: Sub | None = None) -> Frame:
    message: dict[str, Any] = {"id": number} if number else {}
    if sub is not None:
        message["sid"] = sub.sid
    body: dict[str, Any] = {"code": refused.code, "msg": str(refused)}
    if refused.tickers:
        body["market_tickers"] = refused.tickers
    return _reply(message | {"type": "error", "msg": body})
