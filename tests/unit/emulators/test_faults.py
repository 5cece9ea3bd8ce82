"""Each fault as the client meets it, and as the wire log tells it."""

import asyncio
import json
from collections import Counter
from itertools import islice

import httpx2
import pytest
from rig import ask, fault, is_type, running, until
from websockets.exceptions import ConnectionClosed

from dutchbook.emulators.faults import PROFILES, schedule

SOCKETS = {
    "kalshi": ("kalshi_socket", "orderbook_delta"),
    "polymarket": ("market_socket", "price_change"),
}
BOTH = pytest.mark.parametrize("venue", list(SOCKETS))


async def watch(rig, ws, venue):
    """Subscribe to everything and wait until the books move."""
    if venue == "kalshi":
        channels = ["orderbook_delta", "ticker", "market_lifecycle_v2"]
        params = {"channels": channels, "market_tickers": rig.tickers()}
        await ask(ws, id=1, cmd="subscribe", params=params)
    else:
        await ask(ws, type="market", assets_ids=rig.assets())
    return await until(ws, is_type(SOCKETS[venue][1]))


def client(rig, venue):
    return getattr(rig, SOCKETS[venue][0])()


def logged(rig, **match):
    return [line for line in rig.wire() if match.items() <= line.items()]


async def done(rig, ws, mischief, kind):
    """Read on until the fault has happened, and what it touched, and more, has come."""
    frames = []
    while not mischief.done.get(kind):
        frames += await until(ws, lambda frame: True)
    (line,) = next(h for h in rig.exchange.hubs.values() if h.mischief is mischief).lines.values()
    enough = line.box.count + len(line.box._items) + 10
    while ws.frames_read < enough:
        frames += await until(ws, lambda frame: True)
    return frames


@BOTH
async def test_a_withheld_frame_leaves_a_hole(tmp_path, venue):
    """Kalshi's seq is consumed; what was lost stands in the log and nowhere on the wire."""
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        before = await watch(rig, ws, venue)
        mischief = rig.plan(venue, fault("withheld"))
        frames = before + await done(rig, ws, mischief, "withheld")
        (line,) = logged(rig, fault="withheld")
        lost = json.loads(line["lost"])
        assert lost not in frames
        if venue == "kalshi":
            seqs = [f["seq"] for f in frames if f.get("sid") == 1 and "seq" in f]
            whole = list(range(1, seqs[-1] + 1))
            assert seqs == [n for n in whole if n != lost["seq"]]


@BOTH
async def test_a_duplicate_comes_twice(tmp_path, venue):
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        await watch(rig, ws, venue)
        frames = await done(rig, ws, rig.plan(venue, fault("duplicate")), "duplicate")
        (line,) = logged(rig, fault="duplicate")
        assert frames.count(json.loads(line["data"])) == 2


@BOTH
async def test_two_neighbours_swap_and_keep_their_numbers(tmp_path, venue):
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        await watch(rig, ws, venue)
        frames = await done(rig, ws, rig.plan(venue, fault("reordered")), "reordered")
        late, early = (json.loads(line["data"]) for line in logged(rig, fault="reordered"))
        assert frames.index(late) + 1 == frames.index(early)
        if venue == "kalshi":
            assert late["seq"] == early["seq"] + 1
        else:
            assert int(late["timestamp"]) >= int(early["timestamp"])


@BOTH
async def test_a_freeze_holds_data_but_not_the_heartbeat(tmp_path, venue):
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        await watch(rig, ws, venue)
        mischief = rig.plan(venue, fault("freeze", span_ms=600))
        while not mischief.done:
            await asyncio.sleep(0.01)
        if venue == "polymarket":
            await ws.send("PING")
            await until(ws, lambda frame: frame == "PONG")
        else:
            await asyncio.wait_for(await ws.ping(), 5)
        assert not logged(rig, fault="freeze")
        await until(ws, lambda frame: bool(logged(rig, fault="freeze")))
        await until(ws, is_type(SOCKETS[venue][1]))
        (line,) = logged(rig, note="freeze")
        held = logged(rig, fault="freeze")
        assert all(h["t"] >= line["t"] + 550_000_000 for h in held)
        assert [h["n"] for h in held] == list(range(held[0]["n"], held[0]["n"] + len(held)))


@BOTH
async def test_a_disconnect_has_no_close_frame(tmp_path, venue):
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        await watch(rig, ws, venue)
        rig.plan(venue, fault("disconnect"))
        with pytest.raises(ConnectionClosed) as closed:
            await until(ws, lambda frame: False)
        assert closed.value.rcvd is None
        for _ in range(100):
            if any("close" in line for line in rig.wire()):
                break
            await asyncio.sleep(0.01)
        assert logged(rig, note="disconnect") and any("close" in line for line in rig.wire())


