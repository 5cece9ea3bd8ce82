"""The books that a wire log delivered, and when each of them was whole, heard of and sound."""

import hashlib
from typing import Any

import msgspec

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.units import ONE, SECOND, micros
from dutchbook.emulators.spans import Spans, Switch, both, outside

SILENT = 10 * SECOND
CROSSED = SECOND // 2
OTHERS = ("last_trade_price", "best_bid_ask", "tick_size_change")
HASHED: tuple[str, ...] = (
    *("market", "asset_id", "timestamp", "hash", "bids", "asks"),
    *("min_order_size", "tick_size", "neg_risk", "last_trade_price"),
)


class Line(msgspec.Struct):
    """A line of the wire log; REST lines have no `conn`."""

    t: int
    conn: str = ""
    data: str | None = None
    got: str | None = None
    close: object = None


class Gap(msgspec.Struct):
    """A loss: while any of its books is missing, none of them is fresh. `end` 0: still open."""

    scope: str
    books: frozenset[tuple[str, int]]
    missing: set[tuple[str, int]]
    since: int
    end: int = 0


class Ladder:
    """One token's own book as delivered; a Kalshi market is two of bids only."""

    def __init__(self, key: str, token: int) -> None:
        self.key, self.token = key, token
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self.conn = ""
        self.stamp = -1
        self.whole: dict[str, Switch] = {}
        self.crossed = Switch()

    def seen(self, conn: str, t: int) -> None:
        if self.conn != conn:
            self.lose(t)
            self.conn = conn
        self.whole.setdefault(conn, Switch()).turn(True, t)

    def lose(self, t: int) -> None:
        if self.conn:
            self.whole[self.conn].turn(False, t)

    def usable(self, conn: str) -> bool:
        return self.conn == conn and self.whole[conn].on


