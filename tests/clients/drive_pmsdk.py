"""Run in the environment of polymarket-client: trades on the pretend Polymarket with two wallets.

python drive_pmsdk.py ADDRESSES.json

Its environments can't be built from outside; the private constructor is what there is.
"""

import dataclasses
import json
import sys
import urllib.request
from pathlib import Path

from polymarket import SecureClient
from polymarket._internal.environment import (
    PRODUCTION_CONFIG,
    create_environment,
)


def main():
    at = json.loads(Path(sys.argv[1]).read_text())["polymarket"]
    key = Path(at["wallet_key_file"]).read_text().strip()
    config = dataclasses.replace(
        PRODUCTION_CONFIG,
        clob_url=at["clob"], gamma_url=at["gamma"], data_url=at["data"],
        clob_market_ws_url=at["ws"], clob_user_ws_url=at["user_ws"],
    )  # fmt: skip
    environment = create_environment(name="sim", config=config)
    client = SecureClient.create(
        private_key="0x" + key, wallet=at["address"], environment=environment
    )
    token, best = _busy(at["clob"])
    seen = {"balance": str(client.get_balance_allowance(asset_type="COLLATERAL").balance)}
    taken = client.place_limit_order(token_id=token, price=best, size=20, side="BUY")
    seen["taken"] = taken.status
    resting = client.place_limit_order(token_id=token, price="0.01", size=25, side="BUY")
    seen["resting"] = resting.status
    seen["same"] = client.get_order(order_id=resting.order_id).id == resting.order_id
    seen["open"] = _count(client.list_open_orders(token_id=token))
    client.cancel_order(order_id=resting.order_id)
    pair = [
        client.create_limit_order(token_id=token, price="0.01", size=size, side="BUY")
        for size in (30, 31)
    ]
    seen["batch"] = [answer.status for answer in client.post_orders(pair)]
    client.cancel_all()
    seen["left"] = _count(client.list_open_orders())
    seen["trades"] = _count(client.list_account_trades(token_id=token))
    print(json.dumps(seen, default=str))


def _get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _count(pages):
    return sum(len(page.items) for page in pages)


def _busy(clob):
    """A token with enough on offer, and the price of that."""
    for row in _get(f"{clob}/sampling-markets")["data"]:
        for token in row["tokens"]:
            book = _get(f"{clob}/book?token_id={token['token_id']}")
            asks = book["asks"]
            deep = len(asks) > 2 and float(asks[-1]["size"]) > 25 and book["tick_size"] == "0.01"
            if deep and 0.2 < float(asks[-1]["price"]) < 0.8:
                return token["token_id"], asks[-1]["price"]
    raise SystemExit("no busy market")


main()
