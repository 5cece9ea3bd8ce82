"""Finding out what became of orders: unknown ones, late ones, and fills that are owed.

The protocol of an unknown outcome: it stays reserved, its market is blocked by the gate, and it is
asked for until there is evidence. A transport error is none. What a venue may still act on is
never declared dead early: `Account` counts the definite answers.
"""

from typing import Final, NamedTuple

from dutchbook.domain.effects import AskOrder
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.execution.desk import Desk
from dutchbook.state.account import Life

NEVER = Ns(2**63 - 1)
ASKS_MAX: Final = 8
"""Questions to one venue that wait for their answers at once. Without a bound a venue that has
become slow makes more orders unknown than it can answer for, and each answer later still: asking
would keep it slow for good, and account reports wait behind it."""
SILENT: Final = 10 * SECOND
"""A question that got neither an answer nor a failure for so long is no longer waited for."""


class Question(NamedTuple):
    """Asked, and not answered yet; `until` it is waited for."""

    venue: str
    key: str
    until: Ns


class Lookup:
    """Asks for an order after `ask_first_ms`, then at doubling spans up to `ask_most_ms`.

    Never twice before there is an answer, and a venue never more than `ASKS_MAX` at once: those
    asked least often come first.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.begin()

    def begin(self) -> None:
        """A run began: what was asked before it nobody answers any more."""
        self._asked: dict[str, tuple[int, Ns]] = {}
        self._open: dict[str, Question] = {}
        self._rests = (-1, Ns(0))
        self._known = (-1, False)

    def sweep(self) -> None:
        """Ask for whatever is due now."""
        desk = self.desk
        version, until = self._rests
        if version == desk.account.version and desk.now < until:
            return  # the same orders as at the last look, and none of them is due
        until = NEVER
        due: list[tuple[int, Life]] = []
        for life in self.wanted():
            known = self._asked.get(life.order.id)
            times, at = known if known is not None else (0, self._first(life))
            if desk.now < at:
                until = min(until, at)
            else:
                due.append((times, life))
        self._open = {order: one for order, one in self._open.items() if desk.now < one.until}
        room = dict.fromkeys(desk.accounts, ASKS_MAX)
        for one in self._open.values():
            room[one.venue] -= 1
        for times, life in sorted(due, key=lambda pair: pair[0]):
            order = life.order
            if order.id in self._open or room[order.venue] <= 0:
                continue
            room[order.venue] -= 1
            until = min(until, self._ask(life, times))
        until = min([until, *(one.until for one in self._open.values())])
        self._rests = (desk.account.version, until)

    def _ask(self, life: Life, times: int) -> Ns:
        """Ask; returns when it is due again."""
        desk, order = self.desk, life.order
        desk.do(AskOrder(order, life.venue_order, life.state))
        span = min(desk.config.ask_most_ms, desk.config.ask_first_ms * 2 ** min(times, 10))
        if order.tif in ("gtc", "gtd") and life.state in ("acked", "partial"):
            span = self._poll(life)
        due = Ns(desk.now + span * MILLI)
        self._asked[order.id] = (times + 1, due)
        self._open[order.id] = Question(order.venue, order.key, Ns(desk.now + SILENT))
        return due

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

    def failed(self, key: str) -> None:
        """A question got no answer. Of which order of a market is not said: the one asked first."""
        self._answered(next((order for order, one in self._open.items() if one.key == key), ""))

    def _answered(self, order: str) -> None:
        if self._open.pop(order, None) is not None:
            self._rests = (-1, Ns(0))

    def heed(self, order: str) -> None:
        """Something was heard of an order. Where it ended, and the venue says that more was filled
        than we have counted, it is asked for."""
        self._answered(order)
        life = self.desk.account.orders.get(order)
        if life is not None and life.owed and order not in self._asked:
            first = Ns(self.desk.now + self.desk.config.ask_first_ms * MILLI)
            self._asked[order] = (0, first)
            self._rests = (-1, Ns(0))

    def soon(self, order: str) -> None:
        """A cancel found nothing to end: what became of the order is asked for at once."""
        if order in self.desk.account.live:
            self._open.pop(order, None)
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
