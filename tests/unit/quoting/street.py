"""Quoters that say what a story tells them, before the whole trader on a scripted venue."""

from typing import Any

from dutchbook.domain.events import RunStarted
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty
from dutchbook.domain.wish import Position, Wish
from dutchbook.execution.config import Config, Exits
from dutchbook.execution.manager import Made
from dutchbook.runtime.bootstrap import EngineSettings, trading_of
from dutchbook.runtime.settings import Strategies
from unit.execution.floor import ACCOUNTS, Story
from unit.execution.floor_books import CENTS, Books

KEY, OTHER = "kalshi:K", "polymarket:A"


class Tops(Books):
    """Books with a best price a side, in YES terms; `dead` are the stale ones."""

    def __init__(self) -> None:
        super().__init__()
        self.dead: dict[str, str] = {}
        self.tops: dict[str, Any] = {}
        for key in (KEY, OTHER):
            self.set(key, 38, 42)

    def set(self, key: str, bid: int, ask: int, size: int = 100) -> None:
        self.asks[key, "yes"], self.pays[key, "yes"] = [(ask, size)], [(bid, size)]
        self.asks[key, "no"], self.pays[key, "no"] = [(100 - bid, size)], [(100 - ask, size)]
        top = self.tops.setdefault(key, type("Top", (), {})())
        top.bid, top.ask = bid * CENTS, ask * CENTS

    def stale(self, key: str, outcome: str) -> str:
        return self.dead.get(key, "")

    def source(self, key: str, outcome: str) -> Any:
        return self.tops[key]

    def instruments(self) -> list[Any]:
        return [self.instrument(key) for key in self.tops]

    def groups(self) -> list[Any]:
        return []

    def approved(self) -> list[Any]:
        return []


class Toy:
    """Wants what `wants` says, by key; counts how often it was asked."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        self.name = name
        self.review = params.get("review_s", 30) * SECOND
        self.age_max = params.get("age_s", 0) * SECOND
        self.wants: dict[str, list[Wish] | None] = {}
        self.asked = 0
        self.held: list[tuple[Position, Position]] = []
        self.trades: list[Any] = []

    def watches(self, catalogue: Any) -> list[str]:
        return [one.key for one in catalogue.instruments()]

    def on_trade(self, trade: Any, view: Any) -> None:
        self.trades.append(trade)

    def decide(self, key: str, view: Any) -> list[Wish] | None:
        self.asked += 1
        self.held.append((view.position(key, "yes"), view.position(key, "no")))
        return self.wants.get(key, [])


class Street(Story):
    """A story with toys "a" and "b"; both enabled, with $1,000 each, unless said otherwise."""

    def __init__(self, enabled: str = "a,b", **execution: Any) -> None:
        self.enabled = enabled
        self.toys: dict[str, Toy] = {}
        self.kinds = {name: self._kind(name) for name in ("a", "b")}
        super().__init__(**execution)

    def _kind(self, name: str) -> Any:
        def build(params: dict[str, Any]) -> Made:
            budget = params.get("budget", 1_000 * ONE)
            if not isinstance(budget, int):
                raise ValueError("budget must be a whole number")
            toy = Toy(name, params)
            toy.wants = self.toys[name].wants if name in self.toys else {}
            self.toys[name] = toy
            return Made(toy, budget)

        return build

    def start(self, state: bytes) -> None:
        if not hasattr(self, "books"):
            self.books = Tops()
        self.view = self.books
        self.lives += 1
        self.settings = EngineSettings(
            execution=Config(queue_bound_ms=2_000), exits=Exits(basket_take=0), accounts=ACCOUNTS,
            strategies=Strategies(enabled=self.enabled),
        )  # fmt: skip
        self.trading = trading_of(self.settings, self.kinds)
        self.account = self.trading.account
        if state:
            self.account.restore(state)
        self.timers = {}
        accounts = tuple(ACCOUNTS.items())
        self.hear(RunStarted(f"r{self.lives}", "sim", 7, "0", "", f"e{self.lives}", accounts))
        self.wait(300)

    @property
    def quoting(self) -> Any:
        return self.trading.trader.quoting

    def want(self, name: str, *wishes: Wish, key: str = KEY) -> None:
        """From now on it wants this; it is asked at once, as if a price had moved."""
        self.toys[name].wants[key] = list(wishes)
        self.move(key)

    def move(self, key: str = KEY, bid: int = 0, ask: int = 0) -> None:
        if bid:
            self.books.set(key, bid, ask)
        self._next()
        if key in self.quoting.watched:
            self.trading.moved(key, self.view, Ns(self.now), self.seq)
        self._drain()

    def standing(self) -> list[tuple[str, str, str, str, int, float]]:
        """Our live quotes: (strategy, slot, action, outcome, cents, contracts left)."""
        return [
            (o.strategy, o.slot, o.action, o.outcome, o.px // CENTS, life.left / ONE)
            for life in self.account.live.values()
            if (o := life.order).purpose == "quote"
        ]

    def stake(self, name: str, key: str = KEY) -> tuple[float, float]:
        """Contracts of YES and NO that a strategy holds."""
        place = self.account.stakes.position
        return place(name, key, "yes").qty / ONE, place(name, key, "no").qty / ONE


def bid(px: int, qty: int = 10, slot: str = "bid", key: str = KEY, **more: Any) -> Wish:
    """A bid for YES."""
    return Wish(slot, key, "yes", "buy", Px(px * CENTS), Qty(qty * ONE), **more)


def ask(px: int, qty: int = 10, slot: str = "ask", key: str = KEY, **more: Any) -> Wish:
    """An offer of YES at this price by buying NO."""
    return Wish(slot, key, "no", "buy", Px((100 - px) * CENTS), Qty(qty * ONE), **more)


def sell(px: int, qty: int = 10, slot: str = "ask", key: str = KEY, **more: Any) -> Wish:
    return Wish(slot, key, "yes", "sell", Px(px * CENTS), Qty(qty * ONE), **more)


__all__ = ["KEY", "MILLI", "OTHER", "Street", "Toy", "ask", "bid", "sell"]
