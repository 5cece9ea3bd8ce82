"""What could be lost where: positions at cost and orders that may still fill, at their worst."""

from collections.abc import Iterable

from dutchbook.domain.candidate import View
from dutchbook.domain.orders import Order
from dutchbook.domain.units import ONE, ceil_div
from dutchbook.state.account import Account


def cost_of(order: Order) -> int:
    """The cash that an order can take in all; a sale takes none."""
    return ceil_div(order.px * order.qty, ONE) + order.fee_max if order.action == "buy" else 0


class Exposure:
    """Sums in millionths by market, event, category, strategy and venue, and in all."""

    def __init__(self, account: Account, view: View) -> None:
        self.market: dict[str, int] = {}
        self.event: dict[str, int] = {}
        self.category: dict[str, int] = {}
        self.strategy: dict[str, int] = {}
        self.venue: dict[str, int] = {}
        self.total = 0
        self._view = view
        for asset, cost in account.ledger.inventory.items():
            if cost:
                self._add(asset.rpartition("|")[0], "", cost)
        for life in account.live.values():
            if life.reserved:
                self._add(life.order.key, life.order.strategy, life.reserved)

    def add(self, orders: Iterable[Order]) -> None:
        """Orders that are about to be decided."""
        for order in orders:
            cost = cost_of(order)
            if cost:
                self._add(order.key, order.strategy, cost)

    def _add(self, key: str, strategy: str, cost: int) -> None:
        self.total += cost
        for sums, name in (
            (self.market, key),
            (self.strategy, strategy),
            (self.venue, key.partition(":")[0]),
        ):
            sums[name] = sums.get(name, 0) + cost
        try:
            market = self._view.instrument(key)
        except KeyError:
            return  # no longer listed: it counts where its name says
        for sums, name in ((self.event, market.event), (self.category, market.category)):
            sums[name] = sums.get(name, 0) + cost


def heat(account: Account) -> int:
    """The worst loss of what is held: its cost less what done baskets pay back at least."""
    held = sum(account.ledger.inventory.values())
    return max(0, held - sum(account.guaranteed.values()))
