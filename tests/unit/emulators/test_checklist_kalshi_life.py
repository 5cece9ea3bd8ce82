"""The Kalshi checklist, line by line: seq, gaps, which message is first, markets that end."""

import asyncio

import pytest
from rig import ask, is_type, until
from traders import ORDERS, code, kalshi

PRIVATE = ["fill", "user_orders", "market_positions"]


async def listen(at, ws, *channels, tickers=()):
    params = {"channels": list(channels)} | ({"market_tickers": list(tickers)} if tickers else {})
    await ask(ws, id=1, cmd="subscribe", params=params)
    return await until(
        ws, lambda f: f["type"] == "subscribed" and f["msg"]["channel"] == channels[-1]
    )


async def test_seq_is_per_sid_across_markets_with_control_replies_and_none_on_others(tmp_path):
    async with kalshi(tmp_path) as at, at.rig.kalshi_socket() as ws:
        other = at.markets()[1].symbol
        seen = await listen(
            at, ws, "ticker", *PRIVATE, "orderbook_delta", tickers=[at.ticker, other]
        )
        for ticker in (at.ticker, other, at.ticker):
            await at.them.made(ticker, "ask", "0.50", "2")
            await at.us.made(ticker, "bid", "0.50", "1")
        await asyncio.sleep(0.1)
        update = {"sid": 5, "action": "delete_markets", "market_tickers": [other]}
        await ask(ws, id=2, cmd="update_subscription", params=update)
        seen += await until(ws, lambda f: f.get("id") == 2)
        await ask(ws, id=3, cmd="unsubscribe", params={"sids": [5]})
        seen += await until(ws, is_type("unsubscribed"))
        numbered = [f for f in seen if "seq" in f]
        assert {f["sid"] for f in numbered} == {5}
        assert [f["seq"] for f in numbered] == list(range(1, len(numbered) + 1))
        kinds = [f["type"] for f in numbered]
        assert kinds[-2:] == ["ok", "unsubscribed"] and kinds.count("orderbook_delta") >= 5
        plain = {f["type"] for f in seen if "seq" not in f}
        assert plain == {"subscribed", "ticker", "fill", "user_order", "market_position"}


async def test_a_seq_gap_is_healed_by_get_snapshot_and_nothing_is_replayed(tmp_path):
    async with kalshi(tmp_path) as at, at.rig.kalshi_socket() as ws:
        await listen(at, ws, "orderbook_delta", tickers=[at.ticker])
        first = (await until(ws, is_type("orderbook_snapshot")))[-1]
        await at.control("faults", venue="kalshi", fault="withheld")
        await asyncio.sleep(0.05)
        await at.us.made(at.ticker, "bid", "0.40", "5")
        await asyncio.sleep(0.05)
        await at.us.made(at.ticker, "bid", "0.41", "5")
        after = (await until(ws, is_type("orderbook_delta")))[-1]
        assert (first["seq"], after["seq"], after["msg"]["price_dollars"]) == (1, 3, "0.4100")
        heal = {"sid": 1, "action": "get_snapshot", "market_tickers": [at.ticker]}
        await ask(ws, id=7, cmd="update_subscription", params=heal)
        healed = (await until(ws, lambda f: f.get("id") == 7))[-1]
        assert healed["type"] == "orderbook_snapshot" and healed["seq"] == 4
        assert healed["msg"]["yes_dollars_fp"] == [["0.4000", "5.00"], ["0.4100", "5.00"]]


@pytest.mark.parametrize("number", [10, 25])
async def test_errors_25_and_10_end_a_subscription(tmp_path, number):
    async with kalshi(tmp_path) as at, at.rig.kalshi_socket() as ws:
        await listen(at, ws, "orderbook_delta", tickers=[at.ticker])
        await at.control("faults", venue="kalshi", fault=f"error_{number}")
        error = (await until(ws, is_type("error")))[-1]
        assert (error["sid"], error["msg"]["code"]) == (1, number)
        await at.us.made(at.ticker, "bid", "0.40", "5")
        await ask(ws, id=2, cmd="list_subscriptions")
        assert (await until(ws, lambda f: f.get("id") == 2))[-1]["msg"] == []
        again = await listen(at, ws, "orderbook_delta", tickers=[at.ticker])
        assert again[-1]["msg"]["sid"] == 2


async def test_the_ack_is_before_the_public_delta_and_fill_and_trade_come_in_either_order(tmp_path):
    async with kalshi(tmp_path) as at, at.rig.kalshi_socket() as ws:
        await listen(at, ws, "trade", "fill", "orderbook_delta", tickers=[at.ticker])
        stock = at.rig.exchange.kalshi.stock
        firsts = set()
        for _ in range(12):
            await at.them.made(at.ticker, "ask", "0.50", "1")
            await at.us.made(at.ticker, "bid", "0.50", "1")
            seen = [f for f in await until(ws, both()) if f["type"] in ("fill", "trade")]
            assert len({f["msg"]["trade_id"] for f in seen}) == 1
            firsts.add(seen[0]["type"])
        assert firsts == {"fill", "trade"}
        shown = dict(stock.bids(stock.markets[at.ticker], 0))
        made = await at.us.create(at.ticker, "bid", "0.30", "1")
        assert made.status_code == 201 and 300_000 not in shown
        frames = await until(ws, is_type("orderbook_delta"))
        assert frames[-1]["msg"]["price_dollars"] in ("0.5000", "0.3000")


