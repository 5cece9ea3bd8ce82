"""Orders that would take wait a while on some markets: `delayed`, and nobody can cancel them."""

from dutchbook.domain.units import MILLI
from dutchbook.emulators.market.shapes import SimMarket
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Happened, Refused, Standing, Ticket


class Delays:
    """`pending`: order id -> when it is matched, in ns. The delays stand on the shelf."""

    def __init__(self, shelf: Shelf, desk: Desk) -> None:
        self._shelf = shelf
        self._desk = desk
        self.pending: dict[str, int] = {}

    def of(self, market: SimMarket) -> int:
        """How long a taker waits there, in ns."""
        return self._shelf.delay_ms(market) * MILLI

    def hold(self, ticket: Ticket, delay: int) -> Standing:
        """Take an order that is matched later. Raises Refused as if it were matched now."""
        self.pending[ticket.id] = ticket.at + delay
        try:
            return self._desk.admit(ticket)
        except Refused:
            del self.pending[ticket.id]
            raise

    def poll(self, now: int) -> None:
        """Match what has waited long enough."""
        for name, due in list(self.pending.items()):
            if due <= now:
                del self.pending[name]
                self._release(self._desk.orders[name], now)

    def _release(self, standing: Standing, now: int) -> None:
        """Its money or the market may be gone by now; what does not match may still rest."""
        if self._desk.terms(standing.ticket.key).status != "open":
            self._desk.end(standing, "closed", now)
            return
        try:
            self._desk.check(standing)
        except Refused as refused:
            self._desk.end(standing, "funds" if refused.code == "funds" else "unmatched", now)
            return
        self._desk.work(standing, now)
        if not standing.ended and not standing.deals:
            told = Happened("amended", standing.ticket.owner, now, standing)
            for listener in self._desk.tell:
                listener(told)
