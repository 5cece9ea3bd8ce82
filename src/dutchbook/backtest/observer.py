"""Watches a session and keeps what a report needs and the account does not know."""

from collections import Counter
from typing import Final, NamedTuple

from dutchbook.backtest import worth
from dutchbook.backtest.session import Session
from dutchbook.domain.account_events import OrderCanceled, OrderFilled, OrderRejected, Paid
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.effects import SubmitOrder, SubmitOrders
from dutchbook.domain.events import MarketResolved
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Opened, Passed, Refused, Step
from dutchbook.domain.units import ONE, Ns, Px, Usd
from dutchbook.engine.view import WorldView
from dutchbook.report.record import Point

LEVELS: Final = 50


class Seen(NamedTuple):
    """What was offered when an order was decided: (price, size) levels of its outcome."""

    at: Ns
    levels: tuple[tuple[int, int], ...]


class Observer:
    """`resolved`: market -> (what a YES pays, when). `mids`: of touched markets, sampled."""

    def __init__(self, capital: int) -> None:
        self.capital = capital
        self.seen: dict[str, Seen] = {}
        self.fill_mids: dict[str, int | None] = {}
        self.resolved: dict[str, tuple[int, Ns]] = {}
        self.paid: list[Paid] = []
        self.points: list[Point] = []
        self.mids: dict[str, tuple[list[Ns], list[Px]]] = {}
        self.rejects: Counter[str] = Counter()
        self.funnel: Counter[str] = Counter()
        self.stages: Counter[str] = Counter()

    def saw(self, step: Step, session: Session) -> None:
        event, at = step.envelope.event, step.envelope.at
        view = session.engine.view
        for effect in step.effects:
            if isinstance(effect, SubmitOrder):
                self._decided(effect.order, at, view)
            elif isinstance(effect, SubmitOrders):
                for order in effect.orders:
                    self._decided(order, at, view)
        for note in step.notes:
            if isinstance(note, Refused):
                self.rejects[f"gate:{note.check}"] += 1
            elif isinstance(note, Passed):
                self.rejects[f"{note.stage}:{note.reason}"] += 1
            elif isinstance(note, Opened):
                self.funnel["found"] += 1
        if isinstance(event, OrderFilled):
            self.fill_mids[event.trade + event.order] = mid(view, event.key, event.outcome)
            self._look(event.key, at, view)
        elif isinstance(event, OrderRejected):
            self.rejects[f"venue:{event.reason}"] += 1
        elif isinstance(event, OrderCanceled):
            self.stages[f"canceled:{event.reason}"] += 1
        elif isinstance(event, MarketResolved):
            self.resolved[event.key] = (event.yes_pays, at)
            self._point(at, session)
        elif isinstance(event, Paid):
            self.paid.append(event)

    def sample(self, at: Ns, session: Session) -> None:
        view = session.engine.view
        for key in self.mids:
            self._look(key, at, view)
        self._point(at, session)

    def _decided(self, order: Order, at: Ns, view: WorldView) -> None:
        read = view.offers if order.action == "buy" else view.bids
        levels = tuple((px, qty) for px, qty in read(order.key, order.outcome, LEVELS))
        self.seen[order.id] = Seen(at, levels)
        self.mids.setdefault(order.key, ([], []))
        self._look(order.key, at, view)

    def _look(self, key: str, at: Ns, view: WorldView) -> None:
        found = mid(view, key, "yes")
        if found is not None:
            ats, mids = self.mids.setdefault(key, ([], []))
            if not ats or ats[-1] != at:
                ats.append(at)
                mids.append(Px(found))

    def _point(self, at: Ns, session: Session) -> None:
        trading = session.engine.trading
        assert trading is not None
        account = trading.account
        account.ledger.drain()  # nobody reads the entries here, and they would pile up
        view = session.engine.view
        back, proved = worth.proved(account, self.resolved)
        places = dict.fromkeys([*account.keys_held(), *proved])
        marks = worth.marks(account, view, self.resolved, (key for key, _ in places), proved)
        rest = cost = waits = 0
        for place in places:
            held = account.held(*place)
            spent = account.cost(*place)
            rested = min(held, proved[place])
            waits += spent * rested // held if held else 0
            cost += spent
            # Fewer than are proved, where some were netted or paid: their money has come.
            rest += (held - proved[place]) * marks.of(*place)
        in_use = account.ledger.held_total + account.stake_total
        self.points.append(
            Point(at, account.realised(), Usd(back - waits), Usd(rest // ONE - cost + waits),
                  Usd(in_use))
        )  # fmt: skip


def mid(view: WorldView, key: str, outcome: Outcome) -> int | None:
    """The middle of the book of an outcome in its own price; None where a side is empty."""
    book = view.source(key, outcome)
    if book.bid <= 0 or book.ask >= ONE:
        return None
    middle = (book.bid + book.ask) // 2
    return middle if outcome == "yes" else ONE - middle
