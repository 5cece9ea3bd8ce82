"""The Polymarket checklist, line by line: stops, reads, sockets, limits, regions, ends."""

import asyncio
import json
import time

from rig import book_hash, is_type, spent_stays_spent, until
from signers import polymarket

from dutchbook.domain.units import ONE
from dutchbook.emulators.polymarket import clob


async def test_425_then_a_post_only_window_and_503_disabled_and_cancel_only(tmp_path):
    async with polymarket(tmp_path) as at:
        order = (await at.us.made(at.market, "BUY", 100_000, 20))["orderID"]
        await at.control("schedule", venue="polymarket", windows=[
            {"in_ms": 0, "for_ms": 500, "mode": "restart"},
            {"in_ms": 500, "for_ms": 60_000, "mode": "post_only"}])  # fmt: skip
        for answer in (
            await at.us.post(at.market, "BUY", 100_000, 20),
            await at.us.call("DELETE", "/order", {"orderID": order}),
        ):
            assert answer.status_code == 425 and list(answer.json()) == ["error"]
            assert answer.headers["Retry-After"] == "1"
        await asyncio.sleep(0.6)
        refused = await at.us.post(at.market, "BUY", 100_000, 20)
        body = refused.json()
        assert (refused.status_code, body["code"]) == (503, "post_only_mode")
        assert body["error"].startswith("post-only mode") and body["retry_after_seconds"] == 60
        await at.us.made(at.market, "BUY", 100_000, 20, post_only=True)
        await at.control("schedule", venue="polymarket")
        await at.control("mode", venue="polymarket", mode="cancel_only")
        refused = await at.us.post(at.market, "BUY", 100_000, 20)
        assert refused.status_code == 503 and "cancel-only" in refused.json()["error"]
        done = await at.us.call("DELETE", "/order", {"orderID": order})
        assert done.json()["canceled"] == [order]
        await at.control("mode", venue="polymarket", mode="disabled")
        refused = await at.us.call("DELETE", "/cancel-all")
        assert refused.status_code == 503 and "disabled" in refused.json()["error"]


async def test_the_implicit_reads_of_an_order_build_are_served(tmp_path):
    async with polymarket(tmp_path) as at:
        token = at.market.tokens[1]
        named = await at.public(f"/markets-by-token/{token}")
        assert named["condition_id"] == at.market.symbol
        short = await at.public(f"/clob-markets/{at.market.symbol}")
        assert [row["t"] for row in short["t"]] == list(at.market.tokens)
        assert await at.public("/tick-size", token_id=token) == {"minimum_tick_size": 0.01}
        assert await at.public("/neg-risk", token_id=token) == {"neg_risk": False}
        assert await at.public("/version") == {"version": 2}
        assert await at.public("/fee-rate", token_id=token) == {"base_fee": 0}


async def test_sockets_have_objects_and_arrays_text_pings_no_seq_and_no_replay(tmp_path):
    async with polymarket(tmp_path) as at:
        token = at.market.tokens[0]
        await at.us.made(at.market, "BUY", 100_000, 20)
        await asyncio.sleep(0.05)
        for _ in range(2):  # the second connection hears the book, not what was before
            async with at.rig.market_socket() as ws:
                await ws.send(json.dumps({"type": "market", "assets_ids": [token]}))
                first = (await until(ws, lambda f: True))[0]
                assert isinstance(first, list) and first[0]["event_type"] == "book"
                await ws.send("PING")
                assert (await until(ws, lambda f: f == "PONG"))[0] == "PONG"
                await at.us.made(at.market, "BUY", 110_000, 20)
                change = (await until(ws, is_type("price_change")))[-1]
                assert isinstance(change, dict) and "seq" not in change
                await at.us.call("DELETE", "/cancel-all")
                await asyncio.sleep(0.05)


async def test_books_have_the_best_last_a_right_hash_zero_removes_and_ticks_change(tmp_path):
    async with polymarket(tmp_path) as at, at.rig.market_socket() as ws:
        token = at.market.tokens[0]
        await ws.send(json.dumps({"type": "market", "assets_ids": [token]}))
        await until(ws, lambda f: isinstance(f, list))
        for px in (100_000, 120_000, 110_000):
            last = await at.us.made(at.market, "BUY", px, 20)
        await at.them.made(at.market, "BUY", 800_000, 20, token=1)
        await asyncio.sleep(0.05)
        book = await at.public("/book", token_id=token)
        assert [row["price"] for row in book["bids"]] == ["0.1", "0.11", "0.12"]
        assert [row["price"] for row in book["asks"]] == ["0.2"]
        assert book["hash"] == book_hash(book)
        await at.us.call("DELETE", "/order", {"orderID": last["orderID"]})

        def removed(frame):
            rows = frame.get("price_changes", []) if isinstance(frame, dict) else []
            return any(row["price"] == "0.11" and row["size"] == "0" for row in rows)

        await until(ws, removed)
        await at.control("faults", venue="polymarket", fault="tick")
        told = (await until(ws, is_type("tick_size_change")))[-1]
        assert (told["old_tick_size"], told["new_tick_size"]) == ("0.01", "0.001")
        fine = await at.us.made(at.market, "BUY", 101_000, 20)
        assert fine["status"] == "live"


