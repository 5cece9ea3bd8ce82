"""The Kalshi checklist, line by line: what the sockets tell, and when reads and trading stop."""

import asyncio
from datetime import UTC, datetime

import pytest
from rig import ask, is_type, until
from traders import ORDERS, code, kalshi
from websockets.exceptions import ConnectionClosed

from dutchbook.domain.units import SECOND
from dutchbook.emulators import source
from dutchbook.emulators.halts import weekly
from dutchbook.emulators.wire.text import iso


async def test_a_get_after_a_cancel_ack_is_stale(tmp_path):
    """Reads lag by what the control door says; the acknowledgment itself never does."""
    async with kalshi(tmp_path) as at:
        order = (await at.us.made(at.ticker, "bid", "0.40", "5"))["order_id"]
        await asyncio.sleep(0.02)
        await at.control("switch", venue="kalshi", name="stale_ms", value=1_000)
        await asyncio.sleep(1.0)
        answer = await at.us.call("DELETE", f"{ORDERS}/{order}")
        assert answer.json()["reduced_by"] == "5.00"
        assert (await at.us.fate(order))["status"] == "resting"
        resting = await at.us.get("/portfolio/orders", status="resting")
        assert [row["order_id"] for row in resting["orders"]] == [order]
        assert code(await at.us.call("DELETE", f"{ORDERS}/{order}")) == (404, "not_found")
        late = await at.us.made(at.ticker, "bid", "0.40", "5")
        path = f"/portfolio/orders/{late['order_id']}"
        assert (await at.us.call("GET", path)).status_code == 404
        await asyncio.sleep(1.1)
        assert (await at.us.fate(order))["status"] == "canceled"
        assert (await at.us.fate(late["order_id"]))["status"] == "resting"


async def test_positions_are_a_second_behind_the_fills(tmp_path):
    async with kalshi(tmp_path) as at:
        await at.control("switch", venue="kalshi", name="positions_ms", value=600)
        await asyncio.sleep(0.65)
        await at.them.made(at.ticker, "ask", "0.40", "5")
        await at.us.made(at.ticker, "bid", "0.40", "5")
        (fill,) = (await at.us.get("/portfolio/fills"))["fills"]
        assert fill["count_fp"] == "5.00"
        assert (await at.us.get("/portfolio/positions"))["market_positions"] == []
        await asyncio.sleep(0.7)
        (row,) = (await at.us.get("/portfolio/positions"))["market_positions"]
        assert row["position_fp"] == "5.00"


async def test_a_pause_takes_cancels_only_cancels_on_pause_and_drops_sockets(tmp_path):
    """As planned at the control door: what `/exchange/schedule` and `/exchange/status` say."""
    async with kalshi(tmp_path) as at, at.rig.kalshi_socket() as ws:
        stays = (await at.us.made(at.ticker, "bid", "0.40", "5"))["order_id"]
        goes = await at.us.made(at.ticker, "bid", "0.39", "5", cancel_order_on_pause=True)
        await at.control("schedule", venue="kalshi", windows=[
            {"in_ms": 100, "for_ms": 600, "mode": "paused"}])  # fmt: skip
        (window,) = (await at.public("/exchange/schedule"))["schedule"]["maintenance_windows"]
        assert window["start_datetime"] < window["end_datetime"]
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(2.0):
                await ws.recv()
        assert code(await at.us.create(at.ticker, "bid", "0.40", "1"))[1] == "trading_is_paused"
        amend = {"ticker": at.ticker, "side": "bid", "price": "0.41", "count": "5"}
        answer = await at.us.call("POST", f"{ORDERS}/{stays}/amend", amend)
        assert code(answer)[1] == "trading_is_paused"
        status = await at.public("/exchange/status")
        assert (status["exchange_active"], status["trading_active"]) == (True, False)
        assert "exchange_estimated_resume_time" in status
        order = await at.us.fate(goes["order_id"])
        assert (order["status"], order["last_update_reason"]) == ("canceled", "HaltCancel")
        assert (await at.us.fate(stays))["status"] == "resting"
        assert (await at.us.call("DELETE", f"{ORDERS}/{stays}")).status_code == 200
        await asyncio.sleep(0.7)
        await at.us.made(at.ticker, "bid", "0.40", "1")


async def test_a_pause_of_the_exchange_blocks_cancels_and_one_of_a_shard_only_that_shard(tmp_path):
    async with kalshi(tmp_path) as at:
        crypto = at.markets(shard=2)[0].symbol
        order = (await at.us.made(at.ticker, "bid", "0.40", "5"))["order_id"]
        await at.control("mode", venue="kalshi", mode="paused", shard=2)
        assert code(await at.us.create(crypto, "bid", "0.40", "1"))[1] == "trading_is_paused"
        await at.us.made(at.ticker, "bid", "0.40", "1")
        shards = (await at.public("/exchange/status"))["exchange_index_statuses"]
        assert [row["trading_active"] for row in shards] == [True, True, False, True]
        await at.control("mode", venue="kalshi", mode="exchange_paused")
        answer = await at.us.call("DELETE", f"{ORDERS}/{order}")
        assert code(answer) == (409, "exchange_paused")
        await at.control("mode", venue="kalshi", mode="")
        assert (await at.us.call("DELETE", f"{ORDERS}/{order}")).status_code == 200


@pytest.mark.parametrize(
    ("now", "venue", "first"),
    [
        ("2026-11-21T07:00:00", "kalshi", ["2026-11-26T08:00:00", "2026-11-26T10:00:00"]),
        ("2026-07-02T08:59:00", "kalshi", ["2026-07-02T07:00:00", "2026-07-02T09:00:00"]),
        ("2026-03-09T00:00:00", "polymarket", ["2026-03-10T11:00:00", "2026-03-10T11:01:30"]),
    ],
)
def test_the_weekly_stops_are_in_new_york_s_time(now, venue, first):
    at = int(datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()) * SECOND
    halt = weekly(venue, at)[0]
    assert [iso(halt.start)[:19], iso(halt.end)[:19]] == first


async def test_the_weekly_stop_is_told_in_the_schedule(tmp_path):
    async with kalshi(tmp_path) as at:
        assert (await at.public("/exchange/schedule"))["schedule"]["maintenance_windows"] == []
        await at.control("schedule", venue="kalshi", weekly=True)
        rows = (await at.public("/exchange/schedule"))["schedule"]["maintenance_windows"]
        assert {row["start_datetime"][14:19] for row in rows} == {"00:00"}
        assert {row["start_datetime"][11:13] for row in rows} <= {"07", "08"}


async def test_what_the_crowd_did_in_a_pause_comes_after_it(tmp_path):
    async with kalshi(tmp_path, feed=source.generated(7)) as at, at.rig.kalshi_socket() as ws:
        params = {"channels": ["orderbook_delta"], "market_tickers": at.rig.tickers()}
        await ask(ws, id=1, cmd="subscribe", params=params)
        await until(ws, is_type("orderbook_delta"))
        await at.control("mode", venue="kalshi", mode="paused")
        await asyncio.sleep(0.1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await until(ws, lambda frame: False)
        await at.control("mode", venue="kalshi", mode="")
        await until(ws, is_type("orderbook_delta"))
