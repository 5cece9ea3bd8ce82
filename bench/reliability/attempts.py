"""P6: many proposers at once, orders that fill, end and come again: no limit by one unit."""

import random

import msgspec

from bench.orders_world import ACCOUNTS, NOW, crowded
from dutchbook.domain.account_events import OrderCanceled, OrderFilled
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.orders import Order
from dutchbook.domain.units import ONE, Qty, Usd
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

PROPOSERS = 64
PER_MARKET, PER_VENUE = 30 * ONE, 400 * ONE
LIMITS = RiskLimits(
    repeats_max=10_000, orders_per_second=100_000, per_market=PER_MARKET, per_venue=PER_VENUE,
    position_share=ONE, heat_share=ONE,
)  # fmt: skip
AGE = 20_000
"""Attempts after which a new account begins: an old one is full."""


class Tally(msgspec.Struct):
    attempts: int = 0
    passed: int = 0
    restarts: int = 0
    market_most: int = 0
    venue_most: int = 0
    broken: list[str] = []


def attempt(count: int, seed: int) -> Tally:
    """Propose so many orders; sums are worked out anew from the orders alone, without the gate."""
    tally = Tally(broken=[])
    while tally.attempts < count and not tally.broken:
        _age(tally, min(AGE, count - tally.attempts), seed * 1_000_003 + tally.attempts)
    return tally


def _age(tally: Tally, count: int, seed: int) -> None:
    """Each of 64 proposers made its order on what it saw last; then all want to place theirs."""
    rng = random.Random(seed)
    gate, account, view, _ = crowded(0)
    gate.limits = LIMITS
    desk = Desk(account, gate, Config(), ACCOUNTS)
    done = 0
    while done < count:
        desk.at(NOW, done + 10)
        proposed: list[Order] = []
        for _ in range(min(PROPOSERS, count - done)):
            market = view.instrument(f"kalshi:{rng.choice('ABCDE')}{rng.randrange(10):02d}0")
            size = rng.randrange(1, 60) * ONE
            proposed.append(desk.order(market, "yes", "buy", 300_000, size, "leg"))
        rng.shuffle(proposed)
        gate._sent.clear()
        for order in proposed:
            if gate.check((order,), account, view, NOW) is None:
                account.record(SubmitOrder(order), NOW)
                tally.passed += 1
        done += len(proposed)
        tally.attempts += len(proposed)
        _recount(tally, account, seed)
        _happen(rng, account, done)
        _recount(tally, account, seed)
        if rng.random() < 0.02:
            account.restore(account.take())
            tally.restarts += 1


def _happen(rng: random.Random, account: Account, n: int) -> None:
    """Some fill a little, some end; what ends gives its reservation back."""
    for m, life in enumerate(list(account.live.values())):
        order, chance = life.order, rng.random()
        if chance < 0.1:
            fill = OrderFilled(
                "kalshi", "us", order.id, "", f"t{n}.{m}", order.key, "yes", "buy", order.px,
                Qty(min(life.left, ONE)), Usd(100), False, NOW,
            )  # fmt: skip
            account.apply(fill, NOW, n)
        elif chance < 0.6:
            ended = OrderCanceled(order.id, f"v{order.id}", "no_match", life.left, life.filled)
            account.apply(ended, NOW, n)


def _recount(tally: Tally, account: Account, seed: int) -> None:
    by_market: dict[str, int] = {}
    for life in account.orders.values():
        worst = life.paid + life.fees + life.reserved
        by_market[life.order.key] = by_market.get(life.order.key, 0) + worst
    market, venue = max(by_market.values(), default=0), sum(by_market.values())
    tally.market_most = max(tally.market_most, market)
    tally.venue_most = max(tally.venue_most, venue)
    if market > PER_MARKET or venue > PER_VENUE:
        tally.broken.append(f"seed {seed}: {market} in a market, {venue} at the venue")
    if account.stake_total != sum(life.reserved for life in account.live.values()):
        tally.broken.append(f"seed {seed}: what is reserved does not add up")
