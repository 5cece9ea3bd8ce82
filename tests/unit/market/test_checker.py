"""The checker is sharp: small hand-made runs in which something is wrong, and it says what."""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "checker"))

from check import judge

from dutchbook.emulators.score import Find, score

CHECKER = Path(__file__).resolve().parents[2] / "checker"
SECOND = 1_000_000_000
ONE = 1_000_000
K, P = "kalshi:KXA-1", "polymarket:0xaa"


def at(seconds):
    return int(seconds * SECOND)


class Story:
    """Writes a wire log line by line: one Kalshi and one Polymarket socket, one market each."""

    def __init__(self):
        self.wire = []
        self.seq = 0
        self.n = 0

    def line(self, t, conn, **what):
        self.wire.append({"t": at(t), "conn": conn, **what})

    def data(self, t, conn, frame, fault=None):
        self.n += 1
        text = frame if isinstance(frame, str) else json.dumps(frame)
        self.line(t, conn, n=self.n, data=text, fault=fault)

    def kalshi(self, t, kind, msg, *, skip=0, seq=None):
        self.seq += 1 + skip
        frame = {"type": kind, "sid": 1, "seq": seq or self.seq, "msg": msg}
        self.data(t, "kalshi.ws#1", frame)

    def snapshot(self, t, no="0.5500", **how):
        book = {"yes_dollars_fp": [["0.3800", "50.00"]], "no_dollars_fp": [[no, "500.00"]]}
        self.kalshi(t, "orderbook_snapshot", {"market_ticker": "KXA-1", **book}, **how)

    def delta(self, t, px, change, side="no", **how):
        msg = {"market_ticker": "KXA-1", "price_dollars": px, "delta_fp": change, "side": side}
        self.kalshi(t, "orderbook_delta", msg, **how)

    def lifecycle(self, t, what):
        msg = {"event_type": what, "market_ticker": "KXA-1"}
        frame = {"type": "market_lifecycle_v2", "sid": 2, "seq": 1, "msg": msg}
        self.data(t, "kalshi.ws#1", frame)

    def book(self, t, asset, bid, ask, **more):
        msg = {
            "event_type": "book",
            "market": "0xaa",
            "asset_id": asset,
            "timestamp": str(int(t * 1000)),
            "bids": [{"price": bid, "size": "500"}],
            "asks": [{"price": ask, "size": "500"}],
            **more,
        }
        self.data(t, "polymarket.ws#1", [msg])

    def change(self, t, asset, side, px, size, bid, ask):
        change = {"asset_id": asset, "side": side, "price": px, "size": size}
        change |= {"best_bid": bid, "best_ask": ask, "hash": ""}
        msg = {"event_type": "price_change", "market": "0xaa", "timestamp": str(int(t * 1000))}
        self.data(t, "polymarket.ws#1", {**msg, "price_changes": [change]})

    def begin(self):
        """Both sockets up and both books whole by 0.5 s; nothing pays."""
        self.line(0, "kalshi.ws#1", open={"path": "/trade-api/ws/v2"})
        self.line(0, "polymarket.ws#1", open={"path": "/ws/market"})
        params = {"channels": ["orderbook_delta"], "market_tickers": ["KXA-1"]}
        asked = {"id": 1, "cmd": "subscribe", "params": params}
        self.line(0.1, "kalshi.ws#1", got=json.dumps(asked))
        told = {"type": "subscribed", "id": 1, "msg": {"channel": "orderbook_delta", "sid": 1}}
        self.data(0.2, "kalshi.ws#1", told)
        self.snapshot(0.3)
        self.book(0.4, "11", "0.42", "0.44")
        self.book(0.5, "22", "0.56", "0.58")
        return self

    def plant(self, start=2, end=6):
        """YES on Kalshi at 0.40 and NO on Polymarket at 0.50: cheap from `start` to `end`."""
        self.delta(start, "0.6000", "100.00")
        self.change(start, "22", "SELL", "0.50", "100", "0.48", "0.50")
        if end:
            self.beat(start, end)
            self.delta(end, "0.6000", "-100.00")

    def beat(self, start, end):
        """Harmless updates on both sockets, two a second."""
        t = start + 0.5
        while t < end:
            self.delta(t, "0.3000", "1.00", side="yes")
            self.change(t, "11", "BUY", "0.30", str(int(t * 10)), "0.42", "0.44")
            t += 0.5


def run(plant=True, end=6.0):
    """A whole story of 9 s with one plant, and the truth that goes with it."""
    story = Story().begin()
    story.book(1.0, "22", "0.48", "0.58")
    if plant:
        story.plant(2, end)
    story.beat(end, 9)
    return story


def leg(market, outcome):
    return {"market": market, "outcome": outcome, "px": 400_000, "qty": 20 * ONE}


LEGS = [leg(K, "yes"), leg(P, "no")]


