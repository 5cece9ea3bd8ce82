"""Finding out what became of orders: unknown ones, late ones, and fills that are owed.

The protocol of an unknown outcome: it stays reserved, its market is blocked by the gate, and it is
asked for until there is evidence. A transport error is none. What a venue may still act on is
never declared dead early: `Account` counts the definite answers.
"""

from dutchbook.domain.effects import AskOrder
from dutchbook.domain.units import MILLI, Ns
from dutchbook.execution.desk import Desk
from dutchbook.state.account import Life


class Lookup:
    """Asks for an order after `ask_first_ms`, then at doubling spans up to `ask_most_ms`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._asked: dict[str, tuple[int, Ns]] = {}

    def sweep(self) -> None:
        """Ask for whatever is due now."""
        desk = self.desk
        for life in self.wanted():
            times, due = self._asked.get(life.order.id, (0, self._first(life)))
            if desk.now < due:
                continue
            desk.do(AskOrder(life.order, life.venue_order, life.state))
            span = min(desk.config.ask_most_ms, desk.config.ask_first_ms * 2 ** min(times, 10))
            if life.order.tif in ("gtc", "gtd") and life.state in ("acked", "partial"):
                span = desk.config.fill_poll_ms
            self._asked[life.order.id] = (times + 1, Ns(desk.now + span * MILLI))

    def wanted(self) -> list[Life]:
        """Orders whose state is not known for sure, in the order of their decisions."""
        account = self.desk.account
        owed = [
            account.orders[name]
            for name in self._owing()
            if name not in account.live and account.orders[name].owed
        ]
        return [*account.live.values(), *owed]

    def _owing(self) -> list[str]:
        """Ended orders of baskets under way, and those that were asked for before."""
        for name in list(self._asked):
            life = self.desk.account.orders.get(name)
            if life is None or not (life.alive or life.owed):
                del self._asked[name]
        return list(self._asked)

    def heed(self, order: str) -> None:
        """An order ended, and the venue says that more was filled than we have counted."""
        life = self.desk.account.orders.get(order)
        if life is not None and life.owed and order not in self._asked:
            first = Ns(self.desk.now + self.desk.config.ask_first_ms * MILLI)
            self._asked[order] = (0, first)

    def _first(self, life: Life) -> Ns:
        config = self.desk.config
        if life.state == "unknown":
            return Ns(life.since + config.ask_first_ms * MILLI)
        if life.order.tif in ("ioc", "fok") or life.state in ("decided", "sent"):
            return Ns(life.decided_at + config.leg_timeout_ms * MILLI)
        return Ns(life.since + config.fill_poll_ms * MILLI)

    @property
    def open(self) -> bool:
        """Whether the fate of any order is open."""
        account = self.desk.account
        return bool(account.unknown()) or any(
            name in account.orders and account.orders[name].owed for name in self._asked
        )
