"""What must hold of the account after every step; a text for each thing that does not."""

from dutchbook.domain.units import Qty
from dutchbook.state.account import Account
from dutchbook.state.stakes import NETTING, OTHER
from dutchbook.state.strangers import stake


def invariants(account: Account) -> list[str]:
    """I5 to I21, as far as the state alone can show them; [] when all hold."""
    broken = [*_orders(account), *_money(account)]
    worst: int = sum(life.reserved for life in account.orders.values())
    worst += sum(stake(row) for row in account.foreign.values())
    if not worst == account.stake_total == sum(account.stake_at.values()):
        broken.append(f"I21 orders may cost {worst}, counted {account.stake_total}")
    for name in account.live:
        if name not in account.orders:
            broken.append(f"live order {name} is not among the orders")
    return broken


def _orders(account: Account) -> list[str]:
    broken = []
    for name, life in account.orders.items():
        order = life.order
        if life.filled != sum(fill.qty for fill in life.fills):
            broken.append(f"I7 {name}: filled {life.filled} is not the sum of its fills")
        if life.alive != (name in account.live):
            broken.append(f"{name}: state {life.state}, live {name in account.live}")
        if life.filled < 0 or life.canceled < 0:
            broken.append(f"I7 {name}: filled {life.filled}, canceled {life.canceled}")
        ended = life.state in ("canceled", "expired", "filled")
        if ended and life.filled + life.canceled + life.owed < order.qty:
            broken.append(
                f"I8 {name}: {life.filled} + {life.canceled} of {order.qty} accounted for"
            )
        if len({(fill.trade, fill.leg) for fill in life.fills}) != len(life.fills):
            broken.append(f"I11 {name}: a fill was counted twice")
        if life.alive and life.reserved < 0:
            broken.append(f"I21 {name}: reserved {life.reserved}")
    return broken


def _money(account: Account) -> list[str]:
    sums: dict[str, int] = {}
    for (_, asset), amount in account.ledger.totals.items():
        sums[asset] = sums.get(asset, 0) + amount
    broken = [f"I13 {asset}: sums to {total}" for asset, total in sums.items() if total]
    for key, outcome in account.keys_held():
        held = account.held(key, outcome)
        if account.money.provisional.get((key, outcome), 0) > max(held, Qty(0)):
            broken.append(f"I15 {key} {outcome}: more provisional than held")
        other = account.held(key, OTHER[outcome])
        if key.partition(":")[0] in NETTING and (held < 0 or other):
            broken.append(f"I16 {key}: {held} {outcome} beside {other} where sides net")
    return broken
