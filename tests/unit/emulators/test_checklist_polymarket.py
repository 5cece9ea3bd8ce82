"""The Polymarket checklist, line by line: keys, signatures, amounts, order types, batches."""

import asyncio
import time

import pytest
from rig import until
from signers import polymarket

from dutchbook.domain.units import ONE

FOK = "order couldn't be fully filled. FOK orders are fully filled or killed."
FAK = (
    "no orders found to match with FAK order. FAK orders are partially filled or killed if no "
    "match is found."
)


async def test_clob_auth_hmac_over_the_raw_body_and_a_second_create_key_is_400(tmp_path):
    async with polymarket(tmp_path) as at:
        again = await at.us.l1("POST", "/auth/api-key")
        assert again.status_code == 400
        derived = await at.us.l1("GET", "/auth/derive-api-key")
        assert derived.json() == at.us.creds
        forged = await at.us.l1("GET", "/auth/derive-api-key", POLY_SIGNATURE="0x" + "11" * 65)
        assert (forged.status_code, forged.json()) == (401, {"error": "Invalid L1 Request headers"})
        spaced = b'{ "heartbeat_id" : "" }'
        assert (await at.us.call("POST", "/v1/heartbeats", spaced)).status_code == 200
        headers = at.us.headers("POST", "/v1/heartbeats", b'{"heartbeat_id":""}')
        url = at.rig.polymarket["clob"]
        other = await at.client.post(f"{url}/v1/heartbeats", content=spaced, headers=headers)
        assert other.json() == {"error": "Unauthorized/Invalid api key"}
        assert (await at.us.call("GET", "/data/orders", market="none")).status_code == 200
        signed = at.us.headers("GET", "/data/orders?market=none")
        refused = await at.client.get(f"{url}/data/orders?market=none", headers=signed)
        assert refused.status_code == 401


@pytest.mark.parametrize("neg_risk", [False, True])
@pytest.mark.parametrize("kind", [0, 1, 2, 3])
async def test_the_signer_is_recovered_for_types_0_to_3_and_neg_risk(tmp_path, kind, neg_risk):
    async with polymarket(tmp_path) as at:
        market = at.markets(neg_risk=neg_risk)[0]
        await at.us.made(market, "BUY", 100_000, 20, signature_type=kind)
        wrong = await at.us.post(market, "BUY", 100_000, 20, neg_risk=not neg_risk)
        assert wrong.status_code == 400
        body = at.them.order(market, "BUY", 100_000, 20, signature_type=kind)
        stolen = await at.us.call("POST", "/order", body)
        assert stolen.status_code == 400


async def test_order_id_is_the_digest_and_a_wrong_version_says_order_version_mismatch(tmp_path):
    async with polymarket(tmp_path) as at:
        body = at.us.order(at.market, "BUY", 100_000, 20)
        name = at.us.last
        answer = await at.us.call("POST", "/order", body)
        assert answer.json()["orderID"] == name
        again = await at.us.call("POST", "/order", body)
        assert again.status_code == 400 and "Duplicated" in again.json()["error"]
        assert len((await at.us.get("/data/orders"))["data"]) == 1
        changed = at.us.order(at.market, "BUY", 100_000, 20)
        changed["order"]["salt"] += 1
        wrong = await at.us.call("POST", "/order", changed)
        assert wrong.status_code == 400 and "order_version_mismatch" in wrong.json()["error"]
        assert await at.public("/version") == {"version": 2}


async def test_amounts_tick_and_price_range_with_half_and_quarter_ticks(tmp_path):
    async with polymarket(tmp_path) as at:
        for tick, neg_risk, good, bad in (
            (10_000, False, 990_000, 995_000),
            (5_000, False, 995_000, 992_500),
            (2_500, True, 497_500, 498_000),
            (1_000, False, 1_000, 500),
        ):
            market = at.markets(tick, neg_risk)[0]
            await at.us.made(market, "BUY", good, 100)
            refused = await at.us.post(market, "BUY", bad, 100)
            assert refused.status_code == 400 and "invalid price" in refused.json()["error"]
        for px in (0, ONE):
            refused = await at.us.post(at.market, "BUY", px, 10, making=(px * 10 or 1, 10 * ONE))
            assert refused.status_code == 400
        plain = at.markets()[1]
        small = await at.us.post(plain, "BUY", 100_000, 4)
        assert "lower than the minimum" in small.json()["error"]
        at.endow(plain, 100)
        await at.them.made(plain, "SELL", 100_000, 50)
        cheap = await at.us.post(plain, "BUY", 100_000, 9, kind="FAK")
        assert "min size: $1" in cheap.json()["error"]
        crossing = await at.us.post(plain, "BUY", 100_000, 9)
        assert "min size: $1" in crossing.json()["error"]
        await at.us.made(plain, "BUY", 100_000, 10, kind="FAK")


