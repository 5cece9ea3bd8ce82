"""The Kalshi checklist, line by line: who is let in, how it refuses, limits, money."""

import pytest
from rig import ask, is_type, running, spent_stays_spent, until
from traders import ORDERS, PREFIX, code, kalshi, tell
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.frames import Frame, Opcode

from dutchbook.domain.units import ONE, micros
from dutchbook.emulators.wire import hub


async def test_rsa_pss_and_ed25519_sign_neither_query_nor_body(tmp_path):
    async with kalshi(tmp_path) as at:
        for trader in (at.us, at.them):
            answer = await trader.call("GET", "/portfolio/orders", limit=5, status="resting")
            assert answer.status_code == 200
            wish = trader.wish(at.ticker, "bid", "0.01", "1")
            assert (await trader.call("POST", ORDERS, wish)).status_code == 201
        path = f"{PREFIX}/portfolio/orders"
        for salt in (0, 20):
            headers = at.rig.headers(path, kind="rsa", salt=salt)
            answer = await at.client.get(
                at.rig.kalshi["rest"] + "/portfolio/orders", headers=headers
            )
            assert answer.json()["error"]["details"] == "INCORRECT_API_KEY_SIGNATURE"
        signed = at.rig.headers(f"{path}?limit=5")
        url = f"{at.rig.kalshi['rest']}/portfolio/orders?limit=5"
        assert (await at.client.get(url, headers=signed)).status_code == 401


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ({"age_ms": 16_000}, "header_timestamp_expired"),
        ({"key": "nobody"}, "NOT_FOUND"),
        ({"signature": "AAAA"}, "INCORRECT_API_KEY_SIGNATURE"),
        ({"signature": ""}, "signature_is_missing_from_headers"),
        ({"age_ms": 10_000}, ""),
        ({"age_ms": -60_000}, ""),
    ],
)
async def test_clock_window_and_the_four_401s(tmp_path, how, word):
    async with kalshi(tmp_path) as at:
        url = at.rig.kalshi["rest"] + "/portfolio/balance"
        headers = at.rig.headers(f"{PREFIX}/portfolio/balance", **how)
        answer = await at.client.get(url, headers=headers)
        assert answer.status_code == (401 if word else 200)
        if word:
            error = answer.json()["error"]
            assert word in (error["code"], error["details"])


class Heard(ClientConnection):
    """Keeps the bodies of the pings."""

    def process_event(self, event):
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pings = [*getattr(self, "pings", []), bytes(event.data)]
        super().process_event(event)


async def test_ws_handshake_is_signed_for_public_channels_and_the_ping_says_heartbeat(
    tmp_path, monkeypatch
):
    assert hub.PING_S == 10.0
    monkeypatch.setattr(hub, "PING_S", 0.05)
    async with running(tmp_path, "kalshi") as rig:
        with pytest.raises(InvalidStatus) as refused:
            await connect(rig.kalshi["ws"])
        assert refused.value.response.status_code == 401
        headers = rig.headers("/trade-api/ws/v2")
        async with connect(
            rig.kalshi["ws"], additional_headers=headers, create_connection=Heard
        ) as ws:
            await ask(ws, id=1, cmd="subscribe", params={"channels": ["ticker"]})
            await until(ws, is_type("ticker"))
            async for _ in ws:
                if getattr(ws, "pings", []):
                    break
            assert set(ws.pings) == {b"heartbeat"}


async def test_all_four_error_shapes_and_a_plain_429_without_retry_after(tmp_path, monkeypatch):
    spent_stays_spent(monkeypatch)
    async with kalshi(tmp_path, tier="basic") as at:
        nested = await at.us.call("GET", "/portfolio/orders/none")
        assert list(nested.json()) == ["error"] and nested.status_code == 404
        flat = await at.us.call("POST", ORDERS, {"ticker": at.ticker})
        assert list(flat.json()) == ["code", "message", "details"] and flat.status_code == 400
        bare = await at.us.call("GET", "/portfolio/fills", limit=1001)
        assert list(bare.json()) == ["msg"] and bare.status_code == 400
        answers = [await at.us.call("GET", "/portfolio/balance") for _ in range(40)]
        limited = next(a for a in answers if a.status_code == 429)
        assert limited.json() == {"error": "too many requests"}
        names = {name.lower() for name in limited.headers}
        assert not [name for name in names if "retry" in name or "ratelimit" in name]


async def test_orders_are_v2_only_and_v1_mutations_answer_410(tmp_path):
    async with kalshi(tmp_path) as at:
        order = (await at.us.made(at.ticker, "bid", "0.40", "1"))["order_id"]
        for method, path in (
            ("POST", "/portfolio/orders"),
            ("POST", "/portfolio/orders/batched"),
            ("DELETE", "/portfolio/orders/batched"),
            ("DELETE", f"/portfolio/orders/{order}"),
            ("POST", f"/portfolio/orders/{order}/amend"),
            ("POST", f"/portfolio/orders/{order}/decrease"),
        ):
            answer = await at.us.call(method, path, {"ticker": at.ticker})
            assert code(answer) == (410, "deprecated_v1_order_endpoint")
        assert (await at.us.fate(order))["status"] == "resting"