def both():
    """True once a fill and a trade have come."""
    kinds = set()

    def seen(frame):
        kinds.add(frame["type"])
        return {"fill", "trade"} <= kinds

    return seen


async def test_life_cycle_with_disputes_and_query_words_that_are_not_object_words(tmp_path):
    async with kalshi(tmp_path) as at, at.rig.kalshi_socket() as ws:
        await listen(at, ws, "market_lifecycle_v2")
        key = f"kalshi:{at.ticker}"
        order = (await at.us.made(at.ticker, "bid", "0.40", "5"))["order_id"]
        await at.them.made(at.ticker, "ask", "0.40", "2")
        for status, shown, query, told in (
            ("paused", "inactive", "paused", "deactivated"),
            ("open", "active", "open", "activated"),
            ("closed", "closed", "closed", "close_date_updated"),
            ("determined", "determined", "closed", "determined"),
            ("disputed", "disputed", "closed", ""),
            ("amended", "amended", "closed", ""),
        ):
            await at.control("life", market=key, status=status, yes_pays=1_000_000)
            market = (await at.public(f"/markets/{at.ticker}"))["market"]
            assert market["status"] == shown
            found = await at.public(f"/markets?tickers={at.ticker}&status={query}")
            assert [row["ticker"] for row in found["markets"]] == [at.ticker]
            if told:
                event = (await until(ws, is_type("market_lifecycle_v2")))[-1]["msg"]
                assert (event["event_type"], event["market_ticker"]) == (told, at.ticker)
            if status == "paused":
                refused = await at.us.create(at.ticker, "bid", "0.40", "1")
                assert code(refused) == (409, "market_not_active")
            if status == "closed":
                gone = await at.us.fate(order)
                assert (gone["status"], gone["last_update_reason"]) == ("canceled", "CloseCancel")
        assert event["result"] == "yes" and event["settlement_value"] == "1.0000"
        await at.control("settle", market=key, yes_pays=1_000_000)
        events = await until(ws, lambda f: f.get("msg", {}).get("event_type") == "settled")
        assert [f["msg"]["event_type"] for f in events] == ["determined", "settled"]
        market = (await at.public(f"/markets/{at.ticker}"))["market"]
        assert (market["status"], market["result"]) == ("finalized", "yes")
        assert market["settlement_value_dollars"] == "1.0000"
        (row,) = (await at.us.get("/portfolio/settlements"))["settlements"]
        assert (row["market_result"], row["yes_count_fp"], row["revenue"]) == ("yes", "2.00", 200)
        assert (
            await at.client.get(f"{at.rig.kalshi['rest']}/markets?status=active")
        ).status_code == 400


async def test_event_lifecycle_and_fee_updates_on_the_same_channel(tmp_path):
    """Fees that change hold from then on, and count one seq with everything of the channel."""
    async with kalshi(tmp_path) as at, at.rig.kalshi_socket() as ws:
        await listen(at, ws, "market_lifecycle_v2")
        event = at.markets()[0].event
        name = event.partition(":")[2]
        await at.control("event", event=event, announce=True)
        told = (await until(ws, is_type("event_lifecycle")))[-1]
        assert (told["msg"]["event_ticker"], told["seq"]) == (name, 1)
        fees = {"fee_type": "quadratic_with_maker_fees", "fee_multiplier": 500_000}
        await at.control("event", event=event, **fees)
        told = (await until(ws, is_type("event_fee_update")))[-1]
        body = {"fee_type_override": "quadratic_with_maker_fees", "fee_multiplier_override": 0.5}
        assert told["msg"] == {"event_ticker": name} | body and told["seq"] == 2
        assert (await at.public(f"/events/{name}"))["event"].items() >= body.items()
        await at.them.made(at.ticker, "ask", "0.50", "100")
        taken = await at.us.made(at.ticker, "bid", "0.50", "100")
        assert taken["average_fee_paid"] == "0.0088"  # half of 1.75, up to cents
        await at.control("event", event=event, fee_type=None)
        told = (await until(ws, is_type("event_fee_update")))[-1]
        assert told["msg"]["fee_type_override"] is None
        rows = (await at.public("/events/fee_changes"))["event_fee_changes"]
        assert [row["fee_multiplier_override"] for row in rows] == [0.5, None]


async def test_a_cancel_of_all_ends_everything_of_ours_and_nothing_of_theirs(tmp_path):
    async with kalshi(tmp_path) as at:
        crypto = at.markets(shard=2)[0].symbol
        ours = [(await at.us.made(t, "bid", "0.40", "5"))["order_id"] for t in (at.ticker, crypto)]
        theirs = (await at.them.made(at.ticker, "bid", "0.30", "5"))["order_id"]
        answer = await at.us.call("DELETE", ORDERS)
        assert (answer.status_code, answer.json()) == (200, {})
        assert [(await at.us.fate(order))["status"] for order in ours] == ["canceled"] * 2
        assert (await at.them.fate(theirs))["status"] == "resting"
