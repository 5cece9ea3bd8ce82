"""Finding out what became of orders: unknown ones, late ones, and fills that are owed.

The protocol of an unknown outcome: it stays reserved, its market is blocked by the gate, and it is
asked for until there is evidence. A transport error is none. What a venue may still act on is
never declared dead early: `Account` counts the definite answers.
"""

from dutchbook.domain.effects import AskOrder
from dutchbook.domain.units import MILLI, Ns
from dutchbook.execution.desk import Desk
from dutchbook.state.account import Life

NEVER = Ns(2**63 - 1)


class Lookup:
    """Asks for an order after `ask_first_ms`, then at doubling spans up to `ask_most_ms`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._asked: dict[str, tuple[int, Ns]] = {}
        self._rests = (-1, Ns(0))
        self._known = (-1, False)

    def sweep(self) -> None:
        """Ask for whatever is due now."""
        desk = self.desk
        version, until = self._rests
        if version == desk.account.version and desk.now < until:
            return  # the same orders as at the last look, and none of them is due
        until = NEVER
        for life in self.wanted():
            known = self._asked.get(life.order.id)
            times, due = known if known is not None else (0, self._first(life))
            if desk.now < due:
                until = min(until, due)
                continue
            desk.do(AskOrder(life.order, life.venue_order, life.state))
            span = min(desk.config.ask_most_ms, desk.config.ask_first_ms * 2 ** min(times, 10))
            if life.order.tif in ("gtc", "gtd") and life.state in ("acked", "partial"):
                span = self._poll(life)
            due = Ns(desk.now + span * MILLI)
            self._asked[life.order.id] = (times + 1, due)
            until = min(until, due)
        self._rests = (desk.account.version, until)

    def wanted(self) -> list[Life]:
        """Orders whose state is not known for sure, in the order of their decisions.

        Those at a venue that has no part in this run stay as they are.
        """
        account = self.desk.account
        owed = [life for name, life in account.owing.items() if name not in account.live]
        for name in [name for name in self._asked if name not in account.live]:
            if name not in account.owing:
                del self._asked[name]
        return [life for life in (*account.live.values(), *owed) if self._asks(life)]

    def _asks(self, life: Life) -> bool:
        return life.order.venue in self.desk.accounts

    def heed(self, order: str) -> None:
        """An order ended, and the venue says that more was filled than we have counted."""
        life = self.desk.account.orders.get(order)
        if life is not None and life.owed and order not in self._asked:
            first = Ns(self.desk.now + self.desk.config.ask_first_ms * MILLI)
            self._asked[order] = (0, first)
            self._rests = (-1, Ns(0))

    def soon(self, order: str) -> None:
        """A cancel found nothing to end: what became of the order is asked for at once."""
        if order in self.desk.account.live:
            self._asked[order] = (0, self.desk.now)
            self._rests = (-1, Ns(0))

    def _first(self, life: Life) -> Ns:
        config = self.desk.config
        if life.state == "unknown":
            return Ns(life.since + config.ask_first_ms * MILLI)
        if life.order.tif in ("ioc", "fok") or life.state in ("decided", "sent"):
            return Ns(life.decided_at + config.leg_timeout_ms * MILLI)
        return Ns(life.since + self._poll(life) * MILLI)

    def _poll(self, life: Life) -> int:
        """Quotes are many, short-lived, and compared with the venue every `reconcile_ms`."""
        config = self.desk.config
        quote = life.order.purpose == "quote"
        return config.reconcile_ms if quote else config.fill_poll_ms

    @property
    def open(self) -> bool:
        """Whether the fate of any order is open."""
        account = self.desk.account
        if self._known[0] != account.version:
            open_ = (*account.unknown(), *account.owing.values())
            self._known = (account.version, any(self._asks(life) for life in open_))
        return self._known[1]