@BOTH
async def test_a_slow_link_delays_and_keeps_order(tmp_path, venue):
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        await watch(rig, ws, venue)
        rig.plan(venue, fault("slow", span_ms=400))
        await until(ws, lambda frame: len(logged(rig, fault="slow")) > 3)
        (line,) = logged(rig, note="slow")
        slow = logged(rig, fault="slow")
        assert slow[0]["t"] >= line["t"] + 200_000_000
        frames = [json.loads(s["data"]) for s in slow]
        if venue == "kalshi":
            seqs = [f["seq"] for f in frames if f["type"] == "orderbook_delta"]
            assert seqs == sorted(seqs)


@BOTH
@pytest.mark.parametrize(
    ("how", "in_place"),
    [
        ("cut", True),
        ("type", True),
        ("nan", False),
        ("unknown", True),
        ("unknown", False),
        ("binary", False),
    ],
)
async def test_a_malformed_frame(tmp_path, venue, how, in_place):
    """In the place of a real one (then that one is in the log) or beside it; never both gone."""
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        await watch(rig, ws, venue)
        mischief = rig.plan(venue, fault("malformed", how=how, in_place=in_place))
        frames = await done(rig, ws, mischief, "malformed")
        (sent,) = [line for line in logged(rig, fault="malformed") if "n" in line]
        lost = [line for line in logged(rig, fault="malformed") if "lost" in line]
        if how == "binary":
            assert bytes.fromhex(sent["hex"]) in frames and sent["data"] == ""
        elif how == "cut":
            assert sent["data"] in frames
            with pytest.raises(json.JSONDecodeError):
                json.loads(sent["data"])
        else:
            assert json.loads(sent["data"]) in frames
        assert len(lost) == int(in_place and how != "unknown")


@BOTH
async def test_rest_answers_429_for_a_while(tmp_path, venue):
    async with (
        running(tmp_path, "both") as rig,
        client(rig, venue) as ws,
        httpx2.AsyncClient() as http,
    ):
        await watch(rig, ws, venue)
        hosts = {"kalshi": rig.kalshi["rest"] + "/exchange/status"}
        hosts["polymarket"] = rig.polymarket["clob"] + "/ok"
        rig.plan(venue, fault("429", span_ms=400))
        statuses = []
        while 429 not in statuses or statuses[-1] != 200:
            statuses.append((await http.get(hosts[venue])).status_code)
            await asyncio.sleep(0.06)
        assert logged(rig, note="429")
        assert {line["status"] for line in rig.wire() if "rest" in line} == {200, 429}


@BOTH
async def test_a_tick_gets_finer_and_is_coarse_again(tmp_path, venue):
    """The finer grid holds every price of the coarse one, so that no resting level is illegal."""
    kind = {"kalshi": "market_lifecycle_v2", "polymarket": "tick_size_change"}[venue]
    async with running(tmp_path, venue) as rig, client(rig, venue) as ws:
        await watch(rig, ws, venue)
        rig.plan(venue, fault("tick"))
        first = (await until(ws, is_type(kind)))[-1]
        rig.plan(venue, fault("tick"))
        finer = first.get("new_tick_size")
        frames = await until(
            ws,
            lambda f: is_type(kind)(f) and f != first and f.get("old_tick_size") == finer,
        )
        if venue == "kalshi":
            one, two = first["msg"], frames[-1]["msg"]
            assert one["event_type"] == "price_level_structure_updated"
            assert one["price_ranges"] == [{"start": "0.0000", "end": "1.0000", "step": "0.0010"}]
            market = rig.exchange.kalshi.stock.markets[one["market_ticker"]]
            assert (two["market_ticker"], two["price_level_structure"]) == (
                one["market_ticker"],
                market.structure,
            )
        else:
            market = rig.exchange.polymarket.shelf.markets[first["market"]]
            assert rig.exchange.polymarket.shelf.tick(market) == market.tick
            assert float(first["new_tick_size"]) < float(first["old_tick_size"])


def test_a_seed_fixes_the_faults_and_rough_means_three_to_four_a_minute():
    """Counted over an hour of the plan: every fault of both venues, and never two within 1 s."""
    for venue in SOCKETS:
        plan = list(islice(schedule(5, venue, PROFILES["rough"]), 2_000))
        assert plan == list(islice(schedule(5, venue, PROFILES["rough"]), 2_000))
        assert plan != list(islice(schedule(6, venue, PROFILES["rough"]), 2_000))
        at, counts = 0, Counter()
        for one in plan:
            counts[one.kind] += 1
            at += one.span + one.rest
            assert one.span + one.rest >= 1_000_000_000
        minutes = at / 60e9
        assert len(counts) == 9
        assert all(3 <= count / minutes <= 4 for count in counts.values()), counts
        bad = [one for one in plan if one.kind == "malformed"]
        assert abs(sum(one.in_place for one in bad) * 2 - len(bad)) <= 1
    assert list(schedule(5, "kalshi", PROFILES["none"])) == []
