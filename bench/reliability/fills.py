"""P4: fills that come twice, out of order, late, or are taken back: each counts once."""

import random
from typing import Any

from dutchbook.domain.account_events import AccountSeen, FillVoided, OrderAcked, OrderFilled
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.orders import Order
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.state.account import Account
from dutchbook.state.invariants import invariants

AT = Ns(1_790_000_000 * SECOND)
KEY = "polymarket:0xb"
SIZE = 50
OPENING = 1_000_000 * ONE


def count_once(fills: int, seed: int) -> list[str]:
    """30 % of the fills twice, 10 % out of order, 5 % only in a report, 5 % voided; [] if right."""
    rng = random.Random(seed)
    account = Account()
    account.apply(RunStarted("r1", "sim", seed, "0", "", "e1"), AT, 1)
    account.apply(AccountSeen("polymarket", "us", AT, Ns(0), Usd(OPENING), (), (), ()), AT, 2)
    cash, held = OPENING, 0
    for n in range(fills // SIZE):
        order = Order(
            f"o{n}", "polymarket", "us", KEY, "yes", "buy", Px(400_000), Qty(SIZE * ONE), "ioc",
            AT, "leg", fee_max=Usd(50_000),
        )  # fmt: skip
        account.record(SubmitOrder(order), AT)
        account.apply(OrderAcked(order.id, f"v{n}"), AT, n + 3)
        good = _told(rng, account, order, n)
        cash -= good * (400_000 + 10)
        held += good * ONE
    found = invariants(account)
    if account.cash("polymarket") != cash:
        found.append(f"seed {seed}: cash {account.cash('polymarket')}, should be {cash}")
    if account.held(KEY, "yes") != held:
        found.append(f"seed {seed}: {account.held(KEY, 'yes')} held, should be {held}")
    return found


def _told(rng: random.Random, account: Account, order: Order, n: int) -> int:
    """Tell the account of one order's fills; how many of them were not voided."""
    fills = [
        OrderFilled(
            "polymarket", "us", order.id, f"v{n}", f"t{n}.{m}", KEY, "yes", "buy", Px(400_000),
            Qty(ONE), Usd(10), False, AT, provisional=True,
        )
        for m in range(SIZE)
    ]  # fmt: skip
    voided = {fill.trade for fill in fills if rng.random() < 0.05}
    events: list[Any] = [*fills, *(fill for fill in fills if rng.random() < 0.3)]
    events += [FillVoided("polymarket", "us", trade, "failed") for trade in sorted(voided)]
    for _ in range(len(events) // 10):
        a, b = rng.randrange(len(events)), rng.randrange(len(events))
        events[a], events[b] = events[b], events[a]
    late = {fill.trade for fill in fills if rng.random() < 0.05}
    missed = [e for e in events if isinstance(e, OrderFilled) and e.trade in late]
    for event in (*(e for e in events if e not in missed), *fills):
        account.apply(event, AT, n + 3)
    return SIZE - len(voided)