async def test_per_shard_balances_unfunded_is_user_not_found_and_create_auto_routes(tmp_path):
    async with kalshi(tmp_path) as at:
        crypto = at.markets(shard=2)[0].symbol
        for routing in ({}, {"exchange_index": -1}, {"exchange_index": 2}):
            made = await at.us.made(crypto, "bid", "0.10", "1", **routing)
            assert (await at.us.fate(made["order_id"]))["exchange_index"] == 2
        wrong = await at.us.create(crypto, "bid", "0.10", "1", exchange_index=0)
        assert wrong.status_code == 404
        balance = await at.us.get("/portfolio/balance")
        rows = {row["exchange_index"]: row["balance"] for row in balance["balance_breakdown"]}
        assert rows == dict.fromkeys(range(4), "25000.0000")
        bank = at.rig.exchange.kalshi.desk.bank
        moved = bank.owner("us").cash.pop(2)
        refused = await at.us.create(crypto, "bid", "0.10", "1")
        assert code(refused) == (400, "user_not_found")
        bank.owner("us").cash[2] = moved


async def test_money_moves_between_shards(tmp_path):
    async with kalshi(tmp_path) as at:
        body = {
            "source": "event_contract", "destination": "event_contract", "amount": 1_000_000,
            "source_exchange_shard": 0, "destination_exchange_shard": 2,
        }  # fmt: skip
        path = "/portfolio/intra_exchange_instance_transfer"
        assert (await at.us.call("POST", path, body)).json()["transfer_id"]
        balance = await at.us.get("/portfolio/balance")
        rows = {row["exchange_index"]: row["balance"] for row in balance["balance_breakdown"]}
        assert (rows[0], rows[2]) == ("24900.0000", "25100.0000")
        much = await at.us.call("POST", path, body | {"amount": 10**12})
        assert code(much) == (400, "insufficient_balance")


async def test_read_and_write_buckets_a_batch_is_the_sum_of_its_items(tmp_path, monkeypatch):
    """Basic: 200 and 100 tokens of one second; `/account/limits` says what is enforced."""
    spent_stays_spent(monkeypatch)
    async with kalshi(tmp_path, tier="basic") as at:
        limits = await at.us.get("/account/limits")
        assert limits["usage_tier"] == "basic"
        assert limits["read"] == {"refill_rate": 200, "bucket_capacity": 200}
        assert limits["write"] == {"refill_rate": 100, "bucket_capacity": 100}
        batch = [at.us.wish(at.ticker, "bid", "0.01", "1") for _ in range(11)]
        refused = await at.us.call("POST", f"{ORDERS}/batched", {"orders": batch})
        assert refused.status_code == 429
        whole = await at.us.call("POST", f"{ORDERS}/batched", {"orders": batch[:9]})
        assert [row["remaining_count"] for row in whole.json()["orders"]] == ["1.00"] * 9
        spent = [(await at.us.create(at.ticker, "bid", "0.01", "1")).status_code for _ in range(4)]
        assert spent == [201, 429, 429, 429]
        assert (await at.us.call("GET", "/portfolio/orders")).status_code == 200


async def test_fees_per_fill_rounding_fee_and_accumulator_and_the_doc_example(tmp_path):
    """1 contract at 0.055: model 0.00363825, fee 0.003639, cents: -0.06, rounding 0.001361."""
    async with kalshi(tmp_path) as at:
        fine = at.markets("tapered_deci_cent")[0].symbol
        await at.them.made(fine, "ask", "0.055", "10")
        await at.us.made(fine, "bid", "0.055", "1")
        (fill,) = (await at.us.get("/portfolio/fills"))["fills"]
        assert fill["fee_cost"] == "0.005000"  # 0.003639 and the rounding fee of 0.001361
        (deal,) = at.rig.exchange.kalshi.desk.deals
        assert (deal.taker_fee, deal.taker_rounding) == (3_639, 1_361)
        balance = await at.us.get("/portfolio/balance")
        assert balance["balance_dollars"] == "99999.9400"
        before = micros(balance["balance_dollars"])
        for _ in range(9):
            await at.them.made(fine, "ask", "0.055", "1")
        bank = at.rig.exchange.kalshi.desk.bank
        made = await at.us.made(fine, "bid", "0.055", "9")
        after = bank.owner("us").cash[0] + 3 * 25_000 * ONE
        # One order over many fills is rounded once: 9 * (0.055 + 0.003639) rounds up to 0.53.
        assert (made["fill_count"], before - after) == ("9.00", 530_000)
        assert made["average_fee_paid"] == "0.003888"  # (0.53 - 9 * 0.055) / 9, rounded down


async def test_control_door_is_needed_to_fund(tmp_path):
    async with kalshi(tmp_path) as at:
        await tell(at.rig, at.client, "fund", venue="kalshi", owner="them", cash=5 * ONE, shard=3)
        rows = (await at.them.get("/portfolio/balance"))["balance_breakdown"]
        assert {"exchange_index": 3, "balance": "5.0000"} in rows