def truth(start=2.0, end=6.0, **other):
    market = {"what": "market", "fee_rate": 70_000}
    row = {"what": "plant", "id": "p1", "kind": "cross_venue", "legs": LEGS, "payout": ONE}
    row |= {"links": [], "start": at(start), "until": at(end), "edge": 70_000, "size": 20 * ONE}
    row |= {"near_miss": None, "collateral": [], **other}
    return [
        {"what": "header", "seed": 1, "started": 0, "threshold": 20_000, "markets": 2},
        {**market, "market": K, "symbol": "KXA-1", "tokens": [], "rounds_to": 10_000},
        {**market, "market": P, "symbol": "0xaa", "tokens": ["11", "22"], "rounds_to": 0},
        row,
        {"what": "end", "id": "p1", "at": at(end)},
    ]


def opp(opened, legs=LEGS, closed=None):
    row = {"id": "o1-1", "kind": "cross_venue", "legs": legs, "opened_at": at(opened)}
    return {**row, "closed_at": closed and at(closed), "edge": 70_000, "links": []}


def verdict(story, rows, opps):
    """(visible, found, obscured, false) by the checker, and the same by the run's own score."""
    found = judge(story.wire, rows, opps)
    names = ("planted_visible", "planted_found", "planted_obscured", "false_opportunities")
    answer = tuple(found[name] for name in names)
    own = own_score(story.wire, rows, opps)
    assert tuple(getattr(own, name) for name in names) == answer
    return answer


