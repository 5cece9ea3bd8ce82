"""The small parts: numbers as text, buckets and windows against naive twins, outbox, tape."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig import ask, is_type, running, until

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import SECOND, micros
from dutchbook.emulators import source
from dutchbook.emulators.tape import TapeFeed
from dutchbook.emulators.wire import outbox
from dutchbook.emulators.wire.limits import TokenBucket, Window
from dutchbook.emulators.wire.log import WireLog
from dutchbook.emulators.wire.outbox import Item, Outbox
from dutchbook.emulators.wire.text import dollars, fp, iso
from recorded import recorded


@given(st.integers(0, 10_000), st.integers(-(10**9), 10**9))
def test_numbers_read_back_as_they_were_written(tick, lots):
    assert micros(dollars(tick * 100)) == tick * 100
    assert micros(fp(lots * 10_000)) == lots * 10_000


def test_moments_have_microseconds_and_z():
    assert iso(1_790_000_000_123_456_789) == "2026-09-21T14:13:20.123456Z"


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 3 * SECOND)), max_size=40))
def test_bucket_agrees_with_a_count_of_everything_ever_granted(asked):
    """Naive twin in exact fractions of a token."""
    from fractions import Fraction

    bucket, level, at = TokenBucket(20, 40), Fraction(40), 0
    for cost, pause in asked:
        at += pause
        level = min(Fraction(40), level + Fraction(pause * 20, SECOND))
        granted = level >= cost
        level -= cost if granted else 0
        assert bucket.take(cost, at) == granted


@given(st.lists(st.integers(0, 4 * SECOND), max_size=60))
def test_no_span_ever_holds_more_than_the_window_allows(pauses):
    window, at, granted = Window(3, 5 * SECOND), 0, []
    for pause in pauses:
        at += pause
        expected = sum(1 for t in granted if t > at - 5 * SECOND) < 3
        assert window.take(at) == expected
        if expected:
            granted.append(at)


async def test_a_client_that_is_too_slow_is_told_and_dropped(tmp_path, monkeypatch):
    """Kalshi's last word is error 25 on the subscription; the reason stands in the log."""
    monkeypatch.setattr(outbox, "FRAMES_MAX", 40)
    async with running(tmp_path, "kalshi") as rig, rig.kalshi_socket() as ws:
        params = {"channels": ["orderbook_delta"], "market_tickers": rig.tickers()}
        await ask(ws, id=1, cmd="subscribe", params=params)
        error = (await until(ws, is_type("error")))[-1]
        assert error == {"sid": 1, "type": "error", "msg": {"code": 25, "msg": "Buffer overflow"}}
        await ws.wait_closed()
        assert (ws.close_code, ws.close_reason[:8]) == (1008, "too slow")
        assert any("too slow" in line.get("note", "") for line in rig.wire())


async def test_the_outbox_counts_and_logs_only_what_was_sent(tmp_path):
    """A held frame waits, an urgent one passes it, and the cut comes after everything."""
    now, sent, ends = [0], [], []

    async def send(data):
        sent.append(data)

    log = WireLog(tmp_path / "wire.jsonl", lambda: now[0])
    box = Outbox("v.ws#1", log, lambda: now[0], send, lambda: ends.append("cut"), ends.append)
    task = asyncio.create_task(box.run())
    box.hold_until = 5
    box.put([Item("one"), Item("two", "duplicate")])
    box.put_urgent("PONG")
    await asyncio.sleep(0.01)
    assert sent == ["PONG"]
    box.cut_when_flushed()
    now[0] = 5
    box.put_urgent("PONG")
    await asyncio.wait_for(task, 5)
    log.close()
    lines = [json.loads(line) for line in (tmp_path / "wire.jsonl").read_text().splitlines()]
    assert sent == ["PONG", "PONG", "one", "two"] and ends == ["cut"]
    assert [(x["n"], x["data"], x["fault"]) for x in lines] == [
        (1, "PONG", None),
        (2, "PONG", None),
        (3, "one", "freeze"),
        (4, "two", "duplicate"),
    ]


def kalshi_tape():
    body = json.loads(recorded("kalshi/recorded/ws_orderbook_stream.json").read_bytes())
    for row in body["frames"]:
        yield "kalshi.book", row["received_ms"] * 1_000_000, json.dumps(row["frame"]).encode()


async def test_a_recorded_tape_comes_back_over_the_socket(tmp_path):
    """The first deltas that a client gets are the recorded ones, with their own stamps."""
    frames = [json.loads(data) for _, _, data in kalshi_tape()]
    wanted = [f["msg"] for f in frames if f["type"] == "orderbook_delta"][:4]
    async with (
        running(tmp_path, "kalshi", feed=source.recorded(kalshi_tape())) as rig,
        rig.kalshi_socket() as ws,
    ):
        params = {"channels": ["orderbook_delta"], "market_tickers": rig.tickers()}
        await ask(ws, id=1, cmd="subscribe", params=params)
        got = []
        while len(got) < len(wanted):
            got += [f["msg"] for f in await until(ws, is_type("orderbook_delta"))]
            got = [body for body in got if "delta_fp" in body]
        names = ("market_ticker", "side", "price_dollars", "delta_fp", "ts_ms")
        assert [[b[n] for n in names] for b in got] == [[b[n] for n in names] for b in wanted]


def test_the_whole_tape_ends_in_the_recorded_books():
    """Folding what the feed plays gives the sums of the recorded deltas, market by market."""
    feed = TapeFeed(kalshi_tape(), 0)
    books = {
        (key, token): dict(feed.ladder(key, token, 0)) for key in feed.markets for token in (0, 1)
    }
    expected = {place: dict(levels) for place, levels in books.items()}
    for _, _, data in kalshi_tape():
        frame = json.loads(data)
        if frame["type"] == "orderbook_delta":
            body = frame["msg"]
            place = (f"kalshi:{body['market_ticker']}", ("yes", "no").index(body["side"]))
            px = micros(body["price_dollars"])
            expected[place][px] = expected[place].get(px, 0) + micros(body["delta_fp"])
    for update in feed.advance(10**18):
        for change in update.changes:
            books[update.key, change.token][change.px] = change.new
    strip = {p: {px: q for px, q in levels.items() if q} for p, levels in expected.items()}
    assert {p: {px: q for px, q in lv.items() if q} for p, lv in books.items()} == strip
    assert feed.broken == 0 and len(feed.markets) == 12


def test_a_tape_without_books_is_refused():
    with pytest.raises(RemoteProtocolError):
        TapeFeed([("kalshi.book", 1, b"{}"), ("kalshi.book", 2, b"nonsense")], 0)
