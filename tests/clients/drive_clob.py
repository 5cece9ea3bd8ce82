"""Run in the environment of py-clob-client-v2: trades on the pretend Polymarket.

python drive_clob.py ADDRESSES.json
"""

import json
import sys
from pathlib import Path

from py_clob_client_v2 import (
    AssetType,
    BalanceAllowanceParams,
    ClobClient,
    MarketOrderArgsV2,
    OpenOrderParams,
    OrderArgsV2,
    OrderPayload,
    OrderType,
    PostOrdersV2Args,
    Side,
    TradeParams,
)


def main():
    at = json.loads(Path(sys.argv[1]).read_text())["polymarket"]
    key = Path(at["wallet_key_file"]).read_text().strip()
    client = ClobClient(host=at["clob"], chain_id=137, key=key)
    seen = {"address": client.get_address(), "ok": client.get_ok(), "version": client.get_version()}
    creds = client.create_or_derive_api_key()
    again = client.derive_api_key()
    seen["derived"] = creds.api_key == again.api_key and creds.api_secret == again.api_secret
    client.set_api_creds(creds)
    cash = BalanceAllowanceParams(asset_type=AssetType.COLLATERAL)
    seen["before"] = client.get_balance_allowance(cash)["balance"]
    token, tick, book = _busy(client)
    seen["tick"] = tick
    seen["hash"] = book["hash"] == client.get_order_book_hash(_summary(client, token))
    best = float(book["asks"][-1]["price"])
    seen["market"] = client.create_and_post_market_order(
        MarketOrderArgsV2(token_id=token, amount=10.0, side=Side.BUY, order_type=OrderType.FAK),
        order_type=OrderType.FAK,
    )
    low = round(float(tick), 4)
    resting = client.create_and_post_order(
        OrderArgsV2(token_id=token, price=low, size=20.0, side=Side.BUY)
    )
    seen["resting"] = resting
    seen["order"] = client.get_order(resting["orderID"])
    seen["open"] = [row["id"] for row in client.get_open_orders(OpenOrderParams(asset_id=token))]
    seen["canceled"] = client.cancel_order(OrderPayload(orderID=resting["orderID"]))
    wishes = [
        client.create_order(OrderArgsV2(token_id=token, price=low, size=size, side=Side.BUY))
        for size in (10.0, 11.0)
    ]
    posted = client.post_orders(
        [PostOrdersV2Args(order=w, orderType=OrderType.GTC) for w in wishes]
    )
    seen["batch"] = posted
    seen["batch_canceled"] = client.cancel_orders([posted[0]["orderID"]])
    seen["all_canceled"] = client.cancel_all()
    seen["left"] = client.get_open_orders()
    seen["trades"] = client.get_trades(TradeParams(asset_id=token))
    held = BalanceAllowanceParams(asset_type=AssetType.CONDITIONAL, token_id=token)
    seen["held"] = client.get_balance_allowance(held)["balance"]
    seen["after"] = client.get_balance_allowance(cash)["balance"]
    seen["best"] = best
    print(json.dumps(seen, default=str))


def _busy(client):
    """A token whose offers are plenty."""
    for row in client.get_sampling_markets()["data"]:
        for token in row["tokens"]:
            book = client.get_order_book(token["token_id"])
            asks = book["asks"]
            deep = len(asks) > 2 and float(asks[-1]["size"]) * float(asks[-1]["price"]) > 12
            if deep and 0.2 < float(asks[-1]["price"]) < 0.8:
                return token["token_id"], client.get_tick_size(token["token_id"]), book
    raise SystemExit("no busy market")


def _summary(client, token):
    from py_clob_client_v2.utilities import parse_raw_orderbook_summary

    return parse_raw_orderbook_summary(client.get_order_book(token))


main()