def own_score(wire, rows, opps):
    said = ("yes", "no")
    finds = [
        Find(
            id=opp["id"],
            legs=frozenset((x["market"], said.index(x["outcome"])) for x in opp["legs"]),
            opened_at=opp["opened_at"],
            closed_at=opp["closed_at"],
        )
        for opp in opps
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in (("wire", wire), ("truth", rows)):
            text = "".join(json.dumps(line) + "\n" for line in lines)
            Path(folder, name).write_text(text)
        return score(Path(folder, "wire"), Path(folder, "truth"), finds)


def test_a_plant_that_was_found():
    """Delivered on fresh books for four seconds and reported: all is well."""
    found = judge(run().wire, truth(), [opp(2.1, closed=6.1)])
    assert found["problems"] == []
    counts = ("planted_visible", "planted_found", "planted_obscured", "false_opportunities")
    assert [found[name] for name in counts] == [1, 1, 0, 0]
    assert found["gaps_seen"] == found["malformed"] == found["duplicates"] == 0
    assert set(found["frames"]) == {"kalshi.ws#1", "polymarket.ws#1"}


def test_a_plant_that_was_missed():
    found = judge(run().wire, truth(), [])
    assert (found["planted_visible"], found["planted_found"]) == (1, 0)
    assert found["problems"] == [f"missed p1: YES {K} + NO {P}"]


def test_a_find_with_other_legs_is_false_and_the_plant_still_missed():
    other = [leg(K, "no"), leg(P, "yes")]
    assert verdict(run(), truth(), [opp(2.1, other)]) == (1, 0, 0, 1)


def test_the_right_legs_at_the_wrong_time_are_false():
    """Before the plant, and more than a second after it; within the second is forgiven."""
    assert verdict(run(), truth(), [opp(1.5), opp(2.1)]) == (1, 1, 0, 1)
    assert verdict(run(), truth(), [opp(2.1), opp(7.5)]) == (1, 1, 0, 1)
    assert verdict(run(), truth(), [opp(2.1), opp(6.9)]) == (1, 1, 0, 0)


def test_a_decoy_that_was_taken_is_false():
    """A near miss is no plant, even if its books look like one."""
    for reason in ("thin", "fees", "other", "unapproved"):
        found = judge(run().wire, truth(near_miss=reason), [opp(2.1)])
        assert verdict(run(), truth(near_miss=reason), [opp(2.1)]) == (0, 0, 0, 1)
        assert f"decoy p1 ({reason})" in found["problems"][0]


def test_what_a_plant_brought_about_is_not_false():
    other = [leg(K, "no"), leg(P, "yes")]
    told = [[[K, "no"], [P, "yes"]]]
    assert verdict(run(), truth(collateral=told), [opp(2.1), opp(2.2, other)]) == (1, 1, 0, 0)


def test_a_plant_that_the_wire_never_showed_is_obscured():
    assert verdict(run(plant=False), truth(), []) == (0, 0, 1, 0)


def test_a_plant_of_less_than_a_second_counts_nowhere():
    story = run(end=2.8)
    assert verdict(story, truth(end=2.8), []) == (0, 0, 0, 0)


def test_what_stood_before_the_first_connection_counts_nowhere():
    """REST answers come first; a plant that ended meanwhile was nobody's to see."""
    story = Story()
    story.wire.append({"t": at(0), "rest": "GET /events", "host": "kalshi", "status": 200})
    story.line(7, "kalshi.ws#1", open={})
    story.line(9, "kalshi.ws#1", close="1000")
    assert verdict(story, truth(), []) == (0, 0, 0, 0)


def test_a_plant_that_edges_below_the_threshold_is_not_visible():
    """The wire has it dearer than the truth says: the checker believes the wire."""
    story = Story().begin()
    story.book(1.0, "22", "0.48", "0.58")
    story.delta(2, "0.6000", "100.00")
    story.beat(2, 9)
    assert verdict(story, truth(), []) == (0, 0, 1, 0)


def test_less_than_five_contracts_are_not_visible():
    """The same prices for one contract and for a hundred; the next level loses money."""
    for size, answer in (("1.00", (0, 0, 1, 0)), ("100.00", (1, 0, 0, 0))):
        story = Story().begin()
        story.book(1.0, "22", "0.48", "0.58")
        story.delta(2, "0.6000", size)
        story.change(2, "22", "SELL", "0.54", "100", "0.48", "0.54")
        story.beat(2, 9)
        assert verdict(story, truth(), []) == answer


def gapped(healed):
    """A hole in the sequence right after the plant came; a snapshot after it if healed."""
    story = Story().begin()
    story.book(1.0, "22", "0.48", "0.58")
    story.plant(2, None)
    story.delta(2.3, "0.3000", "1.00", side="yes", skip=2)
    if healed:
        story.snapshot(healed, no="0.6000")
    story.beat(healed or 2.3, 9)
    return story


def test_a_gap_hides_the_plant_until_the_book_was_seen_whole():
    """Healed late, less than a second is left; healed early, the plant must be found."""
    assert verdict(gapped(4.5), truth(), []) == (1, 0, 0, 0)
    assert verdict(gapped(None), truth(), []) == (0, 0, 1, 0)
    late = judge(gapped(5.5).wire, truth(), [])
    assert (late["gaps_seen"], late["gaps_recovered"]) == (1, 1)
    assert (late["planted_visible"], late["planted_obscured"]) == (1, 0)
    never = judge(gapped(None).wire, truth(), [])
    assert (never["gaps_seen"], never["gaps_recovered"]) == (1, 0)
    assert (never["planted_visible"], never["planted_obscured"]) == (0, 1)


def test_a_frozen_stream_hides_the_plant():
    """Kalshi says nothing for more than ten seconds while the price that it showed stands."""
    story = Story().begin()
    story.book(1.0, "22", "0.48", "0.58")
    story.delta(2, "0.6000", "100.00")
    for t in range(3, 20):
        story.change(t, "11", "BUY", "0.30", str(t), "0.42", "0.44")
    story.change(20, "22", "SELL", "0.50", "100", "0.48", "0.50")
    for t in range(21, 26):
        story.change(t, "11", "BUY", "0.30", str(t), "0.42", "0.44")
    assert verdict(story, truth(19.5, 25), []) == (0, 0, 1, 0)
    story.beat(26, 30)
    assert verdict(story, truth(19.5, 29), []) == (1, 0, 0, 0)


def test_silence_ends_a_stretch_that_had_begun():
    """Ten seconds after the last word the book is no longer fresh, found or not."""
    story = Story().begin()
    story.book(1.0, "22", "0.48", "0.58")
    story.delta(2, "0.6000", "100.00")
    for t in range(3, 12):
        story.change(t, "11", "BUY", "0.30", str(t), "0.42", "0.44")
    story.change(11.5, "22", "SELL", "0.50", "100", "0.48", "0.50")
    for t in range(12, 26):
        story.change(t, "11", "BUY", "0.30", str(t), "0.42", "0.44")
    assert verdict(story, truth(11, 25), []) == (0, 0, 1, 0)


def test_a_lost_connection_hides_the_plant():
    story = run()
    story.line(2.5, "kalshi.ws#1", close="gone")
    story.wire.sort(key=lambda line: line["t"])
    assert verdict(story, truth(), []) == (0, 0, 1, 0)


def test_a_paused_market_shows_no_plant_and_its_decoy_is_false():
    """The pause was delivered: to take the price is false. Had it been lost, nobody could know."""
    story = run()
    story.lifecycle(1.9, "deactivated")
    story.wire.sort(key=lambda line: line["t"])
    assert verdict(story, truth(), []) == (0, 0, 1, 0)
    assert verdict(story, truth(near_miss="stale"), [opp(3)]) == (0, 0, 0, 1)
    assert verdict(run(), truth(near_miss="stale"), [opp(3)]) == (0, 0, 0, 0)


def test_duplicates_and_malformed_frames_are_counted_and_change_nothing():
    story = run()
    story.delta(3.2, "0.6000", "-100.00", seq=3)
    story.data(3.3, "kalshi.ws#1", '{"type":"orderbook_de', "malformed")
    story.data(3.4, "kalshi.ws#1", '{"type":"orderbook_delta","sid":1,"seq":NaN}', "malformed")
    story.wire.sort(key=lambda line: line["t"])
    found = judge(story.wire, truth(), [opp(2.1)])
    assert (found["duplicates"], found["malformed"], found["gaps_seen"]) == (1, 2, 0)
    assert (found["planted_visible"], found["problems"]) == (1, [])


def test_an_unknown_market_is_counted_and_its_number_is_used_up():
    """Kalshi: one malformed, no gap; the frame after it follows on."""
    story = Story().begin()
    msg = {"market_ticker": "KXNONE", "price_dollars": "0.5000", "delta_fp": "1.00", "side": "no"}
    story.kalshi(1, "orderbook_delta", msg)
    story.delta(1.1, "0.3000", "1.00", side="yes")
    story.data(1.2, "kalshi.ws#1", {"type": "ticker", "sid": 3, "msg": {"market_ticker": "KXN"}})
    found = judge(story.wire, truth(), [])
    assert (found["malformed"], found["gaps_seen"]) == (2, 0)


def test_a_subscription_that_the_venue_gave_up_is_one_gap():
    """Error 25: everything of the connection is stale until it is seen whole on another."""
    story = run()
    error = {"type": "error", "sid": 1, "msg": {"code": 25, "msg": "buffer overflow"}}
    story.data(2.2, "kalshi.ws#1", error)
    story.data(2.2, "kalshi.ws#1", {**error, "sid": 2})
    story.wire.sort(key=lambda line: line["t"])
    found = judge(story.wire, truth(), [])
    assert (found["gaps_seen"], found["gaps_recovered"]) == (1, 0)
    assert (found["planted_visible"], found["planted_obscured"]) == (0, 1)


def test_notes_of_the_servers_are_no_connections():
    story = run()
    story.line(3, "kalshi", note="tick", market="KXA-1")
    assert set(judge(story.wire, truth(), [])["frames"]) == {"kalshi.ws#1", "polymarket.ws#1"}


def test_polymarket_gaps_are_counted_as_the_brief_counts_them():
    """A wrong best price, a step back in time, a malformed frame, a wrong hash: one gap each."""
    story = Story().begin()
    story.change(1, "11", "BUY", "0.30", "5", "0.41", "0.44")
    story.change(1.1, "11", "BUY", "0.30", "6", "0.40", "0.44")  # stale now: not checked again
    story.book(1.2, "11", "0.42", "0.44")
    story.book(1.3, "22", "0.56", "0.58")
    story.change(0.2, "11", "BUY", "0.30", "5", "0.42", "0.44")
    story.wire[-1]["t"] = at(1.4)
    story.book(1.5, "11", "0.42", "0.44")
    story.book(1.6, "22", "0.56", "0.58")
    story.data(1.7, "polymarket.ws#1", '[{"event_type":"book"', "malformed")
    story.book(1.8, "11", "0.42", "0.44")
    story.book(1.9, "22", "0.56", "0.58")
    extra = {"min_order_size": "5", "tick_size": "0.01", "neg_risk": False}
    extra |= {"last_trade_price": "0.43"}
    story.book(2.0, "11", "0.42", "0.44", hash="00", **extra)
    found = judge(story.wire, truth(), [])
    assert (found["gaps_seen"], found["gaps_recovered"], found["malformed"]) == (4, 3, 1)


def test_a_right_hash_is_accepted():
    story = Story().begin()
    body = {"market": "0xaa", "asset_id": "11", "timestamp": "1000", "hash": ""}
    body |= {"bids": [{"price": "0.42", "size": "500"}], "asks": [{"price": "0.44", "size": "500"}]}
    body |= {"min_order_size": "5", "tick_size": "0.01", "neg_risk": False}
    body |= {"last_trade_price": "0.43"}
    sha = hashlib.sha1(json.dumps(body, separators=(",", ":")).encode()).hexdigest()
    story.data(1, "polymarket.ws#1", {"event_type": "book", **body, "hash": sha})
    assert judge(story.wire, truth(), [])["gaps_seen"] == 0


def test_the_command_line(tmp_path):
    """One JSON object, exit 1 on a problem; a torn last line of the wire log is left out."""
    files = {"wire": run().wire, "truth": truth(), "opps": []}
    args = [sys.executable, str(CHECKER / "check.py"), "--json"]
    for name, rows in files.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / name).write_text(text + ('{"t": 1' if name == "wire" else ""))
        args += [f"--{name}", str(tmp_path / name)]
    done = subprocess.run(args, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert json.loads(done.stdout)["planted_visible"] == 1
    done = subprocess.run([*args, "--until", str(at(2.5))], capture_output=True, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["planted_visible"] == 0
