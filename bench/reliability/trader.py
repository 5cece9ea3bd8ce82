"""A trading process on its own, on exchanges that another process serves: to be killed at will.

`python -m bench.reliability.trader ADDRESSES DATA_DIR SPAN`: recovers, trades, ends in good order,
and prints its summary. SPAN is a number of seconds; `orders:N`, until so many orders were decided
(a slow machine takes longer, not less); or `settle`: begins nothing new and only tidies up.
"""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.domain.account_events import OrderUnknown
from dutchbook.domain.effects import Alert, Effect, SubmitOrder, SubmitOrders
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import BasketBegun, BasketMoved, Step
from dutchbook.domain.units import SECOND, Ns
from dutchbook.engine.trading import WIND_DOWN
from dutchbook.runtime import live as running
from dutchbook.runtime.bootstrap import House
from dutchbook.runtime.feeds import addresses
from dutchbook.runtime.links import read_links
from dutchbook.runtime.live import Live
from dutchbook.runtime.settings import Settings
from dutchbook.runtime.simulate import within_bounds
from dutchbook.runtime.truth import settle_up
from dutchbook.runtime.wire import orders_of

TIDY_S = 4.0
ORDERS_S = 90.0
"""The longest that `orders:N` waits for its orders."""


class Seen:
    """What a run shows of the promises, step by step; spans in ms."""

    def __init__(self) -> None:
        self.stale_orders: list[str] = []
        self.unknown_ms: list[float] = []
        self.open_ms: list[float] = []
        self.alert_ms: list[float] = []
        self._unknown: dict[str, Ns] = {}
        self._begun: dict[str, Ns] = {}
        self._alerts: dict[str, Ns] = {}

    def watch(self, live: Live, step: Step) -> None:
        at = step.envelope.at
        for effect in step.effects:
            self._effect(live, effect, at)
        for note in step.notes:
            if isinstance(note, BasketBegun):
                self._begun[note.id] = at
            elif isinstance(note, BasketMoved) and note.stage in ("done", "unwound", "stuck"):
                self.open_ms.append((at - self._begun.pop(note.id, at)) / 1e6)

    def _effect(self, live: Live, effect: Effect, at: Ns) -> None:
        """P10: an order is priced off a book that can be read at that very moment."""
        if isinstance(effect, Alert):
            self._alerts[effect.key] = at
        if not isinstance(effect, SubmitOrder | SubmitOrders):
            return
        for order in orders_of(effect):
            why = live.engine.view.stale(order.key, order.outcome)
            if why:
                self.stale_orders.append(f"{order.id}: {why}")

    def account(self, live: Live, step: Step) -> None:
        """Every step: which orders are of unknown fate, and for how long."""
        event, trading = step.envelope.event, live.engine.trading
        assert trading is not None
        if isinstance(event, OrderUnknown):
            self._unknown.setdefault(event.order, step.envelope.at)
        for name, since in list(self._unknown.items()):
            if trading.account.orders[name].state not in ("decided", "sent", "unknown"):
                self.unknown_ms.append((step.envelope.at - since) / 1e6)
                del self._unknown[name]

    def carried(self, live: Live, effect: Effect) -> None:
        if isinstance(effect, Alert) and effect.key in self._alerts:
            self.alert_ms.append((live.clock.now() - self._alerts.pop(effect.key)) / 1e6)

    def told(self) -> dict[str, Any]:
        return {
            "stale_orders": self.stale_orders, "unknown_ms": self.unknown_ms,
            "open_ms": self.open_ms, "alert_ms": self.alert_ms,
        }  # fmt: skip


async def trade(
    at: str,
    data: Path,
    seconds: float,
    tidy: bool,
    house: type[House] = House,
    watch: Callable[[Live, Step], None] = lambda live, step: None,
) -> dict[str, Any]:
    """One run; with `tidy` what is under way is ended and nothing is begun."""
    where = addresses(at)
    settings = within_bounds(Settings(data_dir=str(data)))
    running.CLOSING = Ns(SECOND)  # these exchanges never fall quiet
    seen = Seen()

    def watched(live: Live, step: Step) -> None:
        seen.watch(live, step)
        watch(live, step)

    live = Live(house(settings, where), watched)
    project, carry = live.loop.project, live.loop.carry

    def projected(step: Step) -> None:
        seen.account(live, step)
        project(step)

    def carried(effect: Effect) -> None:
        carry(effect)
        seen.carried(live, effect)

    live.loop.project, live.loop.carry = projected, carried
    first = read_links(Path(where.links), "generator")
    if tidy:
        first = [OperatorAsked("test", WIND_DOWN, ())]
    await live.go(seconds, first)
    told = await settle_up(live, where)
    throttled = sum(driver.counts["throttled"] for driver in live.drivers.values())
    return told | seen.told() | {"throttled": throttled, "ended": live.why, "run": live.run}


class Enough:
    """Ends the run once `wanted` orders were decided."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted

    def __call__(self, live: Live, step: Step) -> None:
        orders = [e for e in step.effects if isinstance(e, SubmitOrder | SubmitOrders)]
        self.wanted -= sum(len(orders_of(effect)) for effect in orders)
        if self.wanted <= 0:
            live.stop("enough orders")


def main(at: str, data: str, span: str) -> None:
    if span == "settle":
        told = asyncio.run(trade(at, Path(data), TIDY_S, tidy=True))
    elif span.startswith("orders:"):
        enough = Enough(int(span.removeprefix("orders:")))
        told = asyncio.run(trade(at, Path(data), ORDERS_S, tidy=False, watch=enough))
    else:
        told = asyncio.run(trade(at, Path(data), float(span), tidy=False))
    sys.stdout.write(msgspec.json.encode(told).decode() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