async def test_order_types_and_the_listed_error_texts(tmp_path):
    async with polymarket(tmp_path) as at:
        at.endow(at.market, 100)
        await at.them.made(at.market, "SELL", 500_000, 10)
        for wish, text in (
            ({"kind": "FOK"}, FOK),
            ({"post_only": True}, "invalid post-only order: order crosses book"),
            ({"kind": "GTD", "expiration": _in(30)}, "invalid expiration"),
        ):
            refused = await at.us.post(at.market, "BUY", 500_000, 20, **wish)
            assert (refused.status_code, refused.json()["error"]) == (400, text)
        none = await at.us.post(at.market, "BUY", 400_000, 20, kind="FAK")
        assert none.json()["error"] == FAK
        much = await at.us.post(at.market, "BUY", 900_000, 1_000_000)
        assert "not enough balance / allowance" in much.json()["error"]
        part = await at.us.made(at.market, "BUY", 500_000, 20, kind="FAK")
        assert (part["status"], part["takingAmount"]) == ("matched", "10")
        assert await at.us.status(part["orderID"]) == "CANCELED"
        rest = await at.us.made(at.market, "BUY", 500_000, 20)
        assert (rest["status"], await at.us.status(rest["orderID"])) == ("live", "LIVE")


async def test_gtd_ends_a_minute_early_as_a_cancellation(tmp_path):
    async with polymarket(tmp_path) as at, at.us.socket() as ws:
        made = await at.us.made(at.market, "BUY", 500_000, 20, kind="GTD", expiration=_in(62))
        assert await at.us.status(made["orderID"]) == "LIVE"
        told = (await until(ws, lambda f: f["type"] == "CANCELLATION"))[-1]
        assert (told["id"], told["status"]) == (made["orderID"], "CANCELED_EXPIRED_ORDER")
        assert await at.us.status(made["orderID"]) == "CANCELED_EXPIRED_ORDER"


async def test_mint_and_merge_change_both_books_and_the_money_is_right(tmp_path):
    """YES buy and NO buy at p + q = 1 mint a pair; two sales merge one."""
    async with polymarket(tmp_path) as at:
        before = await at.us.cash(), await at.them.cash()
        await at.them.made(at.market, "BUY", 400_000, 20, token=1)
        shown = await at.public("/book", token_id=at.market.tokens[0])
        await asyncio.sleep(0.05)
        shown = await at.public("/book", token_id=at.market.tokens[0])
        assert shown["asks"] == [{"price": "0.6", "size": "20"}]
        made = await at.us.made(at.market, "BUY", 600_000, 20)
        assert made["status"] == "matched"
        assert await at.us.held(at.market.tokens[0]) == 20 * ONE
        assert await at.them.held(at.market.tokens[1]) == 20 * ONE
        assert before[1] - await at.them.cash() == 8 * ONE
        await asyncio.sleep(0.05)
        for token in at.market.tokens:
            book = await at.public("/book", token_id=token)
            assert book["bids"] == book["asks"] == []
        await at.them.made(at.market, "SELL", 450_000, 10, token=1)
        await at.us.made(at.market, "SELL", 550_000, 10)
        assert await at.us.held(at.market.tokens[0]) == 10 * ONE
        deals = at.rig.exchange.polymarket.desk.deals
        assert [deal.how for deal in deals] == ["mint", "merge"]


async def test_batches_of_1_to_15_and_a_failed_leg_with_success_true(tmp_path):
    async with polymarket(tmp_path) as at:
        wishes = [at.us.order(at.market, "BUY", 100_000, 20 + n) for n in range(15)]
        wishes[3] = at.us.order(at.market, "BUY", 105_000, 20)
        answer = await at.us.call("POST", "/orders", wishes)
        rows = answer.json()
        assert [row["status"] for row in rows].count("live") == 14
        assert rows[3]["success"] and rows[3]["orderID"] == "" and rows[3]["errorMsg"]
        for count in (0, 16):
            many = [at.us.order(at.market, "BUY", 100_000, 20) for _ in range(count)]
            assert (await at.us.call("POST", "/orders", many)).status_code == 400


async def test_taker_only_fee_at_the_match_from_the_market_s_schedule(tmp_path):
    async with polymarket(tmp_path) as at:
        at.endow(at.market, 100)
        gamma = await at.client.get(f"{at.rig.polymarket['gamma']}/markets/slug/{at.market.slug}")
        rate = round(gamma.json()["feeSchedule"]["rate"] * ONE)
        short = await at.public(f"/clob-markets/{at.market.symbol}")
        assert short["fd"] == {"r": rate / ONE, "e": 1, "to": True}
        before = await at.us.cash(), await at.them.cash()
        await at.them.made(at.market, "SELL", 400_000, 50)
        await at.us.made(at.market, "BUY", 400_000, 50)
        fee = 50 * rate * 24 // 100  # C * rate * p * (1 - p), and no fee for the maker
        assert before[0] - await at.us.cash() == 20 * ONE + fee
        assert await at.them.cash() - before[1] == 20 * ONE
        assert await at.us.held(at.market.tokens[0]) == 50 * ONE


def _in(seconds: int) -> int:
    return time.time_ns() // 10**9 + seconds
