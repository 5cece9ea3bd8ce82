"""World and checker together: what a flawless client would report is judged as flawless."""

import json
import sys
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "checker"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from check import judge
from test_checker import own_score

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.units import plain
from dutchbook.emulators.market import World

SECOND = 1_000_000_000
START = 1_795_000_000 * SECOND
CONNS = ("kalshi.ws#1", "polymarket.ws#1")


class Server:
    """Turns a world into wire lines as simple servers would, with a hole in them on demand."""

    def __init__(self, seed):
        self.world = World(seed, START)
        self.rng = Random(seed)
        self.wire = []
        self.truth = self.world.drain_truth()
        self.seq = {1: 0, 2: 0}
        self.mute = set()

    def send(self, t, conn, frame, lost=False):
        text = json.dumps(frame)
        if conn not in self.mute:
            self.wire.append({"t": t, "conn": conn, "lost" if lost else "data": text})

    def kalshi(self, t, sid, kind, msg, lost=False):
        self.seq[sid] += 1
        self.send(t, CONNS[0], {"type": kind, "sid": sid, "seq": self.seq[sid], "msg": msg}, lost)

    def whole(self, t):
        """Every book of both venues."""
        for market in self.world.markets.values():
            sides = [
                [
                    [plain(px), plain(size)]
                    for px, size in self.world.ladder(market.key, n, s).items()
                ]
                for n in (0, 1)
                for s in (BID, ASK)
            ]
            if market.venue == "kalshi":
                msg = {"market_ticker": market.symbol}
                msg |= {"yes_dollars_fp": sides[0], "no_dollars_fp": sides[2]}
                self.kalshi(t, 1, "orderbook_snapshot", msg)
                continue
            for n, token in enumerate(market.tokens):
                names = ("bids", "asks")
                book = {
                    name: [{"price": px, "size": size} for px, size in sides[n * 2 + s]]
                    for s, name in enumerate(names)
                }
                head = {"event_type": "book", "asset_id": token, "timestamp": str(t // 1_000_000)}
                self.send(t, CONNS[1], head | book)

    def open(self, t):
        for conn in CONNS:
            self.wire.append({"t": t, "conn": conn, "open": {}})
        for sid, channel in ((1, "orderbook_delta"), (2, "market_lifecycle_v2")):
            told = {"type": "subscribed", "msg": {"channel": channel, "sid": sid}}
            self.send(t, CONNS[0], told)
        self.whole(t)

    def run(self, seconds, gaps=0.0):
        """Advance in steps of 20 ms; each Kalshi delta is lost with that chance, then healed."""
        self.open(START)
        self.world.begin(START)
        for step in range(1, seconds * 50):
            t = START + step * SECOND // 50
            lost = False
            for update in self.world.each(t):
                lost |= self.update(t, update, gaps)
            self.truth += self.world.drain_truth()
            if lost:
                self.kalshi(t, 1, "ok", {})
                self.whole(t)

    def update(self, t, update, gaps):
        market = self.world.markets[update.key]
        if update.status:
            kind = {"open": "activated", "paused": "deactivated"}[update.status]
            msg = {"event_type": kind, "market_ticker": market.symbol}
            self.kalshi(t, 2, "market_lifecycle_v2", msg)
        lost = False
        if market.venue == "kalshi":
            for c in update.changes:
                msg = {"market_ticker": market.symbol, "price_dollars": plain(c.px)}
                msg |= {"delta_fp": plain(c.new - c.old), "side": ("yes", "no")[c.token]}
                hole = self.rng.random() < gaps
                self.kalshi(t, 1, "orderbook_delta", msg, lost=hole)
                lost |= hole
        elif update.changes:
            changes = [self.change(market, c) for c in update.changes]
            head = {"event_type": "price_change", "timestamp": str(t // 1_000_000)}
            self.send(t, CONNS[1], head | {"market": market.symbol, "price_changes": changes})
        return lost

    def change(self, market, c):
        bids = self.world.ladder(c.key, c.token, BID)
        asks = self.world.ladder(c.key, c.token, ASK)
        return {
            "asset_id": market.tokens[c.token],
            "price": plain(c.px),
            "size": plain(c.new),
            "side": ("BUY", "SELL")[c.side],
            "best_bid": plain(max(bids, default=0)),
            "best_ask": plain(min(asks, default=1_000_000)),
        }

    def flawless(self):
        """What a client would report that sees and understands everything at once."""
        ends = {row["id"]: row["at"] for row in self.truth if row["what"] == "end"}
        return [
            {
                "id": row["id"],
                "kind": row["kind"],
                "legs": row["legs"],
                "opened_at": row["start"] + 30_000_000,
                "closed_at": ends.get(row["id"]),
            }
            for row in self.truth
            if row["what"] == "plant" and row["near_miss"] is None
        ]


def judged(server, opps):
    """The checker's verdict; the run's own score, another implementation, must agree."""
    found = judge(server.wire, server.truth, opps)
    own = own_score(server.wire, server.truth, opps)
    for name in ("planted_visible", "planted_found", "planted_obscured", "false_opportunities"):
        assert getattr(own, name) == found[name], name
    return found


def test_a_flawless_client_on_flawless_feeds():
    """Everything planted is visible and found, nothing obscured, nothing false."""
    server = Server(21)
    server.run(40)
    found = judged(server, server.flawless())
    assert found["problems"] == []
    assert found["planted_visible"] == found["planted_found"] >= 12
    assert found["planted_obscured"] == found["false_opportunities"] == 0
    assert found["gaps_seen"] == found["malformed"] == found["duplicates"] == 0


def test_holes_are_counted_and_heal():
    """Lost deltas: as many gaps as holes that later frames showed, all of them recovered."""
    server = Server(22)
    server.run(30, gaps=0.001)
    found = judged(server, server.flawless())
    holes = sum("lost" in line for line in server.wire)
    assert 0 < found["gaps_seen"] == found["gaps_recovered"] <= holes
    assert found["problems"] == []


def test_a_blind_client_misses_all_and_a_greedy_one_is_caught():
    """No reports: every visible plant is missed. Near misses reported: each one is false."""
    server = Server(23)
    server.run(25)
    blind = judged(server, [])
    assert blind["planted_found"] == 0 and len(blind["problems"]) == blind["planted_visible"] > 5
    misses = [row for row in server.truth if row["what"] == "plant" and row["near_miss"]]
    greedy = [
        {"id": r["id"], "legs": r["legs"], "opened_at": r["start"] + 1, "closed_at": None}
        for r in misses
    ]
    found = judged(server, server.flawless() + greedy)
    assert found["false_opportunities"] == len(greedy) > 5


def test_a_mute_venue_obscures():
    """A socket without a word for the whole run: nothing with a leg there is visible."""
    server = Server(24)
    server.mute.add(CONNS[1])
    server.run(25)
    found = judged(server, [])
    whole = [r for r in server.truth if r["what"] == "plant" and r["near_miss"] is None]
    poly = [r for r in whole if any(x["market"].startswith("poly") for x in r["legs"])]
    assert found["planted_obscured"] >= len(poly) - 2 > 0
    assert found["planted_visible"] <= len(whole) - len(poly)