async def test_ip_windows_signer_buckets_and_headers_and_a_batch_is_whole_or_not_at_all(
    tmp_path, monkeypatch
):
    spent_stays_spent(monkeypatch)
    async with polymarket(tmp_path) as at:

        async def batch():
            wishes = [at.us.order(at.market, "BUY", 100_000, 20) for _ in range(15)]
            return await at.us.call("POST", "/orders", wishes)

        answers = [await batch() for _ in range(6)]
        refused = next(a for a in answers if a.status_code == 429)
        assert answers[0].headers["Poly-RateLimit-Remaining"] == "45"
        assert answers[0].headers["Poly-RateLimit-Tier"] == "standard"
        assert int(refused.headers["Retry-After"]) >= 1
        assert int(refused.headers["Poly-RateLimit-Reset"]) >= time.time_ns() // 10**9
        made = 15 * [a.status_code for a in answers].count(200)
        assert len((await at.us.get("/data/orders"))["data"]) == min(100, made)
        # Cancels have a bucket of their own, and another signer all of both.
        assert (await at.them.post(at.market, "BUY", 100_000, 20)).status_code == 200
        done = await at.us.call("DELETE", "/cancel-all")
        assert len(done.json()["canceled"]) == made
        assert int(done.headers["Poly-RateLimit-Remaining"]) == 120 - 1 - made
        await at.control("switch", venue="polymarket", name="rate_warnings", value=1)
        warned = [await batch() for _ in range(6)][-1]
        assert warned.status_code == 200
        assert warned.headers["Poly-RateLimit-Warning"] == "true"
        await at.control("switch", venue="polymarket", name="tier", value=4)
        assert (await batch()).headers["Poly-RateLimit-Tier"] == "gold"


async def test_the_windows_of_an_address_count_besides_the_signer_s(tmp_path, monkeypatch):
    monkeypatch.setitem(clob.WINDOWS, "order", (3, 10))
    async with polymarket(tmp_path) as at:
        answers = [await at.us.post(at.market, "BUY", 100_000, 20) for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert answers[3].json() == {"error": "Too Many Requests"}
        assert (await at.them.post(at.market, "BUY", 100_000, 20)).status_code == 429
        assert (await at.us.call("DELETE", "/cancel-all")).status_code == 200


async def test_a_settlement_resolves_the_market_and_ends_what_rests(tmp_path):
    async with polymarket(tmp_path) as at, at.rig.market_socket() as ws:
        ours = at.market.tokens
        wish = {"type": "market", "assets_ids": list(ours), "custom_feature_enabled": True}
        await ws.send(json.dumps(wish))
        await at.them.made(at.market, "BUY", 400_000, 20, token=1)
        await at.us.made(at.market, "BUY", 600_000, 20)
        rest = await at.us.made(at.market, "BUY", 100_000, 20)
        before = await at.us.cash()
        await at.control("settle", market=at.market.key, yes_pays=0)
        told = (await until(ws, is_type("market_resolved")))[-1]
        assert (told["winning_asset_id"], told["winning_outcome"]) == (ours[1], "No")
        assert await at.us.status(rest["orderID"]) == "CANCELED_MARKET_RESOLVED"
        assert await at.us.cash() == before
        assert (await at.public(f"/markets/{at.market.symbol}"))["closed"] is True
        late = await at.us.post(at.market, "BUY", 100_000, 20)
        assert late.json()["error"].startswith("the market is not yet ready")


async def test_geoblock_and_closed_only_say_so_and_orders_are_refused_accordingly(tmp_path):
    async with polymarket(tmp_path) as at:
        where = at.rig.polymarket["geoblock"]
        assert (await at.client.get(where)).json()["blocked"] is False
        assert (await at.us.get("/auth/ban-status/closed-only")) == {"closed_only": False}
        at.endow(at.market, 100)
        await at.control("mode", venue="polymarket", mode="closed_only")
        assert (await at.us.get("/auth/ban-status/closed-only")) == {"closed_only": True}
        opening = await at.them.post(at.market, "BUY", 100_000, 20)
        assert (opening.status_code, opening.json()["error"]) == (
            400, "address in closed only mode",
        )  # fmt: skip
        await at.them.made(at.market, "SELL", 500_000, 20)
        await at.control("mode", venue="polymarket", mode="blocked")
        assert (await at.client.get(where)).json()["blocked"] is True
        assert (await at.them.post(at.market, "SELL", 500_000, 20)).status_code == 403
        assert (await at.them.call("DELETE", "/cancel-all")).status_code == 200


async def test_reads_are_stale_by_what_the_control_door_says(tmp_path):
    async with polymarket(tmp_path) as at:
        order = (await at.us.made(at.market, "BUY", 500_000, 20))["orderID"]
        before = await at.us.cash()
        await asyncio.sleep(0.5)
        await at.control("switch", venue="polymarket", name="stale_ms", value=500)
        await at.them.made(at.market, "BUY", 500_000, 20, token=1)
        assert await at.us.status(order) == "LIVE"
        assert (await at.us.get("/data/trades"))["data"] == []
        assert await at.us.cash() == before
        await asyncio.sleep(0.6)
        assert await at.us.status(order) == "MATCHED"
        assert before - await at.us.cash() == 10 * ONE
