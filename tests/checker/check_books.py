"""Both venues' books as the wire log says that they were delivered, gaps and freshness included."""

import hashlib
import json

from check_money import ONE, whole

SILENT = 10_000_000_000
CROSSED = 500_000_000
HASHED = (
    "market",
    "asset_id",
    "timestamp",
    "hash",
    "bids",
    "asks",
    "min_order_size",
    "tick_size",
    "neg_risk",
    "last_trade_price",
)


class Book:
    """One token's own book: bids and asks, px -> size, own prices (Kalshi: bids of both legs)."""

    def __init__(self, key, token):
        self.key, self.token = key, token
        self.bids, self.asks = {}, {}
        self.conn = None
        self.whole = False
        self.stamp = -1
        self.crossed_since = None

    def crossed(self):
        return bool(self.bids and self.asks and max(self.bids) >= min(self.asks))


class Conn:
    """One socket: whether it is up, when market data last came, Kalshi's sids."""

    def __init__(self, name):
        self.name = name
        self.up = True
        self.last_data = 0
        self.frames = 0
        self.sids = {}
        self.yes_price = False
        self.wanted = {}
        self.ended = False


class Delivered:
    """Feeds on wire lines in order. `touched` are the market keys that the last line concerned."""

    def __init__(self, markets):
        self.markets = markets
        self.kalshi = {m["symbol"]: key for key, m in markets.items() if not m["tokens"]}
        self.assets = {
            asset: (key, n) for key, m in markets.items() for n, asset in enumerate(m["tokens"])
        }
        self.books = {}
        self.conns = {}
        self.paused = set()
        self.open_gaps = []
        self.counts = {"gaps_seen": 0, "gaps_recovered": 0, "malformed": 0, "duplicates": 0}
        self.touched = set()

    def feed(self, line):
        """Take one line of the wire log."""
        self.touched = set()
        name = line.get("conn")
        if name is None or not {"open", "close", "got", "data"} & set(line):
            return
        if "open" in line:
            self.conns[name] = Conn(name)
        conn = self.conns.setdefault(name, Conn(name))
        if "close" in line:
            self._closed(conn)
        elif "got" in line:
            self._got(conn, line["got"])
        elif "data" in line:
            conn.frames += 1
            self._data(conn, line["data"], line["t"])

    def book(self, key, token):
        return self.books.setdefault((key, token), Book(key, token))

    def offers(self, key, outcome):
        """What a buyer of the outcome (0 YES, 1 NO) finds: price of it -> size."""
        if self.markets[key]["tokens"]:
            return self.book(key, outcome).asks
        return {ONE - px: size for px, size in self.book(key, 1 - outcome).bids.items()}

    def fresh_until(self, key, outcome, t):
        """Until when the book of a leg stays usable if nothing more comes; 0 if it is not now.

        While a gap is open none of the books that it concerned is, seen whole since or not.
        """
        poly = bool(self.markets[key]["tokens"])
        if key in self.paused:
            return 0
        until = t + 10 * SILENT
        for token in (outcome,) if poly else (0, 1):
            book = self.book(key, token)
            conn = book.conn
            if conn is None or not conn.up or not book.whole:
                return 0
            if any((key, token) in gap["all"] for gap in self.open_gaps):
                return 0
            until = min(until, conn.last_data + SILENT)
            if book.crossed_since is not None:
                until = min(until, book.crossed_since + CROSSED)
        return until if until > t else 0

    def _closed(self, conn):
        conn.up = False
        for (key, _), book in self.books.items():
            if book.conn is conn:
                book.whole = False
                self.touched.add(key)

    def _got(self, conn, text):
        """Learn from a client's command which Kalshi books it has asked for, and how."""
        try:
            asked = json.loads(text)
            params = asked["params"]
            one = [params["market_ticker"]] if "market_ticker" in params else []
            keys = dict.fromkeys(self.kalshi[s] for s in params.get("market_tickers", one))
            sids = params.get("sids") or [params.get("sid")]
            books = any(conn.sids.get(n, {}).get("channel") == "orderbook_delta" for n in sids)
            if asked["cmd"] == "subscribe" and "orderbook_delta" in params["channels"]:
                conn.yes_price = bool(params.get("use_yes_price"))
                conn.wanted |= keys
            elif books and params["action"] == "add_markets":
                conn.wanted |= keys
            elif books and params["action"] == "delete_markets":
                conn.wanted = {key: None for key in conn.wanted if key not in keys}
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def _data(self, conn, text, t):
        if text == "PONG":
            return
        try:
            frame = json.loads(text, parse_constant=_refuse)
            steps = self._kalshi(conn, frame) if "kalshi" in conn.name else self._poly(frame)
        except (ValueError, KeyError, TypeError, AttributeError):
            self.counts["malformed"] += 1
            if "kalshi" not in conn.name:
                books = [book for book in self.books.values() if book.conn is conn]
                self._gap(books, ("polymarket", conn.name))
            return
        for step in steps:
            step(conn, t)

    # Kalshi

    def _kalshi(self, conn, frame):
        kind, msg = frame["type"], frame.get("msg")
        if kind == "subscribed":
            channel, sid = msg["channel"], msg["sid"]
            return [lambda c, t: c.sids.setdefault(sid, {"channel": channel, "last": 0})]
        sid, seq = frame.get("sid"), frame.get("seq")
        if seq is not None and (not isinstance(seq, int) or isinstance(seq, bool)):
            raise ValueError("seq")
        todo = self._kalshi_step(conn, kind, sid, msg)
        return [lambda c, t: self._in_order(c, sid, seq, kind, todo, t)]

    def _kalshi_step(self, conn, kind, sid, msg):
        """What the frame does once its number is in order. An unknown market is counted then."""
        if kind in ("orderbook_snapshot", "orderbook_delta", "ticker", "trade"):
            ticker = msg["market_ticker"]
            if not isinstance(ticker, str):
                raise ValueError("market_ticker")
            if ticker not in self.kalshi:
                return lambda c, t: self._unknown()
        if kind == "orderbook_snapshot":
            key = self.kalshi[msg["market_ticker"]]
            sides = [
                {self._own(conn, n, whole(p)): whole(s) for p, s in msg.get(name) or []}
                for n, name in enumerate(("yes_dollars_fp", "no_dollars_fp"))
            ]
            return lambda c, t: self._kalshi_whole(c, key, sides, t)
        if kind == "orderbook_delta":
            key = self.kalshi[msg["market_ticker"]]
            token = ("yes", "no").index(msg["side"])
            px, change = self._own(conn, token, whole(msg["price_dollars"])), whole(msg["delta_fp"])
            return lambda c, t: self._kalshi_delta(c, key, token, px, change, t)
        if kind == "market_lifecycle_v2":
            what, key = msg["event_type"], self.kalshi.get(msg.get("market_ticker"))
            return lambda c, t: self._status(what, key)
        if kind == "error" and msg["code"] in (10, 25):
            return lambda c, t: self._dead(c)
        return lambda c, t: None

    def _own(self, conn, token, px):
        return ONE - px if token and conn.yes_price else px

    def _in_order(self, conn, sid, seq, kind, todo, t):
        if kind in ("orderbook_snapshot", "orderbook_delta"):
            conn.last_data = t
        if seq is None:
            todo(conn, t)
            return
        state = conn.sids.setdefault(sid, {"channel": "", "last": 0})
        if seq <= state["last"]:
            self.counts["duplicates"] += 1
            return
        hole = seq != state["last"] + 1
        state["last"] = seq
        if hole:
            books = []
            if state["channel"] in ("", "orderbook_delta"):
                books = [b for b in self.books.values() if b.conn is conn]
                for key in conn.wanted:
                    books += [self.book(key, 0), self.book(key, 1)]
            self._gap(books, ("kalshi", conn.name, sid))
            if kind == "orderbook_delta":
                return
        todo(conn, t)

    def _kalshi_whole(self, conn, key, sides, t):
        for token in (0, 1):
            book = self.book(key, token)
            book.bids = dict(sides[token])
            self._seen(book, conn)
        self._crossing(key, t)

    def _kalshi_delta(self, conn, key, token, px, change, t):
        book = self.book(key, token)
        if not book.whole or book.conn is not conn:
            return
        size = book.bids.get(px, 0) + change
        if size > 0:
            book.bids[px] = size
        else:
            book.bids.pop(px, None)
        self._crossing(key, t)

    def _crossing(self, key, t):
        yes, no = self.book(key, 0), self.book(key, 1)
        crossed = yes.bids and no.bids and max(yes.bids) + max(no.bids) >= ONE
        for book in (yes, no):
            book.crossed_since = (book.crossed_since or t) if crossed else None
        self.touched.add(key)

    def _status(self, what, key):
        if key is None:
            return
        if what in ("deactivated", "determined", "settled"):
            self.paused.add(key)
        elif what == "activated":
            self.paused.discard(key)
        self.touched.add(key)

    def _unknown(self):
        self.counts["malformed"] += 1

    def _dead(self, conn):
        """The venue gave the subscriptions up (errors 10 and 25): one gap in all its books."""
        if not conn.ended:
            conn.ended = True
            self._gap([b for b in self.books.values() if b.conn is conn], ("kalshi", conn.name))

    # Polymarket

    def _poly(self, frame):
        steps = []
        for msg in frame if isinstance(frame, list) else [frame]:
            kind = msg["event_type"]
            if kind == "book":
                steps.append(self._poly_whole(msg))
            elif kind == "price_change":
                steps.append(self._poly_change(msg))
            elif kind in ("last_trade_price", "best_bid_ask", "tick_size_change"):
                known = msg["asset_id"] in self.assets
                steps.append(_heard if known else lambda conn, t: self._unknown())
        return steps

    def _poly_whole(self, msg):
        key, token = self.assets[msg["asset_id"]]
        stamp = int(msg["timestamp"])
        bids, asks = (
            {whole(x["price"]): whole(x["size"]) for x in msg[s]} for s in ("bids", "asks")
        )
        broken = all(field in msg for field in HASHED) and _hash(msg) != msg["hash"]

        def step(conn, t):
            conn.last_data = t
            book = self.book(key, token)
            if stamp < book.stamp or broken:
                self._gap([self.book(key, 0), self.book(key, 1)], ("polymarket", key))
                return
            book.stamp, book.bids, book.asks = stamp, dict(bids), dict(asks)
            self._seen(book, conn)
            self._poly_crossing(book, t)

        return step

    def _poly_change(self, msg):
        stamp = int(msg["timestamp"])
        per = {}
        for change in msg["price_changes"]:
            place = self.assets[change["asset_id"]]
            side = ("BUY", "SELL").index(change["side"])
            level = (side, whole(change["price"]), whole(change["size"]))
            claim = tuple(
                whole(change[f]) if change.get(f) else None for f in ("best_bid", "best_ask")
            )
            per.setdefault(place, []).append((level, claim))

        def step(conn, t):
            conn.last_data = t
            late = set()
            for (key, token), changes in per.items():
                book = self.book(key, token)
                if stamp < book.stamp:
                    if key not in late:
                        late.add(key)
                        self._gap([self.book(key, 0), self.book(key, 1)], ("polymarket", key))
                    continue
                if book.whole and book.conn is conn:
                    self._poly_apply(book, changes, stamp, t)

        return step

    def _poly_apply(self, book, changes, stamp, t):
        book.stamp = stamp
        for (side, px, size), _ in changes:
            levels = book.asks if side else book.bids
            if size:
                levels[px] = size
            else:
                levels.pop(px, None)
        bid, ask = changes[-1][1]
        ours = (max(book.bids, default=0), min(book.asks, default=ONE))
        self._poly_crossing(book, t)
        if (bid is not None and bid != ours[0]) or (ask is not None and ask != ours[1]):
            both = [self.book(book.key, 0), self.book(book.key, 1)]
            self._gap(both, ("polymarket", book.key))

    def _poly_crossing(self, book, t):
        book.crossed_since = (book.crossed_since or t) if book.crossed() else None
        self.touched.add(book.key)

    # gaps

    def _seen(self, book, conn):
        book.conn, book.whole = conn, True
        for gap in list(self.open_gaps):
            gap["missing"].discard((book.key, book.token))
            if not gap["missing"]:
                self.open_gaps.remove(gap)
                self.counts["gaps_recovered"] += 1

    def _gap(self, books, scope):
        """One more gap; those of the same scope wait again for every book of it."""
        self.counts["gaps_seen"] += 1
        missing = {(book.key, book.token) for book in books}
        for book in books:
            book.whole = False
            self.touched.add(book.key)
        for gap in self.open_gaps:
            if gap["scope"] == scope:
                gap["missing"] |= missing
        self.open_gaps.append({"scope": scope, "missing": missing, "all": set(missing)})
        if not missing:
            self.open_gaps.pop()
            self.counts["gaps_recovered"] += 1


def _heard(conn, t):
    conn.last_data = t


def _refuse(name):
    raise ValueError(name)


def _hash(msg):
    body = {field: msg[field] for field in HASHED}
    body["hash"] = ""
    for side in ("bids", "asks"):
        body[side] = [{"price": x["price"], "size": x["size"]} for x in body[side]]
    return hashlib.sha1(json.dumps(body, separators=(",", ":")).encode()).hexdigest()
