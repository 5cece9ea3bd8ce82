"""Run in the environment of kalshi_python_sync: reads the pretend Kalshi, prints what it saw.

python drive_kalshi.py ADDRESSES.json
"""

import json
import sys
from pathlib import Path

from kalshi_python_sync import Configuration, KalshiClient
from kalshi_python_sync.exceptions import ApiException


def main():
    at = json.loads(Path(sys.argv[1]).read_text())["kalshi"]
    configuration = Configuration(host=at["rest"])
    configuration.api_key_id = at["key_id"]
    configuration.private_key_pem = Path(at["key_file"]).read_text()
    client = KalshiClient(configuration)
    seen = {"broken": []}

    def read(name, *args, **named):
        try:
            return getattr(client, name)(*args, **named)
        except ApiException as error:
            return error.status
        except Exception as error:
            seen["broken"].append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
            return None

    balance = read("get_balance")
    seen["balance"] = getattr(balance, "balance", balance)
    status = read("get_exchange_status")
    seen["active"] = getattr(status, "trading_active", status)
    markets = read("get_markets", limit=3)
    seen["markets"] = len(getattr(markets, "markets", []) or [])
    seen["positions"] = len(getattr(read("get_positions"), "market_positions", []) or [])
    seen["orders"] = len(getattr(read("get_orders"), "orders", []) or [])
    seen["fills"] = len(getattr(read("get_fills"), "fills", []) or [])
    ticker = markets.markets[0].ticker if seen["markets"] else "X"
    seen["v1"] = read(
        "create_order", ticker=ticker, side="yes", action="buy", count=1, yes_price=5,
        client_order_id="v1", type="limit",
    )  # fmt: skip
    print(json.dumps(seen, default=str))


main()
