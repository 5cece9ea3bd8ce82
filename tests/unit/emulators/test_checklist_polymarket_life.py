"""The Polymarket checklist, line by line: position ids, delays, trades, hearts."""

import asyncio
import json
import time

import pytest
from rig import until
from signers import polymarket

from dutchbook.domain.units import ONE
from dutchbook.emulators.polymarket.signed import is_position


async def test_position_ids_are_signed_with_version_3_for_the_third_exchange(tmp_path):
    async with polymarket(tmp_path) as at:
        markets = at.rig.exchange.polymarket.shelf.markets.values()
        market = next(m for m in markets if is_position(int(m.tokens[0])))
        gamma = await at.client.get(f"{at.rig.polymarket['gamma']}/markets/slug/{market.slug}")
        assert gamma.json()["version"] == "v2"
        assert gamma.json()["positionIds"] == json.loads(gamma.json()["clobTokenIds"])
        for kind in (0, 3):
            made = await at.us.made(market, "BUY", 300_000, 20, signature_type=kind)
            assert made["orderID"] == at.us.last
        await at.them.made(market, "BUY", 700_000, 40, token=1)
        assert await at.us.held(market.tokens[0]) == 40 * ONE
        query = {"asset_type": "CONDITIONAL-V2", "token_id": market.tokens[0]}
        assert (await at.us.get("/balance-allowance", **query))["balance"] == str(40 * ONE)


async def test_a_taker_is_delayed_and_can_t_be_canceled_meanwhile(tmp_path):
    async with polymarket(tmp_path) as at:
        await at.control("switch", venue="polymarket", name="sports_delay_ms", value=500)
        shelf = at.rig.exchange.polymarket.shelf
        market = next(m for m in shelf.markets.values() if m.category == "Sports")
        assert (await at.public(f"/clob-markets/{market.symbol}"))["itode"] is True
        await at.them.made(market, "BUY", 400_000, 20, token=1)
        async with at.us.socket() as ws:
            maker = await at.us.made(market, "BUY", 500_000, 20)
            assert maker["status"] == "live"  # it takes nothing: no delay
            taker = await at.us.made(market, "BUY", 600_000, 30)
            name = taker["orderID"]
            assert (taker["status"], taker["tradeIDs"]) == ("delayed", [])
            assert await at.us.status(name) == "DELAYED"
            answer = (await at.us.call("DELETE", "/order", {"orderID": name})).json()
            assert answer["canceled"] == [] and "delayed" in answer["not_canceled"][name]
            everything = (await at.us.call("DELETE", "/cancel-all")).json()
            assert everything["canceled"] == [maker["orderID"]]
            seen = await until(ws, lambda f: f["event_type"] == "trade")
            kinds = [(f["type"], f["status"]) for f in seen if f.get("id") == name]
            assert kinds == [("PLACEMENT", "DELAYED"), ("UPDATE", "LIVE")]
        order = await at.us.get(f"/data/order/{name}")
        assert (order["status"], order["size_matched"]) == ("LIVE", "20")


async def test_a_delayed_order_whose_counterpart_left_is_unmatched_or_rests(tmp_path):
    async with polymarket(tmp_path) as at:
        await at.control("switch", venue="polymarket", name="sports_delay_ms", value=300)
        shelf = at.rig.exchange.polymarket.shelf
        market = next(m for m in shelf.markets.values() if m.category == "Sports")
        there = await at.them.made(market, "BUY", 400_000, 20, token=1)
        kill = await at.us.made(market, "BUY", 600_000, 20, kind="FOK")
        rest = await at.us.made(market, "BUY", 600_000, 20)
        assert kill["status"] == rest["status"] == "delayed"
        await at.them.call("DELETE", "/order", {"orderID": there["orderID"]})
        await asyncio.sleep(0.4)
        assert await at.us.status(kill["orderID"]) == "UNMATCHED"
        assert await at.us.status(rest["orderID"]) == "LIVE"
        assert await at.us.held(market.tokens[0]) == 0


@pytest.mark.parametrize(
    ("how", "path"),
    [
        ({}, ["MATCHED", "MINED", "CONFIRMED"]),
        ({"retry": True}, ["MATCHED", "RETRYING", "MINED", "CONFIRMED"]),
        ({"retry": False}, ["MATCHED", "RETRYING", "FAILED"]),
    ],
)
async def test_trades_end_confirmed_or_failed_and_hashes_come_by_polling(tmp_path, how, path):
    """One event for each status, all with the same id; a trade that failed never was."""
    async with polymarket(tmp_path) as at, at.us.socket() as ws:
        before = await at.us.cash()
        await at.them.made(at.market, "BUY", 400_000, 20, token=1)
        made = await at.us.made(at.market, "BUY", 600_000, 20)
        (trade,) = made["tradeIDs"]
        assert made["transactionsHashes"] == []
        (row,) = (await at.us.get("/data/trades", id=trade))["data"]
        assert (row["status"], row["transaction_hash"]) == ("MATCHED", "")
        if how:
            await at.control("fail", trade=trade, **how)
        seen = await until(ws, lambda f: f.get("status") in ("CONFIRMED", "FAILED"))
        events = [f for f in seen if f["event_type"] == "trade"]
        assert [f["status"] for f in events] == path
        assert {f["id"] for f in events} == {trade} and {f["type"] for f in events} == {"TRADE"}
        (row,) = (await at.us.get("/data/trades", id=trade))["data"]
        assert row["status"] == path[-1] and row["transaction_hash"].startswith("0x")
        held = await at.us.held(at.market.tokens[0])
        failed = path[-1] == "FAILED"
        assert held == (0 if failed else 20 * ONE)
        assert (await at.us.cash() == before) is failed


async def test_a_gap_of_ten_seconds_between_heartbeats_cancels_and_a_wrong_id_names_the_right_one(
    tmp_path,
):
    async with polymarket(tmp_path) as at:
        order = (await at.us.made(at.market, "BUY", 100_000, 20))["orderID"]
        first = await at.us.call("POST", "/v1/heartbeats", {"heartbeat_id": ""})
        name = first.json()["heartbeat_id"]
        wrong = await at.us.call("POST", "/v1/heartbeats", {"heartbeat_id": "other"})
        assert (wrong.status_code, wrong.json()) == (
            400, {"error_msg": "Invalid Heartbeat ID", "heartbeat_id": name},
        )  # fmt: skip
        following = await at.us.call("POST", "/v1/heartbeats", {"heartbeat_id": name})
        assert following.status_code == 200
        trading = at.rig.exchange.polymarket.trading
        trading.poll(time.time_ns() + 9 * 10**9)
        assert await at.us.status(order) == "LIVE"
        trading.poll(time.time_ns() + 11 * 10**9)
        assert await at.us.status(order) == "CANCELED"
