"""Account state as bytes and back: equal states give equal bytes."""

from typing import TYPE_CHECKING

import msgspec

from dutchbook.domain.account_events import AccountSeen, OrderFilled, OrderSeen, RateSeen, VenueMode
from dutchbook.domain.errors import JournalError
from dutchbook.domain.orders import Order, State
from dutchbook.domain.step import BasketBegun, HaltMoved, Stage, StrategyMoved
from dutchbook.domain.units import Ns, Qty, Usd
from dutchbook.state import strangers
from dutchbook.state.baskets import BasketLife
from dutchbook.state.ledger import USD, Posting
from dutchbook.state.lives import Life
from dutchbook.state.stakes import Kept
from dutchbook.state.trouble import Count

if TYPE_CHECKING:
    from dutchbook.state.account import Account


class _Life(msgspec.Struct, array_like=True):
    order: Order
    state: State
    venue_order: str
    filled: Qty
    canceled: Qty
    claimed: Qty
    fees: Usd
    paid: Usd
    decided_at: Ns
    since: Ns
    why: str
    reason: str
    missing: int
    missing_since: Ns
    fills: list[OrderFilled]


class _Basket(msgspec.Struct, array_like=True):
    begun: BasketBegun
    stage: Stage
    why: str
    locked: Usd
    residual: tuple[tuple[str, str, Qty], ...]
    moved_at: Ns


class _Account(msgspec.Struct, array_like=True):
    """A new field goes last, with a default."""

    epoch: str
    lives: list[_Life]
    baskets: list[_Basket]
    halts: list[HaltMoved]
    modes: list[VenueMode]
    reconciled: list[tuple[str, bool]]
    skews: list[tuple[str, Ns]]
    seen: list[AccountSeen]
    external: list[OrderSeen]
    orphans: list[OrderFilled]
    totals: list[tuple[str, str, int]]
    pending: list[tuple[OrderFilled, tuple[Posting, ...]]]
    voided: list[tuple[str, str, str]]
    paid: list[tuple[str, int, tuple[Posting, ...]]]
    accounts: tuple[tuple[str, str], ...] = ()
    marks: list[tuple[str, Usd]] = []
    guaranteed: list[tuple[str, int]] = []
    rates: list[RateSeen] = []
    ramp: tuple[int, Ns] | None = None
    breached: Ns = Ns(0)
    mode: str = ""
    trouble: list[tuple[str, Count]] = []
    adopted: list[tuple[str, str, str, int]] = []
    foreign: list[OrderSeen] = []
    stakes: Kept = msgspec.field(default_factory=Kept)
    switches: list[StrategyMoved] = []


_FIELDS = _Life.__struct_fields__


def encode(account: "Account") -> bytes:
    """Everything that the fold has made, in a fixed order."""
    money = account.money
    whole = _Account(
        account.epoch,
        [_Life(*(getattr(life, name) for name in _FIELDS)) for life in account.orders.values()],
        [
            _Basket(b.begun, b.stage, b.why, b.locked, b.residual, b.moved_at)
            for b in account.baskets.values()
        ],
        [account.halts[name] for name in sorted(account.halts)],
        [account.modes[name] for name in sorted(account.modes)],
        sorted(account.reconciled.items()),
        sorted(account.skews.items()),
        [account.seen[name] for name in sorted(account.seen)],
        [account.external[name] for name in sorted(account.external)],
        account.orphans,
        sorted((*place, amount) for place, amount in account.ledger.totals.items() if amount),
        [row for rows in money.pending.values() for row in rows],
        sorted(money.voided),
        sorted((name, *known) for name, known in money.paid.items()),
        account.accounts,
        sorted(account.marks.items()),
        sorted(account.guaranteed.items()),
        [account.rates[name] for name in sorted(account.rates)],
        account.ramp,
        account.breached,
        account.mode,
        sorted(account.trouble.by_key.items()),
        list(account.adopted),
        [account.foreign[name] for name in sorted(account.foreign)],
        account.stakes.take(),
        [account.switches[name] for name in sorted(account.switches)],
    )
    return msgspec.msgpack.encode(whole)


def decode_into(account: "Account", data: bytes) -> None:
    """Make an account what `encode` was given. Raises JournalError."""
    try:
        whole = msgspec.msgpack.decode(data, type=_Account)
    except msgspec.DecodeError as error:
        raise JournalError(f"the account in a snapshot can't be read: {error}") from error
    settings = account.queue_bound, account.missing_least
    account.__init__(*settings)  # type: ignore[misc]
    account.epoch = whole.epoch
    for row in whole.lives:
        life = Life(row.order, row.decided_at)
        for name in _FIELDS:
            setattr(life, name, getattr(row, name))
        _place(account, life)
    for kept in whole.baskets:
        orders = account.by_basket.setdefault(kept.begun.id, [])
        basket = account.baskets[kept.begun.id] = BasketLife(kept.begun, kept.moved_at, orders)
        basket.stage, basket.why, basket.locked = kept.stage, kept.why, kept.locked
        basket.residual = kept.residual
    account.halts = {halt.scope: halt for halt in whole.halts}
    account.modes = {mode.venue: mode for mode in whole.modes}
    account.reconciled = dict(whole.reconciled)
    account.skews = dict(whole.skews)
    account.seen = {seen.venue: seen for seen in whole.seen}
    account.external = {row.venue_order: row for row in whole.external}
    account.orphans = whole.orphans
    account.adopted = dict.fromkeys(whole.adopted)
    for one in whole.foreign:
        strangers.put(account, one)
    account.rates = {rate.venue: rate for rate in whole.rates}
    account.guaranteed = dict(whole.guaranteed)
    account.accounts, account.marks = whole.accounts, dict(whole.marks)
    account.trouble.by_key = dict(whole.trouble)
    account.ramp, account.breached, account.mode = whole.ramp, whole.breached, whole.mode
    account.ledger.totals = {(name, asset): amount for name, asset, amount in whole.totals}
    for name, asset, amount in whole.totals:
        if asset == USD:
            account.ledger.sum_up(name, amount)
    account.stakes.restore(whole.stakes)
    account.switches = {one.name: one for one in whole.switches}
    for fill, postings in whole.pending:
        account.money.pend(fill, postings)
    account.money.voided = set(whole.voided)
    account.money.paid = {name: (version, rows) for name, version, rows in whole.paid}


def _place(account: "Account", life: Life) -> None:
    order = life.order
    account.orders[order.id] = life
    if life.alive:
        account.live[order.id] = life
    account.weigh(life)
    if life.venue_order:
        account.by_venue[order.venue, life.venue_order] = order.id
    if order.basket:
        account.by_basket.setdefault(order.basket, []).append(order.id)
