"""What could be lost where: positions at cost and orders that may still fill, at their worst."""

from collections.abc import Iterable

from dutchbook.domain.candidate import View
from dutchbook.domain.orders import Order
from dutchbook.domain.units import ONE, Usd, ceil_div
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account


def cost_of(order: Order) -> int:
    """The cash that an order can take in all; a sale takes none."""
    return ceil_div(order.px * order.qty, ONE) + order.fee_max if order.action == "buy" else 0


class Exposure:
    """Sums in millionths by market, strategy and venue, and in all; by event and category for
    those that `orders` are of. It reads the account's own sums and adds the new orders."""

    def __init__(self, account: Account, view: View, orders: Iterable[Order]) -> None:
        self._account = account
        self._view = view
        self.new: dict[str, int] = {}
        self._event: dict[str, int] = {}
        self._category: dict[str, int] = {}
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

    def event(self, name: str, limit: int) -> int:
        """What an event holds, or what all of them do where that is within the limit as well."""
        return self.total if self.total <= limit else self._grouped()[0].get(name, 0)

    def category(self, name: str, limit: int) -> int:
        """As `event`, of a category."""
        return self.total if self.total <= limit else self._grouped()[1].get(name, 0)

    def _grouped(self) -> tuple[dict[str, int], dict[str, int]]:
        """What the events and categories of the new orders hold already, and what is added."""
        events, categories, instrument = self._event, self._category, self._view.instrument
        if events:
            return events, categories
        for key, cost in self.new.items():
            market = instrument(key)
            events[market.event] = events.get(market.event, 0) + cost
            categories[market.category] = categories.get(market.category, 0) + cost
        for stakes in (self._account.ledger.by_key, self._account.stake_of):
            for key, cost in stakes.items():
                if not cost:
                    continue
                try:
                    market = instrument(key)
                except KeyError:
                    continue  # no longer listed: it counts where its name says
                if market.event in events:
                    events[market.event] += cost
                if market.category in categories:
                    categories[market.category] += cost
        return events, categories

    def market(self, key: str) -> int:
        account = self._account
        held = account.ledger.by_key.get(key, 0) + account.stake_of.get(key, 0)
        return held + self.new.get(key, 0)

    def venue(self, name: str) -> int:
        account = self._account
        held = account.ledger.by_venue.get(name, 0) + account.stake_at.get(name, 0)
        return held + self._venue.get(name, 0)

    def strategy(self, name: str, limit: int) -> int:
        """What a strategy's contracts cost, or its done baskets may have, and what its orders may
        still cost; as `event`, all there is where that is within the limit as well."""
        if self.total <= limit:
            return self.total
        baskets = self._account.baskets
        begun = (baskets[one].begun for one in self._account.guaranteed)
        held = Usd(sum(one.capital for one in begun if one.strategy == name))
        held = Usd(max(held, self._account.stakes.cost_of.get(name, 0)))
        return held + self._account.stake_by.get(name, 0) + self._strategy.get(name, 0)


def parting(account: Account) -> int:
    """What would be lost if the venues of every open basket that spans two parted ways: the worst
    residual state of each, of those that are done and held and those with orders out."""
    names = dict.fromkeys(account.guaranteed)
    names.update(dict.fromkeys(life.order.basket for life in account.live.values()))
    baskets = account.baskets
    return sum(baskets[name].begun.residual for name in names if name in baskets)


def parting_room(account: Account, limits: RiskLimits) -> int:
    """How much more may be lost in that way, in millionths; negative where it is too much."""
    return account.equity() * limits.residual_share // ONE - parting(account)


def heat(account: Account) -> int:
    """The worst loss of what is held: its cost less what done baskets pay back at least."""
    return max(0, account.ledger.held_total - sum(account.guaranteed.values()))
