"""The Kalshi checklist, line by line: one book, prices, counts, orders and how they end."""

from traders import ORDERS, code, kalshi


async def test_one_yes_book_shows_bids_per_side_and_no_at_one_minus_p(tmp_path):
    async with kalshi(tmp_path) as at:
        await at.us.made(at.ticker, "bid", "0.40", "10")
        await at.us.made(at.ticker, "ask", "0.45", "7")
        assert await at.us.book(at.ticker) == {
            "yes_dollars": [["0.4000", "10.00"]], "no_dollars": [["0.5500", "7.00"]],
        }  # fmt: skip
        market = (await at.public(f"/markets/{at.ticker}"))["market"]
        assert (market["yes_bid_dollars"], market["yes_ask_dollars"]) == ("0.4000", "0.4500")
        assert (market["no_bid_dollars"], market["no_ask_dollars"]) == ("0.5500", "0.6000")
        # Who takes the bid with an ask at its price holds NO, bought at 0.60.
        taken = await at.them.made(at.ticker, "ask", "0.40", "4")
        assert (taken["fill_count"], taken["average_fill_price"]) == ("4.00", "0.4000")
        (position,) = (await at.them.get("/portfolio/positions"))["market_positions"]
        assert position["position_fp"] == "-4.00"
        (fill,) = (await at.them.get("/portfolio/fills"))["fills"]
        assert (fill["outcome_side"], fill["book_side"], fill["no_price_dollars"]) == (
            "no", "ask", "0.6000",
        )  # fmt: skip


async def test_off_grid_price_is_invalid_price_and_a_number_for_a_string_400(tmp_path):
    async with kalshi(tmp_path) as at:
        tapered = at.markets("tapered_deci_cent")[0].symbol
        for ticker, price in ((at.ticker, "0.405"), (tapered, "0.505"), (at.ticker, "1.00")):
            assert code(await at.us.create(ticker, "bid", price, "1")) == (400, "invalid_price")
        assert (await at.us.create(tapered, "bid", "0.055", "1")).status_code == 201
        for changed in ({"price": 0.40}, {"count": 1}):
            wish = at.us.wish(at.ticker, "bid", "0.40", "1") | changed
            answer = await at.us.call("POST", ORDERS, wish)
            assert answer.status_code == 400 and "code" in answer.json()


async def test_counts_are_fractional_with_two_places_and_cents_only_where_listed(tmp_path):
    async with kalshi(tmp_path) as at:
        made = await at.us.made(at.ticker, "bid", "0.40", "0.01")
        assert made["remaining_count"] == "0.01"
        for count in ("0.001", "0", "-1"):
            refused = await at.us.create(at.ticker, "bid", "0.40", count)
            assert code(refused) == (400, "invalid_order")
        await at.them.made(at.ticker, "ask", "0.40", "0.01")
        for name in ("fills", "market_positions"):
            path = "/portfolio/" + name.removeprefix("market_")
            (row,) = (await at.us.get(path))[name]
            for field, value in row.items():
                if field.endswith(("_fp", "_dollars")) or field == "fee_cost":
                    assert isinstance(value, str), field
        balance = await at.us.get("/portfolio/balance")
        assert isinstance(balance["balance"], int) and isinstance(balance["portfolio_value"], int)
        assert isinstance(balance["balance_dollars"], str)


async def test_duplicate_client_order_id_and_killed_fok_are_409(tmp_path):
    """The killed one has used its id up."""
    async with kalshi(tmp_path) as at:
        await at.us.made(at.ticker, "bid", "0.40", "1", client_order_id="mine")
        again = await at.us.create(at.ticker, "bid", "0.30", "2", client_order_id="mine")
        assert code(again) == (409, "order_already_exists")
        await at.them.made(at.ticker, "ask", "0.50", "3")
        wish = {"time_in_force": "fill_or_kill", "client_order_id": "whole"}
        killed = await at.us.create(at.ticker, "bid", "0.50", "4", **wish)
        assert code(killed) == (409, "fill_or_kill_insufficient_resting_volume")
        assert (await at.us.get("/portfolio/fills"))["fills"] == []
        again = await at.us.create(at.ticker, "bid", "0.50", "3", **wish)
        assert code(again) == (409, "order_already_exists")


