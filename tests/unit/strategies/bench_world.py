"""A real world and view under a strategy with an opinion; only what it holds is told by hand."""

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    FeedUp,
    InstrumentListed,
    StatusChanged,
    TradePrinted,
)
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import DAY, MILLI, ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.domain.wish import Position, Wish
from dutchbook.engine.view import WorldView
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.graph import Graph
from dutchbook.state.world import World
from dutchbook.strategies.calibration import BANDS, HORIZONS, Cell, Table
from dutchbook.strategies.opinion import Opinion

START = Ns(1_790_000_000 * SECOND)
KEY = "kalshi:M"
CENTS = 10_000
HOUR = Ns(3_600 * SECOND)
FEES = FeeSchedule("kalshi", 70_000, 17_500)
EDGES = (0, *BANDS, ONE)


def table(
    yes: int = 0, no: int = 0, horizon: str = "", roles: tuple[str, ...] = ("maker", "taker"),
    wide: int = 10_000,
) -> Table:  # fmt: skip
    """The same excess in every band and category; quantiles `wide` apart about it."""
    cells = []
    for role in roles:
        for outcome, mean in (("yes", yes), ("no", no)):
            for band in range(7):
                px = (EDGES[band] + EDGES[band + 1]) // 2
                quantiles = tuple(mean + wide * step for step in (-3, -2, -1, 0, 1, 2, 3))
                for category, span in {("", ""): 0, ("Crypto", horizon): 0}:
                    cells.append(
                        Cell(role, outcome, category, band, span, px, mean, quantiles, 9, 3, 1)  # type: ignore[arg-type]
                    )
    return Table(tuple(cells))


class View(WorldView):
    """A `QuoteView`: the world's view, and holdings."""

    def __init__(self, world: World) -> None:
        super().__init__(world, Graph())
        self.held: dict[tuple[str, Outcome], Position] = {}

    def position(self, key: str, outcome: Outcome) -> Position:
        return self.held.get((key, outcome), Position())

    def ours(self, key: str) -> list[tuple[bool, Px, Qty]]:
        return []


class Desk:
    """One market with its book, and a strategy that is asked; fills happen when a test says so."""

    def __init__(self, strategy: Opinion, category: str = "Crypto", **more: object) -> None:
        self.strategy = strategy
        self.world = World(FreshLimits())
        self.view = View(self.world)
        self.seq = 0
        self.at = START
        market = Instrument(
            KEY, "kalshi", "M", "E", "title", "Yes", CENT, FEES, category=category,
            closes=Ns(START + 20 * DAY), **more,  # type: ignore[arg-type]
        )  # fmt: skip
        self.tell(InstrumentListed(market), FeedUp("kalshi.book"))

    def tell(self, *events: object) -> None:
        for event in events:
            self.seq += 1
            self.view.now, self.view.seq = self.at, self.seq
            self.world.apply(event, self.seq, self.at)  # type: ignore[arg-type]

    def book(self, bid: int, ask: int, size: int = 1_000) -> list[Wish]:
        """A new book, prices in cents; the wishes that follow."""
        levels = [(BID, bid * CENTS, size * ONE), (ASK, ask * CENTS, size * ONE)]
        levels = [one for one in levels if 0 < one[1] < ONE]
        self.tell(BookLevels(KEY, 0, "kalshi.book", True, False, levels))
        return self.ask()

    def ask(self) -> list[Wish]:
        wishes = self.strategy.decide(KEY, self.view)
        assert wishes is not None
        return wishes

    def trade(self, px: int, dollars: int, buy_yes: bool = True) -> None:
        """A print that costs its taker about so much."""
        price = px * CENTS if buy_yes else ONE - px * CENTS
        qty = Qty(dollars * ONE * ONE // price)
        event = TradePrinted(KEY, "kalshi.book", Px(px * CENTS), qty, buy_yes, "", self.at)
        self.tell(event)
        self.strategy.on_trade(event, self.view)

    def wait(self, span: int) -> None:
        """Time passes, and the machine was awake: the last ticks were not long ago."""
        self.at = self.view.now = Ns(self.at + span)
        for before in (200, 100):
            self.world.tick(Ns(self.at - before * MILLI))

    def fill(self, wish: Wish) -> None:
        """All of a wish is done, at its price and the fees of its kind."""
        before = self.view.position(KEY, wish.outcome)
        if wish.action == "sell":
            left = before.qty - wish.qty
            cost = before.cost * left // before.qty
            self.view.held[KEY, wish.outcome] = Position(Qty(left), Usd(cost), before.since)
            return
        fee = fill_fee(FEES, wish.px, wish.qty, maker=wish.post_only)
        cost = before.cost + wish.px * wish.qty // ONE + fee
        self.view.held[KEY, wish.outcome] = Position(
            Qty(before.qty + wish.qty), Usd(cost), before.since or self.at
        )

    def halt(self, status: str) -> None:
        self.tell(StatusChanged(KEY, status))  # type: ignore[arg-type]


__all__ = ["CENTS", "HORIZONS", "HOUR", "KEY", "START", "Desk", "View", "table"]