class Delivered:
    """Feed it lines in order; then ask `fresh(key, outcome)` for the stretches of a book."""

    def __init__(self, markets: dict[str, dict[str, Any]]) -> None:
        self._tickers = {m["symbol"]: key for key, m in markets.items() if not m["tokens"]}
        tokens = {key: row["tokens"] for key, row in markets.items()}
        self._assets = {a: (key, n) for key, pair in tokens.items() for n, a in enumerate(pair)}
        self.books = {key: (Ladder(key, 0), Ladder(key, 1)) for key in markets}
        self._gaps: list[Gap] = []
        self._asked_for: dict[str, dict[str, None]] = {}
        self._paused = {key: Switch() for key in markets}
        self._heard: dict[str, Spans] = {}
        self._last: dict[tuple[str, int], int] = {}
        self._channels: dict[tuple[str, int], str] = {}
        self._yes_price: set[str] = set()
        self.now = 0

    def offers(self, key: str, outcome: int) -> dict[int, int]:
        """What a buyer of the outcome finds: its price -> size."""
        if key.startswith("polymarket:"):
            return self.books[key][outcome].sides[ASK]
        bids = self.books[key][1 - outcome].sides[BID]
        return {ONE - px: size for px, size in bids.items()}

    def fresh(self, key: str, outcome: int) -> Spans:
        """When the book that a buyer of the outcome needs was whole, heard of, open and sound."""
        poly = key.startswith("polymarket:")
        found = outside(self._paused[key].spans(self.now))
        for ladder in (self.books[key][outcome],) if poly else self.books[key]:
            here: Spans = []
            for conn, whole in ladder.whole.items():
                here += both(whole.spans(self.now), self._heard.get(conn, []))
            found = both(found, sorted(here))
            crossed = ladder.crossed.spans(self.now)
            long = [(s + CROSSED, e) for s, e in crossed if e - s > CROSSED]
            found = both(found, outside(long))
            for gap in self._gaps:
                if (key, ladder.token) in gap.books:
                    found = both(found, outside([(gap.since, gap.end or self.now + 1)]))
        return found

    def feed(self, line: Line) -> list[str]:
        """Take one line; the market keys whose books changed."""
        self.now = line.t
        if line.close is not None:
            self._lose(line.conn, line.t)
        elif line.got is not None:
            self._asked(line)
        elif line.data is not None and line.data != "PONG":
            try:
                frame = msgspec.json.decode(line.data)
                if line.conn.startswith("kalshi"):
                    return self._kalshi(line, frame)
                return self._polymarket(line, frame)
            except (msgspec.MsgspecError, ValueError, KeyError, TypeError, AttributeError):
                if not line.conn.startswith("kalshi"):
                    self._gap(line.conn, line.conn, None, line.t)
        return []

    def _asked(self, line: Line) -> None:
        """Which Kalshi books a client wants is in its commands; a gap concerns all of them."""
        try:
            asked = msgspec.json.decode(line.got or "")
            params, wanted = asked["params"], self._asked_for.setdefault(line.conn, {})
            names = params.get("market_tickers") or [params.get("market_ticker")]
            keys = dict.fromkeys(self._tickers[name] for name in names if name in self._tickers)
            if asked["cmd"] == "subscribe" and "orderbook_delta" in params["channels"]:
                wanted.update(keys)
                if params.get("use_yes_price"):
                    self._yes_price.add(line.conn)
            elif self._of_books(line.conn, params) and params["action"] == "add_markets":
                wanted.update(keys)
            elif self._of_books(line.conn, params) and params["action"] == "delete_markets":
                for key in keys:
                    wanted.pop(key, None)
        except (msgspec.MsgspecError, KeyError, TypeError, AttributeError):
            return

    def _of_books(self, conn: str, params: dict[str, Any]) -> bool:
        sids = params.get("sids") or [params.get("sid")]
        return any(self._channels.get((conn, sid)) == "orderbook_delta" for sid in sids)

    def _hear(self, line: Line) -> None:
        spans = self._heard.setdefault(line.conn, [])
        if spans and spans[-1][1] >= line.t:
            spans[-1] = (spans[-1][0], line.t + SILENT)
        else:
            spans.append((line.t, line.t + SILENT))

    def _lose(self, conn: str, t: int) -> None:
        """A connection is gone; its books come back one by one on another."""
        for pair in self.books.values():
            for ladder in pair:
                if ladder.conn == conn:
                    ladder.lose(t)

    def _gap(self, conn: str, scope: str, key: str | None, t: int) -> None:
        """Something was lost on a connection, of one market or (None) of all its books."""
        wanted = self._asked_for.get(conn, {})
        books = [
            ladder
            for name, pair in self.books.items()
            for ladder in pair
            if name == key or (key is None and (ladder.conn == conn or name in wanted))
        ]
        for ladder in books:
            ladder.lose(t)
        places = frozenset((ladder.key, ladder.token) for ladder in books)
        for gap in self._gaps:
            if gap.scope == scope and not gap.end:
                gap.missing |= places
        self._gaps.append(Gap(scope, places, set(places), t, 0 if places else t))

    def _seen(self, ladder: Ladder, line: Line) -> None:
        ladder.seen(line.conn, line.t)
        for gap in self._gaps:
            if not gap.end:
                gap.missing.discard((ladder.key, ladder.token))
                if not gap.missing:
                    gap.end = line.t

    def _kalshi(self, line: Line, frame: dict[str, Any]) -> list[str]:
        kind, msg, sid, seq = frame["type"], frame.get("msg"), frame.get("sid"), frame.get("seq")
        if kind == "subscribed" and msg:
            self._channels[line.conn, msg["sid"]] = msg["channel"]
            self._last.setdefault((line.conn, msg["sid"]), 0)
            return []
        change = self._kalshi_change(line, kind, msg or {})
        if kind in ("orderbook_snapshot", "orderbook_delta"):
            self._hear(line)
        if isinstance(seq, int) and isinstance(sid, int):
            last = self._last.get((line.conn, sid), 0)
            if seq <= last:
                return []
            self._last[line.conn, sid] = seq
            channel = self._channels.get((line.conn, sid), "orderbook_delta")
            if seq != last + 1 and channel == "orderbook_delta":
                self._gap(line.conn, f"{line.conn} {sid}", None, line.t)
        return self._kalshi_apply(line, kind, change)

    def _kalshi_change(self, line: Line, kind: str, msg: dict[str, Any]) -> Any:
        """The frame read in full, before anything is changed by it."""
        if kind == "orderbook_snapshot":
            sides = (msg.get("yes_dollars_fp") or [], msg.get("no_dollars_fp") or [])
            read = [
                {self._own(line.conn, n, micros(p)): micros(s) for p, s in side}
                for n, side in enumerate(sides)
            ]
            return self._tickers.get(msg["market_ticker"]), read
        if kind == "orderbook_delta":
            token = ("yes", "no").index(msg["side"])
            px = self._own(line.conn, token, micros(msg["price_dollars"]))
            return self._tickers.get(msg["market_ticker"]), token, px, micros(msg["delta_fp"])
        if kind == "market_lifecycle_v2":
            return self._tickers.get(msg.get("market_ticker", "")), msg["event_type"]
        return (None, msg["code"]) if kind == "error" else (None,)

    def _own(self, conn: str, token: int, px: int) -> int:
        return ONE - px if token and conn in self._yes_price else px

    def _kalshi_apply(self, line: Line, kind: str, change: Any) -> list[str]:
        key = change[0]
        if kind == "error" and change[1] in (10, 25):
            self._gap(line.conn, line.conn, None, line.t)
        if key is None:
            return []
        pair = self.books[key]
        if kind == "orderbook_snapshot":
            for ladder, levels in zip(pair, change[1], strict=True):
                ladder.sides = (levels, {})
                self._seen(ladder, line)
        elif kind == "orderbook_delta":
            _, token, px, delta = change
            if not pair[token].usable(line.conn):
                return []
            bids = pair[token].sides[BID]
            bids[px] = bids.get(px, 0) + delta
            if bids[px] <= 0:
                del bids[px]
        elif kind == "market_lifecycle_v2":
            if change[1] in ("deactivated", "determined", "settled", "activated"):
                self._paused[key].turn(change[1] != "activated", line.t)
            return []
        best = [max(ladder.sides[BID], default=-ONE) for ladder in pair]
        for ladder in pair:
            ladder.crossed.turn(sum(best) >= ONE, line.t)
        return [key]

    def _polymarket(self, line: Line, frame: Any) -> list[str]:
        touched = []
        for msg in frame if isinstance(frame, list) else [frame]:
            kind = msg["event_type"]
            if kind == "book":
                touched += self._book(line, msg)
            elif kind == "price_change":
                touched += self._price_change(line, msg)
            elif kind in OTHERS and msg["asset_id"] in self._assets:
                self._hear(line)
        return touched

    def _book(self, line: Line, msg: dict[str, Any]) -> list[str]:
        key, token = self._assets[msg["asset_id"]]
        stamp, ladder = int(msg["timestamp"]), self.books[key][token]
        sides = [{micros(x["price"]): micros(x["size"]) for x in msg[s]} for s in ("bids", "asks")]
        self._hear(line)
        if stamp < ladder.stamp or not _hash_agrees(msg):
            self._gap(line.conn, key, key, line.t)
            return [key]
        ladder.stamp, ladder.sides = stamp, (sides[0], sides[1])
        self._seen(ladder, line)
        self._cross(ladder, line.t)
        return [key]

    def _price_change(self, line: Line, msg: dict[str, Any]) -> list[str]:
        stamp = int(msg["timestamp"])
        read = []
        for c in msg["price_changes"]:
            claim = [micros(c[f]) if c.get(f) else None for f in ("best_bid", "best_ask")]
            side = ("BUY", "SELL").index(c["side"])
            level = (side, micros(c["price"]), micros(c["size"]))
            read.append((self._assets[c["asset_id"]], level, claim))
        self._hear(line)
        wrong: dict[tuple[str, int], bool] = {}
        for (key, token), (side, px, size), claim in read:
            ladder = self.books[key][token]
            if stamp < ladder.stamp:
                self._gap(line.conn, key, key, line.t)
            elif ladder.usable(line.conn):
                ladder.stamp = stamp
                ladder.sides[side].pop(px, None)
                if size:
                    ladder.sides[side][px] = size
                ours = [max(ladder.sides[BID], default=0), min(ladder.sides[ASK], default=ONE)]
                wrong[key, token] = any(
                    c not in (None, o) for c, o in zip(claim, ours, strict=True)
                )
                self._cross(ladder, line.t)
        for (key, _), off in wrong.items():
            if off:
                self._gap(line.conn, key, key, line.t)
        return [place[0] for place, *_ in read]

    def _cross(self, ladder: Ladder, t: int) -> None:
        bids, asks = ladder.sides
        ladder.crossed.turn(max(bids, default=0) >= min(asks, default=ONE), t)


def _hash_agrees(msg: dict[str, Any]) -> bool:
    """Whether the book's own hash fits, or can't be checked for want of fields."""
    if any(name not in msg for name in HASHED):
        return True
    body = {name: msg[name] for name in HASHED} | {"hash": ""}
    for side in ("bids", "asks"):
        body[side] = [{"price": x["price"], "size": x["size"]} for x in msg[side]]
    digest = hashlib.sha1(msgspec.json.encode(body), usedforsecurity=False).hexdigest()
    return bool(digest == msg["hash"])
