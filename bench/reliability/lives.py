"""Simulated lives of orders: a venue that knows, a channel that loses, repeats and reorders.

Every life goes through the account's own fold. After each event what must hold of it is checked;
at its end the account must say exactly what the venue says.
"""

import random
from collections.abc import Iterator
from typing import Final

import msgspec

from dutchbook.domain.account_events import (
    AccountSeen,
    FillSettled,
    FillVoided,
    OrderAcked,
    OrderCanceled,
    OrderFilled,
    OrderMissing,
    OrderRejected,
    OrderSeen,
    OrderSent,
    OrderUnknown,
)
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import Event, RunStarted
from dutchbook.domain.orders import Order
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.state.account import Account
from dutchbook.state.invariants import invariants
from dutchbook.state.lives import Life

START: Final = Ns(1_790_000_000 * SECOND)
BATCH: Final = 2_000
"""Lives of one account; its invariants are checked as a whole at the end of each batch."""
RESTARTS: Final = 4
CASH: Final = Usd(10_000_000 * ONE)


class Tally(msgspec.Struct):
    """What ran, and what was wrong; `broken` names the batch's seed, so that it can run again."""

    lives: int = 0
    events: int = 0
    unknown: int = 0
    voided: int = 0
    never_arrived: int = 0
    restarts: int = 0
    broken: list[str] = []


