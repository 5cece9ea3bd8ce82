"""Run in the official client's environment: milliseconds to build and sign one limit order."""

import sys
from time import perf_counter

from py_clob_client_v2 import CreateOrderOptions, OrderArgsV2, Side
from py_clob_client_v2.order_builder.builder import OrderBuilder
from py_clob_client_v2.signer import Signer

TOKEN = "71321045679252212594626385532706912750332728571942532289631379312455583992563"
builder = OrderBuilder(Signer(sys.argv[1], 137))
options = CreateOrderOptions(tick_size="0.01", neg_risk=False)
wish = OrderArgsV2(token_id=TOKEN, price=0.44, size=25.0, side=Side.BUY)


def once():
    return builder.build_order(wish, options)


for _ in range(20):
    once()
count = 300
started = perf_counter()
for _ in range(count):
    once()
print((perf_counter() - started) / count * 1_000)
