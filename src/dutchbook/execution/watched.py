"""What quoting looks at all the time: best prices of watched markets, and where quotes stand."""

from typing import Protocol

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.units import Ns, Px, Qty
from dutchbook.domain.wish import Position
from dutchbook.execution.desk import Desk
from dutchbook.execution.slots import side_of
from dutchbook.state.account import Account


class Top(Protocol):
    """The best prices of a book, in YES terms."""

    bid: int
    ask: int


class Watch:
    """A market that somebody watches: its best prices when they were last asked.

    `feeds`: (strategy, other market) whose wishes there rest on the price here.
    """

    __slots__ = (
        "ask", "bid", "due", "feeds", "key", "names", "no", "no_ask", "no_bid", "venue", "yes",
    )  # fmt: skip

    def __init__(self, key: str, names: list[str], yes: Top, no: Top) -> None:
        self.key = key
        self.venue = key.partition(":")[0]
        self.names = names
        self.yes, self.no = yes, no
        self.bid = self.ask = self.no_bid = self.no_ask = -1
        self.due = Ns(0)
        self.feeds: list[tuple[str, str]] = []

    def moved(self) -> bool:
        """Whether a best price is another one than when this was last true."""
        yes, no = self.yes, self.no
        same = yes.bid == self.bid and yes.ask == self.ask
        if same and (no is yes or (no.bid == self.no_bid and no.ask == self.no_ask)):
            return False
        self.bid, self.ask, self.no_bid, self.no_ask = yes.bid, yes.ask, no.bid, no.ask
        return True


class Seen:
    """The view of one strategy: implements `QuoteView`."""

    __slots__ = ("_account", "_name", "_view", "now", "run", "seq")

    def __init__(self, view: View, account: Account, name: str) -> None:
        self._view, self._account, self._name = view, account, name
        self.now, self.seq, self.run = view.now, view.seq, view.run

    def instrument(self, key: str) -> Instrument:
        return self._view.instrument(key)

    def stale(self, key: str, outcome: Outcome) -> str:
        return self._view.stale(key, outcome)

    def best(self, key: str, outcome: Outcome) -> tuple[Px, Qty]:
        return self._view.best(key, outcome)

    def offers(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        return self._view.offers(key, outcome, levels)

    def bids(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        return self._view.bids(key, outcome, levels)

    def book(self, key: str, outcome: Outcome) -> tuple[int, int, int]:
        return self._view.book(key, outcome)

    def position(self, key: str, outcome: Outcome) -> Position:
        return self._account.stakes.position(self._name, key, outcome)

    def ours(self, key: str) -> list[tuple[bool, Px, Qty]]:
        found = []
        for life in self._account.live_of.get(key, {}).values():
            side = side_of(life.order)
            found.append((side.bid, Px(side.px), life.left))
        return found


class Standing:
    """Where quotes stand, and since when by strategy: read anew only after the account changed.

    `oldest` is decided at (ns) the first of those that live, at venues of this run or not.
    """

    __slots__ = ("_desk", "_version", "oldest", "places")

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._version = -1
        self.places: list[tuple[str, str]] = []
        self.oldest: dict[str, Ns] = {}

    def now(self) -> "Standing":
        account = self._desk.account
        if self._version == account.version:
            return self
        self._version = account.version
        lives = [life for life in account.live.values() if life.order.purpose == "quote"]
        here = [life.order for life in lives if life.order.venue in self._desk.accounts]
        self.places = list(dict.fromkeys((order.strategy, order.key) for order in here))
        self.oldest = {}
        for life in lives:
            name = life.order.strategy
            self.oldest[name] = min(self.oldest.get(name, life.decided_at), life.decided_at)
        return self
