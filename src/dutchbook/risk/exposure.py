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
    """Sums in millionths by market, strategy and venue, and in all; by event and category only
    for those that `orders` are of. It reads the account's own sums and adds the new orders."""

    def __init__(self, account: Account, view: View, orders: Iterable[Order]) -> None:
        self._account = account
        self.new: dict[str, int] = {}
        self.event: dict[str, int] = {}
        self.category: dict[str, int] = {}
        self._strategy: dict[str, int] = {}
        self._venue: dict[str, int] = {}
        self.total = account.ledger.held_total + account.stake_total
        for order in orders:
            cost = cost_of(order)
            for sums, name in (
                (self.new, order.key), (self._strategy, order.strategy), (self._venue, order.venue)
            ):  # fmt: skip
                sums[name] = sums.get(name, 0) + cost
            self.total += cost
        self._groups(view)

    def _groups(self, view: View) -> None:
        """What the events and categories of the new orders hold already, and what is added."""
        for key, cost in self.new.items():
            market = view.instrument(key)
            self.event[market.event] = self.event.get(market.event, 0) + cost
            self.category[market.category] = self.category.get(market.category, 0) + cost
        account = self._account
        for stakes in (account.ledger.by_key, account.stake_of):
            for key, cost in stakes.items():
                if not cost:
                    continue
                try:
                    market = view.instrument(key)
                except KeyError:
                    continue  # no longer listed: it counts where its name says
                if market.event in self.event:
                    self.event[market.event] += cost
                if market.category in self.category:
                    self.category[market.category] += cost

    def market(self, key: str) -> int:
        account = self._account
        held = account.ledger.by_key.get(key, 0) + account.stake_of.get(key, 0)
        return held + self.new.get(key, 0)

    def venue(self, name: str) -> int:
        account = self._account
        held = account.ledger.by_venue.get(name, 0) + account.stake_at.get(name, 0)
        return held + self._venue.get(name, 0)

    def strategy(self, name: str) -> int:
        return self._account.stake_by.get(name, 0) + self._strategy.get(name, 0)


def heat(account: Account) -> int:
    """The worst loss of what is held: its cost less what done baskets pay back at least."""
    return max(0, account.ledger.held_total - sum(account.guaranteed.values()))