async def test_post_only_cross_is_refused_or_by_a_switch_created_and_canceled(tmp_path):
    async with kalshi(tmp_path) as at:
        await at.them.made(at.ticker, "ask", "0.50", "3")
        refused = await at.us.create(at.ticker, "bid", "0.50", "1", post_only=True)
        assert code(refused) == (400, "invalid_order")
        assert refused.json()["error"]["details"] == "post only cross"
        await at.control("switch", venue="kalshi", name="post_only_cancels", value=1)
        made = await at.us.made(at.ticker, "bid", "0.50", "1", post_only=True)
        assert (made["fill_count"], made["remaining_count"]) == ("0.00", "0.00")
        order = await at.us.fate(made["order_id"])
        assert (order["status"], order["last_update_reason"]) == ("canceled", "PostOnlyCrossCancel")


async def test_stp_taker_at_cross_keeps_earlier_fills_and_maker_cancels_the_resting(tmp_path):
    async with kalshi(tmp_path) as at:
        await at.them.made(at.ticker, "ask", "0.50", "2")
        own = await at.us.made(at.ticker, "ask", "0.51", "5")
        await at.them.made(at.ticker, "ask", "0.52", "4")
        taker = await at.us.made(at.ticker, "bid", "0.52", "9")
        assert (taker["fill_count"], taker["remaining_count"]) == ("2.00", "0.00")
        order = await at.us.fate(taker["order_id"])
        assert (order["status"], order["last_update_reason"]) == ("canceled", "SelfTradeCancel")
        assert (await at.us.fate(own["order_id"]))["status"] == "resting"
        maker = await at.us.made(at.ticker, "bid", "0.52", "3", self_trade_prevention_type="maker")
        assert maker["fill_count"] == "3.00"
        gone = await at.us.fate(own["order_id"])
        assert (gone["status"], gone["last_update_reason"]) == ("canceled", "SelfTradeCancel")


async def test_amend_counts_filled_and_resting_and_keeps_priority_only_when_it_shrinks(tmp_path):
    async with kalshi(tmp_path) as at:
        ours = (await at.us.made(at.ticker, "bid", "0.40", "10"))["order_id"]
        theirs = (await at.them.made(at.ticker, "bid", "0.40", "10"))["order_id"]

        async def sell(count):
            await at.us.made(at.ticker, "ask", "0.40", count, self_trade_prevention_type="maker")

        async def amend(price, count):
            body = {"ticker": at.ticker, "side": "bid", "price": price, "count": count}
            return (await at.us.call("POST", f"{ORDERS}/{ours}/amend", body)).json()

        async def filled(trader, order):
            return (await trader.fate(order))["fill_count_fp"]

        seller = at.them
        await seller.made(at.ticker, "ask", "0.40", "2", self_trade_prevention_type="maker")
        assert await filled(at.us, ours) == "2.00"
        amended = await amend("0.40", "7")  # 2 are filled, 5 rest: smaller, so still first
        assert (amended["fill_count"], amended["remaining_count"]) == ("2.00", "5.00")
        await seller.made(at.ticker, "ask", "0.40", "1", self_trade_prevention_type="maker")
        assert await filled(at.us, ours) == "3.00"
        await amend("0.40", "9")  # larger: behind them now
        body = await at.us.call("POST", f"{ORDERS}/{ours}/amend", {
            "ticker": at.ticker, "side": "bid", "price": "0.40", "count": "3"})  # fmt: skip
        assert code(body) == (400, "invalid_order")
        await sell("1")
        assert (await filled(at.us, ours), await filled(at.them, theirs)) == ("3.00", "1.00")


