"""The same tape and the same orders through NautilusTrader's BacktestEngine; run by its own Python.

    python peer_backtest.py TAPE ORDERS

One run for each line that it is told, and a line of JSON after each.

TAPE: a JSON array a line, [ns, market, snapshot, [[side, price, size], ...]] for a book and [ns,
market, buys, price, size, id] for a trade, prices and sizes as decimals. ORDERS: [ns, "submit", id,
market, buys, price, size, rests] or [ns, "cancel", id], which a strategy sends at
those moments. Prints {"peer", "events", "orders", "fills", "seconds"}: the processor time of the
run alone, without building its data.
"""

import json
import sys
import time
from decimal import Decimal
from pathlib import Path

import nautilus_trader
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.backtest.models import LatencyModel, MakerTakerFeeModel
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import BookOrder, OrderBookDelta, OrderBookDeltas, TradeTick
from nautilus_trader.model.enums import (
    AccountType,
    AggressorSide,
    AssetClass,
    BookAction,
    BookType,
    OmsType,
    OrderSide,
    RecordFlag,
    TimeInForce,
)
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, Symbol, TradeId, Venue
from nautilus_trader.model.instruments import BinaryOption
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.trading.strategy import Strategy

VENUE = Venue("SIM")
SIDES = (OrderSide.BUY, OrderSide.SELL)


def instrument(name, end):
    ident = InstrumentId(Symbol(name), VENUE)
    return BinaryOption(
        instrument_id=ident, raw_symbol=Symbol(name), asset_class=AssetClass.ALTERNATIVE,
        currency=USD, price_precision=4, size_precision=2,
        price_increment=Price.from_str("0.0001"), size_increment=Quantity.from_str("0.01"),
        activation_ns=0, expiration_ns=end + 10**18, ts_event=0, ts_init=0,
        maker_fee=Decimal("0.0175"), taker_fee=Decimal("0.07"),
    )  # fmt: skip


def deltas(ident, at, snapshot, levels):
    made = [OrderBookDelta.clear(ident, 0, at, at)] if snapshot else []
    for n, (side, px, size) in enumerate(levels):
        order = BookOrder(SIDES[side], Price.from_str(px), Quantity.from_str(size), 0)
        action = BookAction.DELETE if float(size) == 0 else BookAction.UPDATE
        flags = RecordFlag.F_LAST if n == len(levels) - 1 else 0
        made.append(OrderBookDelta(ident, action, order, flags, 0, at, at))
    return OrderBookDeltas(ident, made)


def made_of(ident, row):
    if len(row) == 4:
        return deltas(ident, row[0], row[2], row[3])
    at, _, buys, px, size, name = row
    side = AggressorSide.BUYER if buys else AggressorSide.SELLER
    price, quantity = Price.from_str(px), Quantity.from_str(size)
    return TradeTick(ident, price, quantity, side, TradeId(name[:36]), at, at)


class Given(StrategyConfig, frozen=True):
    """Nothing to set."""


class Replayed(Strategy):
    """Sends the orders that it was given, each at its moment, and keeps none of its own."""

    def __init__(self, config, idents, orders):
        super().__init__(config)
        self.idents = idents
        self.script = orders
        self.place = 0
        self.fills = 0
        self.sent = 0

    def on_start(self):
        for ident in self.idents.values():
            self.subscribe_order_book_deltas(ident, BookType.L2_MBP)
            self.subscribe_trade_ticks(ident)

    def on_order_book_deltas(self, deltas):
        script = self.script
        while self.place < len(script) and script[self.place][0] <= deltas.ts_event:
            self.act(script[self.place])
            self.place += 1

    def act(self, row):
        if row[1] == "cancel":
            order = self.cache.order(ClientOrderId(row[2]))
            if order is not None and not order.is_closed:
                self.cancel_order(order)
            return
        _, _, name, market, buys, px, size, rests = row
        order = self.order_factory.limit(
            self.idents[market], OrderSide.BUY if buys else OrderSide.SELL,
            Quantity.from_str(size), Price.from_str(px),
            time_in_force=TimeInForce.GTC if rests else TimeInForce.IOC, post_only=bool(rests),
            client_order_id=ClientOrderId(name),
        )  # fmt: skip
        self.sent += 1
        self.submit_order(order)

    def on_order_filled(self, event):
        self.fills += 1


def once(rows, orders, latency):
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(10_000_000, USD)],
        fee_model=MakerTakerFeeModel(), latency_model=LatencyModel(latency),
        book_type=BookType.L2_MBP, trade_execution=True,
    )  # fmt: skip
    end = rows[-1][0]
    idents = {}
    for name in dict.fromkeys(row[1] for row in rows):
        made = instrument(name, end)
        engine.add_instrument(made)
        idents[name] = made.id
    data = [made_of(idents[row[1]], row) for row in rows if len(row) > 4 or row[3] or row[2]]
    books = sum(isinstance(one, OrderBookDeltas) for one in data)
    engine.add_data(data, sort=False)
    strategy = Replayed(Given(), idents, orders)
    engine.add_strategy(strategy)
    started = time.process_time()
    engine.run()
    seconds = time.process_time() - started
    told = (books, strategy.sent, strategy.fills)
    engine.dispose()
    return seconds, told


def main():
    rows = [json.loads(line) for line in Path(sys.argv[1]).read_bytes().splitlines()]
    orders = [json.loads(line) for line in Path(sys.argv[2]).read_bytes().splitlines()]
    for _ in sys.stdin:
        seconds, told = once(rows, orders, 250_000_000)
        made = {
            "peer": f"nautilus_trader {nautilus_trader.__version__}", "seconds": seconds,
            "events": told[0], "orders": told[1], "fills": told[2],
        }  # fmt: skip
        print(json.dumps(made), flush=True)


if __name__ == "__main__":
    main()
