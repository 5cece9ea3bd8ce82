"""What is held and belongs to no basket and no quoting strategy: how much of it, and since when."""

from itertools import islice

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import Ns
from dutchbook.state.account import Account, Life

Place = tuple[str, Outcome]


class ByHand:
    """Orders by the place that they trade in: an index of `account.orders`, read as these grow."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self._orders: dict[Place, list[Life]] = {}
        self._read = 0

    def begin(self) -> None:
        """A run began, perhaps with another state: read all anew."""
        self._orders, self._read = {}, 0

    def update(self) -> None:
        """Read the orders that were decided since."""
        orders, gone = self.account.orders, self.account.forgotten
        for life in islice(orders.values(), max(0, self._read - gone), None):
            place = (life.order.key, life.order.outcome)
            self._orders.setdefault(place, []).append(life)
        self._read = len(orders) + gone

    def places(self) -> list[Place]:
        """Where something is held now that orders of ours bought."""
        return [place for place in self.account.keys_held() if place in self._orders]

    def qty(self, place: Place) -> int:
        """Contracts of no basket; what a stuck one left there is in a person's hand, too."""
        mine = others = 0
        for life in self._orders.get(place, ()):
            filled = life.filled if life.order.action == "buy" else -life.filled
            if self._is_mine(life):
                mine += filled
            else:
                others += filled
        return max(0, min(mine, self.account.sellable(*place) - others))

    def since(self, place: Place, now: Ns) -> Ns:
        """When the position was opened: the first purchase since nothing was held."""
        held, since = 0, now
        for life in self._orders.get(place, ()):
            if self._is_mine(life) and life.filled:
                since = since if held else life.decided_at
                held += life.filled if life.order.action == "buy" else -life.filled
                held = max(0, held)
        return since

    def _is_mine(self, life: Life) -> bool:
        if life.order.purpose == "quote":
            return False  # a strategy's own, which it will leave by its own rules
        basket = self.account.baskets.get(life.order.basket)
        return basket is None or basket.stage == "stuck"