class _Truth:
    """What the venue knows of one order."""

    def __init__(self, rng: random.Random, order: Order, n: int) -> None:
        self.order = order
        self.name = f"v{n}"
        self.arrives = rng.random() < 0.92
        self.rejects = self.arrives and rng.random() < 0.05
        self.fills: list[OrderFilled] = []
        self.void: set[str] = set()
        if not self.arrives or self.rejects:
            return
        left = rng.choice((0, order.qty // 2, order.qty, order.qty, order.qty))
        while left > 0:
            qty = min(left, max(10_000, left // rng.choice((1, 2)) // 10_000 * 10_000))
            self._fill(rng, qty, n)
            left -= qty

    def _fill(self, rng: random.Random, qty: int, n: int) -> None:
        order = self.order
        trade = f"t{n}.{len(self.fills)}"
        provisional = order.venue == "polymarket"
        if provisional and rng.random() < 0.08:
            self.void.add(trade)
        fill = OrderFilled(
            order.venue, "us", order.id, self.name, trade, order.key, order.outcome, order.action,
            order.px, Qty(qty), Usd(rng.randrange(0, 500)), False, START, provisional=provisional,
        )  # fmt: skip
        self.fills.append(fill)

    @property
    def good(self) -> list[OrderFilled]:
        return [fill for fill in self.fills if fill.trade not in self.void]

    def ended(self) -> OrderCanceled:
        filled = sum(fill.qty for fill in self.fills)
        left = self.order.qty - filled
        return OrderCanceled(self.order.id, self.name, "no_match", Qty(left), Qty(filled))

    def stream(self) -> list[Event]:
        """Everything that the venue would tell, in its order."""
        order = self.order
        if self.rejects:
            return [OrderSent(order.id), OrderRejected(order.id, "funds", "no", "e" * 32)]
        if not self.arrives:
            return [OrderSent(order.id), OrderUnknown(order.id, "no answer")]
        told: list[Event] = [OrderSent(order.id), OrderAcked(order.id, self.name), *self.fills]
        if sum(fill.qty for fill in self.fills) < order.qty:
            told.append(self.ended())
        return [*told, *self.fates()]

    def fates(self) -> list[Event]:
        """How its provisional trades ended."""
        return [
            FillVoided(f.venue, "us", f.trade, "reverted")
            if f.trade in self.void
            else FillSettled(f.venue, "us", f.trade, "confirmed")
            for f in self.fills
            if f.provisional
        ]

    def asked(self) -> list[Event]:
        """The answer to a question for this order."""
        order = self.order
        if not self.arrives or self.rejects:
            return [OrderMissing(order.id, "m" * 32)]
        filled = sum(fill.qty for fill in self.good)
        row = OrderSeen(
            order.venue, "us", order.id, self.name, order.key, order.outcome, order.action,
            order.px, order.qty, "filled" if filled == order.qty else "canceled", Qty(filled),
        )  # fmt: skip
        return [*self.good, row, *self.fates()]


def simulate(lives: int, seed: int) -> Tally:
    """Live so many lives; the tally's `broken` is empty if nothing was ever wrong."""
    tally = Tally(broken=[])
    for batch in range(-(-lives // BATCH)):
        count = min(BATCH, lives - batch * BATCH)
        _batch(tally, seed * 1_000_003 + batch, count)
        if tally.broken:
            break
    return tally


def _batch(tally: Tally, seed: int, count: int) -> None:
    rng = random.Random(seed)
    account = Account(Ns(2 * SECOND))
    at, seq = START, 1
    account.apply(RunStarted("r1", "sim", seed, "0", "", "e1"), at, seq)
    for venue in ("kalshi", "polymarket"):
        account.apply(AccountSeen(venue, "us", at, Ns(0), CASH, (), (), ()), at, seq)
    cash = {"kalshi": int(CASH), "polymarket": int(CASH)}
    held: dict[str, int] = {}
    for n in range(count):
        order = _order(rng, n, at)
        truth = _Truth(rng, order, n)
        account.record(SubmitOrder(order), at)
        life = account.orders[order.id]
        for event in _channel(rng, truth.stream()):
            at, seq = Ns(at + MILLI), seq + 1
            account.apply(event, at, seq)
            tally.events += 1
            _check(tally, life, seed, n)
        tally.unknown += life.state in ("decided", "sent", "unknown")
        for _ in range(6):
            if not truth.arrives or truth.rejects:
                at = Ns(at + SECOND)
            for event in truth.asked():
                seq += 1
                account.apply(event, at, seq)
                tally.events += 1
                _check(tally, life, seed, n)
        _ended(tally, life, truth, seed, n)
        for fill in truth.good:
            cash[order.venue] -= fill.px * fill.qty // ONE + fill.fee
            held[order.key] = held.get(order.key, 0) + fill.qty
        tally.voided += len(truth.void)
        tally.never_arrived += life.state == "never_arrived"
        tally.lives += 1
        if rng.random() < RESTARTS / BATCH:
            account = _restarted(account, at, seq)
            tally.restarts += 1
        if tally.broken:
            return
    _whole(tally, account, cash, held, seed)


def _order(rng: random.Random, n: int, at: Ns) -> Order:
    venue = rng.choice(("kalshi", "polymarket"))
    qty = Qty(rng.randrange(1, 50) * ONE)
    px = Px(rng.randrange(1, 99) * 10_000)
    key = f"{venue}:M{rng.randrange(20)}"
    return Order(f"e1-{n}-1", venue, "us", key, "yes", "buy", px, qty, "ioc", at, "leg",
                 fee_max=Usd(50_000))  # fmt: skip


def _channel(rng: random.Random, told: list[Event]) -> Iterator[Event]:
    """What arrives: 12 % lost, 20 % twice, some out of order; our own word is never lost."""
    events = [one for one in told if isinstance(one, OrderSent | OrderUnknown)]
    for one in told[len(events) :] if events else told:
        if rng.random() < 0.12:
            continue
        events += [one] * (2 if rng.random() < 0.2 else 1)
    for _ in range(len(events) // 3):
        a, b = rng.randrange(len(events)), rng.randrange(len(events))
        events[a], events[b] = events[b], events[a]
    yield from events


def _check(tally: Tally, life: Life, seed: int, n: int) -> None:
    """What must hold of a life after every event."""
    filled = sum(fill.qty for fill in life.fills)
    trades = {(fill.trade, fill.leg) for fill in life.fills}
    sound = (
        life.filled == filled <= life.order.qty
        and len(trades) == len(life.fills)
        and life.canceled >= 0
        and life.reserved >= 0
        and (life.alive or life.owed or not life.reserved)
    )
    if not sound:
        tally.broken.append(f"simulate(seed batch {seed}), life {n}: {life.state} {life.filled}")


def _ended(tally: Tally, life: Life, truth: _Truth, seed: int, n: int) -> None:
    """Its end is the venue's: what filled, and nothing left reserved."""
    want = sum(fill.qty for fill in truth.good)
    if life.alive or life.filled != want or life.reserved or life.owed:
        tally.broken.append(
            f"batch {seed}, life {n}: {life.state}, {life.filled} filled, venue {want}"
        )


def _restarted(account: Account, at: Ns, seq: int) -> Account:
    again = Account(account.queue_bound)
    again.restore(account.take())
    again.apply(RunStarted("r2", "sim", 0, "0", "", "e1"), at, seq)
    return again


def _whole(
    tally: Tally, account: Account, cash: dict[str, int], held: dict[str, int], seed: int
) -> None:
    for venue, want in cash.items():
        if account.cash(venue) != want:
            tally.broken.append(f"batch {seed}: {venue} {account.cash(venue)}, venue {want}")
    for key, want in held.items():
        if account.held(key, "yes") != want:
            tally.broken.append(f"batch {seed}: {key} {account.held(key, 'yes')}, venue {want}")
    if account.stake_total:
        tally.broken.append(f"batch {seed}: {account.stake_total} still reserved")
    tally.broken += [f"batch {seed}: {text}" for text in invariants(account)]