async def test_batch_items_fail_singly_and_cancels_of_dead_unknown_or_wrong_shard_are_404(tmp_path):
    async with kalshi(tmp_path) as at:
        crypto = at.markets(shard=2)[0].symbol
        wishes = [
            at.us.wish(at.ticker, "bid", "0.40", "1"),
            at.us.wish(at.ticker, "bid", "0.405", "1"),
            at.us.wish("NOPE", "bid", "0.40", "1"),
            at.us.wish(crypto, "bid", "0.40", "1"),
        ]
        answer = await at.us.call("POST", f"{ORDERS}/batched", {"orders": wishes})
        rows = answer.json()["orders"]
        assert answer.status_code == 201
        assert [row.get("error", {}).get("code", "") for row in rows] == [
            "", "invalid_price", "market_not_found", "",
        ]  # fmt: skip
        good, far = rows[0]["order_id"], rows[3]["order_id"]
        assert (await at.us.call("DELETE", f"{ORDERS}/{good}")).status_code == 200
        for name in (good, "unknown", far):
            assert code(await at.us.call("DELETE", f"{ORDERS}/{name}")) == (404, "not_found")
        theirs = (await at.them.made(at.ticker, "bid", "0.30", "1"))["order_id"]
        undo = [{"order_id": far, "exchange_index": 2}, {"order_id": theirs}, {"order_id": good}]
        answer = await at.us.call("DELETE", f"{ORDERS}/batched", {"orders": undo})
        found = answer.json()["orders"]
        assert answer.status_code == 200
        assert [row["reduced_by"] for row in found] == ["1.00", "0.00", "0.00"]
        assert [row.get("error", {}).get("code") for row in found] == [
            None, "not_found", "not_found",
        ]  # fmt: skip
        assert all("ts_ms" not in row for row in found[1:])


async def test_a_group_over_its_limit_cancels_all_and_rejects_until_reset(tmp_path):
    async with kalshi(tmp_path) as at:
        made = await at.us.call("POST", "/portfolio/order_groups/create", {"contracts_limit": 5})
        assert made.status_code == 201
        group = {"order_group_id": made.json()["order_group_id"]}
        orders = [
            (await at.us.made(at.ticker, "bid", price, "4", **group))["order_id"]
            for price in ("0.40", "0.39", "0.38")
        ]
        await at.them.made(at.ticker, "ask", "0.40", "4")
        assert (await at.us.fate(orders[1]))["status"] == "resting"
        await at.them.made(at.ticker, "ask", "0.39", "2")
        assert [(await at.us.fate(order))["status"] for order in orders] == [
            "executed", "canceled", "canceled",
        ]  # fmt: skip
        late = await at.us.create(at.ticker, "bid", "0.37", "1", **group)
        assert code(late)[0] == 409
        path = f"/portfolio/order_groups/{group['order_group_id']}"
        assert (await at.us.call("PUT", f"{path}/reset")).status_code == 200
        again = await at.us.made(at.ticker, "bid", "0.37", "1", **group)
        assert (await at.us.call("DELETE", path)).status_code == 200
        assert (await at.us.fate(again["order_id"]))["status"] == "canceled"


async def test_queue_positions_are_what_stands_before_an_order(tmp_path):
    async with kalshi(tmp_path) as at:
        await at.them.made(at.ticker, "bid", "0.40", "7")
        ours = (await at.us.made(at.ticker, "bid", "0.40", "5"))["order_id"]
        path = f"/portfolio/orders/{ours}/queue_position"
        assert await at.us.get(path) == {"queue_position_fp": "7.00"}
        seller = at.them.wish(at.ticker, "ask", "0.40", "3", self_trade_prevention_type="maker")
        await at.them.call("POST", ORDERS, seller)  # their own rest goes: nobody is ahead of us
        (row,) = (await at.us.get("/portfolio/orders/queue_positions"))["queue_positions"]
        assert row == {
            "order_id": ours, "market_ticker": at.ticker, "queue_position_fp": "0.00",
        }  # fmt: skip
