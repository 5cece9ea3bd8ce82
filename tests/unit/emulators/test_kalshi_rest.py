"""Kalshi's REST: pages, words, refusals in their four shapes, the token bucket."""

import httpx2
import pytest
from rig import ask, is_type, running, spent_stays_spent, until

from dutchbook.domain.units import ONE, micros


async def pages(client, url, name, limit, **more):
    cursor, rows = "", []
    while True:
        body = (await client.get(url, params={"limit": limit, "cursor": cursor} | more)).json()
        rows += body[name]
        cursor = body["cursor"]
        if not cursor:
            return rows


async def test_pages_show_every_market_once_and_events_nest_the_same_markets(tmp_path):
    async with running(tmp_path, "kalshi", tier="premier") as rig, httpx2.AsyncClient() as client:
        rig.world.advance = lambda now: []
        rest = rig.kalshi["rest"]
        markets = await pages(client, f"{rest}/markets", "markets", 100)
        assert [m["ticker"] for m in markets] == rig.tickers()
        events = await pages(client, f"{rest}/events", "events", 50, with_nested_markets="true")
        nested = {m["ticker"]: m for event in events for m in event["markets"]}
        assert nested == {m["ticker"]: m for m in markets}
        assert {m["status"] for m in markets} <= {"active", "inactive"}
        series = (await client.get(f"{rest}/series")).json()["series"]
        assert {e["series_ticker"] for e in events} <= {s["ticker"] for s in series}


async def test_filters_take_query_words_which_are_not_reply_words(tmp_path):
    async with running(tmp_path, "kalshi", tier="premier") as rig, httpx2.AsyncClient() as client:
        rest, ticker = rig.kalshi["rest"], rig.tickers()[0]
        one = (await client.get(f"{rest}/markets?tickers={ticker}&status=open")).json()["markets"]
        assert [m["ticker"] for m in one] == [ticker]
        event = one[0]["event_ticker"]
        same = (await client.get(f"{rest}/events/{event}")).json()
        assert ticker in [m["ticker"] for m in same["markets"]]
        assert (await client.get(f"{rest}/markets?status=settled")).json()["markets"] == []
        assert (await client.get(f"{rest}/markets?status=active")).status_code == 400


@pytest.mark.parametrize(
    ("path", "status", "shape"),
    [
        ("/markets/NOPE", 404, ["error"]),
        ("/nowhere", 404, ["error"]),
        ("/markets?limit=1001", 400, ["msg"]),
        ("/events?limit=201", 400, ["msg"]),
        ("/markets?limit=ten", 400, ["code", "message", "details"]),
        ("/markets?cursor=%25", 400, ["error"]),
    ],
)
async def test_errors_come_in_the_shapes_seen_on_the_wire(tmp_path, path, status, shape):
    async with running(tmp_path, "kalshi") as rig, httpx2.AsyncClient() as client:
        answer = await client.get(rig.kalshi["rest"] + path)
        assert (answer.status_code, list(answer.json())) == (status, shape)


async def test_a_spent_bucket_is_429_without_retry_after(tmp_path, monkeypatch):
    """Basic: 200 tokens, ten a request: of 60 at once 20 pass, and the limits say so."""
    spent_stays_spent(monkeypatch)
    async with running(tmp_path, "kalshi") as rig, httpx2.AsyncClient() as client:
        url = f"{rig.kalshi['rest']}/exchange/status"
        answers = [await client.get(url) for _ in range(60)]
        refused = [a for a in answers if a.status_code == 429]
        assert [a.status_code for a in answers] == [200] * 20 + [429] * 40
        assert refused[0].json() == {"error": "too many requests"}
        assert "retry-after" not in refused[0].headers
        headers = rig.headers("/trade-api/v2/account/limits")
        limits = (await client.get(f"{rig.kalshi['rest']}/account/limits", headers=headers)).json()
        assert limits["read"] == {"refill_rate": 200, "bucket_capacity": 200}


async def test_books_show_bids_only_best_last_and_the_market_shows_their_tops(tmp_path):
    async with running(tmp_path, "kalshi", tier="premier") as rig, httpx2.AsyncClient() as client:
        rig.world.advance = lambda now: []
        rest, ticker = rig.kalshi["rest"], rig.tickers()[0]
        path = f"/markets/{ticker}/orderbook"
        headers = rig.headers("/trade-api/v2" + path)
        book = (await client.get(rest + path, headers=headers)).json()["orderbook_fp"]
        market = (await client.get(f"{rest}/markets/{ticker}")).json()["market"]
        yes, no = book["yes_dollars"], book["no_dollars"]
        assert yes == sorted(yes) and no == sorted(no)
        assert market["yes_bid_dollars"] == yes[-1][0]
        assert micros(market["yes_ask_dollars"]) == ONE - micros(no[-1][0])
        short = await client.get(f"{rest}{path}?depth=2", headers=headers)
        assert short.json()["orderbook_fp"] == {"yes_dollars": yes[-2:], "no_dollars": no[-2:]}
        many = await client.get(
            f"{rest}/markets/orderbooks?tickers={ticker}",
            headers=rig.headers("/trade-api/v2/markets/orderbooks"),
        )
        assert many.json() == {"orderbooks": [{"ticker": ticker, "orderbook_fp": book}]}


async def test_trades_on_the_socket_are_found_by_rest(tmp_path):
    async with running(tmp_path, "kalshi") as rig, rig.kalshi_socket() as ws:
        await ask(ws, id=1, cmd="subscribe", params={"channels": ["trade"]})
        trade = (await until(ws, is_type("trade")))[-1]["msg"]
        async with httpx2.AsyncClient() as client:
            url = f"{rig.kalshi['rest']}/markets/trades?ticker={trade['market_ticker']}"
            rows = {row["trade_id"]: row for row in (await client.get(url)).json()["trades"]}
        row = rows[trade["trade_id"]]
        assert (row["count_fp"], row["yes_price_dollars"]) == (
            trade["count_fp"],
            trade["yes_price_dollars"],
        )
