"""Which of the venue's orders and tokens are ours, by their names there."""

from typing import Final

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.orders import Order
from dutchbook.domain.units import Qty
from dutchbook.venues.polymarket.account_wire import named
from dutchbook.venues.polymarket.registry import Registry
from dutchbook.venues.polymarket.signed import Wallet, name_of

ORDERS_MAX: Final = 50_000


class Known:
    """Orders by our id and by the venue's; tokens that we may hold, with market and outcome.

    `balances`: what the last complete report said is held. `paid`: payments that were told.
    """

    def __init__(self, registry: Registry, payer: Wallet, account: str) -> None:
        self.registry = registry
        self.payer = payer
        self.account = account
        self.orders: dict[str, Order] = {}
        self.names: dict[str, str] = {}
        self.held: set[str] = set()
        self.balances: dict[tuple[str, Outcome], Qty] = {}
        self.paid: set[str] = set()
        self._tokens: dict[str, tuple[str, Outcome]] = {}

    def learn(self, order: Order, venue_order: str = "", *, name: str = "") -> str:
        """Know an order; return the venue's name for it. ValueError if it can't be an order.

        `name` is that name where it is at hand: else the order is hashed for it.
        """
        name = name or name_of(order, self.payer)
        while len(self.orders) >= ORDERS_MAX and order.id not in self.orders:
            del self.orders[next(iter(self.orders))]
        while len(self.names) >= 2 * ORDERS_MAX:
            del self.names[next(iter(self.names))]
        self.orders[order.id] = order
        self.names[name] = order.id
        if venue_order:
            self.names[named(venue_order)] = order.id
        if order.key:
            self._tokens.setdefault(order.token, (order.key, order.outcome))
        return name

    def of(self, venue_order: str) -> str:
        """Our id of one of the venue's orders; "" if it is not known."""
        return self.names.get(venue_order.lower(), "")

    def ours(self, address: str) -> bool:
        """Whether an address is the one that pays for our orders."""
        return address.lower() == self.payer.funder.lower()

    def key_of(self, symbol: str) -> str:
        """The key of a market by its condition id, however its hex is written."""
        key = f"polymarket:{symbol}"
        return key if key in self.registry.markets else f"polymarket:{named(symbol)}"

    def place(self, token: str, market: str, outcome: str, index: int = -1) -> tuple[str, Outcome]:
        """(market's key, outcome) of a token: as listed, as ordered, or as the venue words it.

        ValueError if nothing tells which side of its market a token is.
        """
        asset = self.registry.assets.get(token)
        if asset is not None:
            return asset.key, "no" if asset.token else "yes"
        if token in self._tokens:
            return self._tokens[token]
        sides: dict[str, Outcome] = {"yes": "yes", "no": "no"}
        side = sides.get(outcome.casefold())
        if side is None and index in (0, 1):
            side = "no" if index else "yes"
        if side is None or not token:
            raise ValueError(f"a token of an unknown market: {token[:80]!r}")
        self._tokens[token] = (self.key_of(market), side)
        return self._tokens[token]
