"""CLOB and Gamma: one market described three ways alike, pages, books, windows."""

import json
from fractions import Fraction

import httpx2
import pytest
from rig import book_hash, running

from dutchbook.emulators.polymarket import clob


async def keyset(client, url, name, limit):
    rows, cursor = [], None
    while True:
        query = {"limit": limit} | ({"after_cursor": cursor} if cursor else {})
        body = (await client.get(url, params=query)).json()
        rows += body[name]
        cursor = body.get("next_cursor")
        if not cursor:
            return rows


async def test_gamma_pages_by_cursor_and_by_offset_show_the_same_events(tmp_path):
    async with running(tmp_path, "polymarket") as rig, httpx2.AsyncClient() as client:
        rig.world.advance = lambda now: []
        gamma = rig.polymarket["gamma"]
        events = await keyset(client, f"{gamma}/events/keyset", "events", 30)
        offset, other = 0, []
        while page := (
            await client.get(f"{gamma}/events", params={"offset": offset, "limit": 50})
        ).json():
            other += page
            offset += 50
        assert events == other
        tokens = [t for e in events for m in e["markets"] for t in json.loads(m["clobTokenIds"])]
        assert sorted(tokens) == sorted(rig.assets())
        assert all(e["negRisk"] == m["negRisk"] for e in events for m in e["markets"])


async def test_one_market_is_the_same_in_gamma_clob_and_short_form(tmp_path):
    async with running(tmp_path, "polymarket") as rig, httpx2.AsyncClient() as client:
        rig.world.advance = lambda now: []
        gamma, host = rig.polymarket["gamma"], rig.polymarket["clob"]
        (market,) = (await client.get(f"{gamma}/markets?limit=1")).json()
        by_slug = (await client.get(f"{gamma}/markets/slug/{market['slug']}")).json()
        by_id = (await client.get(f"{gamma}/markets/{market['id']}")).json()
        assert market == by_slug == by_id
        tokens = json.loads(market["clobTokenIds"])
        assert json.loads(market["outcomes"]) == ["Yes", "No"]
        assert sum(Fraction(price) for price in json.loads(market["outcomePrices"])) == 1
        cid = market["conditionId"]
        long = (await client.get(f"{host}/markets/{cid}")).json()
        short = (await client.get(f"{host}/clob-markets/{cid}")).json()
        assert [row["token_id"] for row in long["tokens"]] == tokens
        assert [row["t"] for row in short["t"]] == tokens
        assert long["minimum_tick_size"] == short["mts"] == market["orderPriceMinTickSize"]
        assert short["fd"]["r"] == market["feeSchedule"]["rate"]


async def test_books_prices_and_spreads_agree(tmp_path):
    async with running(tmp_path, "polymarket") as rig, httpx2.AsyncClient() as client:
        rig.world.advance = lambda now: []
        host, tokens = rig.polymarket["clob"], rig.assets()[:2]
        many = (await client.post(f"{host}/books", json=[{"token_id": t} for t in tokens])).json()
        for token, book in zip(tokens, many, strict=True):
            one = (await client.get(f"{host}/book", params={"token_id": token})).json()
            assert one == book and book["hash"] == book_hash(book)

            async def get(path, token=token):
                url = f"{host}{path}"
                return (await client.get(url, params={"token_id": token, "side": "BUY"})).json()

            bid, ask = Fraction(book["bids"][-1]["price"]), Fraction(book["asks"][-1]["price"])
            assert Fraction((await get("/price"))["price"]) == bid
            assert Fraction((await get("/spread"))["spread"]) == ask - bid
            assert Fraction((await get("/midpoint"))["mid"]) == (bid + ask) / 2
            assert str((await get("/tick-size"))["minimum_tick_size"]) == book["tick_size"]
            assert (await get("/neg-risk"))["neg_risk"] == book["neg_risk"]


async def test_market_pages_run_from_start_to_end_cursor(tmp_path, monkeypatch):
    monkeypatch.setattr(clob, "PAGE", 100)
    async with running(tmp_path, "polymarket") as rig, httpx2.AsyncClient() as client:
        cursor, found = "MA==", []
        while cursor != "LTE=":
            url = f"{rig.polymarket['clob']}/simplified-markets"
            body = (await client.get(url, params={"next_cursor": cursor})).json()
            assert body["count"] == len(body["data"]) <= 100
            found += [row["condition_id"] for row in body["data"]]
            cursor = body["next_cursor"]
        assert found == list(rig.exchange.polymarket.shelf.markets)


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/book?token_id=123", 404, "No orderbook exists for the requested token id"),
        ("/book?token_id=abc", 400, "Invalid token id"),
        ("/book", 400, "Invalid token id"),
        ("/markets/0x0", 404, "market not found"),
        ("/markets?next_cursor=!", 400, "Invalid payload"),
    ],
)
async def test_clob_errors(tmp_path, path, status, text):
    async with running(tmp_path, "polymarket") as rig, httpx2.AsyncClient() as client:
        answer = await client.get(rig.polymarket["clob"] + path)
        assert (answer.status_code, answer.json()) == (status, {"error": text})


async def test_a_full_window_is_429_at_once_and_only_for_its_own_paths(tmp_path, monkeypatch):
    monkeypatch.setitem(clob.WINDOWS, "one", (5, 10))
    async with running(tmp_path, "polymarket") as rig, httpx2.AsyncClient() as client:
        url = f"{rig.polymarket['clob']}/book?token_id={rig.assets()[0]}"
        assert [(await client.get(url)).status_code for _ in range(7)] == [200] * 5 + [429] * 2
        assert (await client.get(f"{rig.polymarket['clob']}/ok")).text == "OK"


async def test_geoblock_says_not_blocked(tmp_path):
    async with running(tmp_path, "polymarket") as rig, httpx2.AsyncClient() as client:
        body = (await client.get(f"{rig.polymarket['gamma']}/api/geoblock")).json()
        assert body == {"blocked": False, "ip": "127.0.0.1", "country": "CH", "region": "ZH"}
