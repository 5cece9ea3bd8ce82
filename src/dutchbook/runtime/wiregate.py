"""The last place before the wire: what may still leave this process as an order."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from dutchbook.domain.effects import AmendOrder, Effect, SubmitOrder, SubmitOrders
from dutchbook.domain.errors import NotRunning
from dutchbook.domain.orders import Order
from dutchbook.domain.units import SECOND, Ns

STALLED: Final = Ns(3 * SECOND)
"""A process that did not look at its clock for so long was stopped: its books are old."""
KILL_FILE: Final = "KILL"


def put_kill_file(root: Path, who: str) -> str:
    """Stop the wire of a data directory. Why it could not be written, "" where it stands: a full
    disk must not keep the kill itself from the engine."""
    try:
        (root / KILL_FILE).write_text(f"killed by {who}\n", encoding="utf-8")
    except OSError as error:
        return "" if (root / KILL_FILE).exists() else str(error)
    return ""


def not_killed(why: str) -> NotRunning:
    """What to raise where neither a run nor the kill file could be reached."""
    return NotRunning(
        "nothing was killed: no run is going on, and the kill file can't be written",
        why=why, todo="kill again once a run goes on, or mend the directory",
    )  # fmt: skip


class WireGate:
    """Says why an order may not leave, "" if it may. Asked for each one, right before it goes.

    It trusts nothing that was decided before: it looks at the kill file itself, counts each order
    id once (a second time only where that is meant), and notices when the process stood still.
    `halted`: why the engine has stopped all trading, "" if it has not.
    """

    def __init__(
        self, data_dir: Path, mono: Callable[[], Ns], halted: Callable[[], str] = lambda: ""
    ) -> None:
        self.halted = halted
        self._kill = data_dir / KILL_FILE
        self._mono = mono
        self._alive = mono()
        self._sent: set[str] = set()
        self.withheld = 0

    def beat(self) -> Ns:
        """The event loop runs; returns how long ago it was last known to."""
        now = self._mono()
        gone, self._alive = Ns(now - self._alive), now
        return gone

    def killed(self) -> bool:
        """Whether the kill file stands; a directory that can't be read counts as killed."""
        try:
            self._kill.stat()
        except FileNotFoundError:
            return not self._kill.parent.is_dir()
        except OSError:
            return True
        return True

    def left(self, order: str) -> bool:
        """Whether an order was let through before."""
        return order in self._sent

    def why_not(self, effect: Effect) -> str:
        """Why this effect may not go out; "" for whatever is no order."""
        if isinstance(effect, SubmitOrder):
            return self._order(effect.order, effect.again)
        if isinstance(effect, SubmitOrders):
            whys = [self._order(order, False) for order in effect.orders]
            return next((why for why in whys if why), "")
        if isinstance(effect, AmendOrder):
            return self._barred(effect.order)
        return ""

    def _order(self, order: Order, again: bool) -> str:
        why = self._barred(order)
        if not why and order.id in self._sent and not again:
            why = "this id was sent before"
        if why:
            self.withheld += 1
        else:
            self._sent.add(order.id)
        return why

    def _barred(self, order: Order) -> str:
        if order.repairs:
            return "the process stood still" if self._stalled() else ""
        return self.last_word()

    def last_word(self) -> str:
        """Why nothing that takes on risk may leave now; asked again when its bytes are ready."""
        if self._stalled():
            return "the process stood still"
        if self.killed():
            return "killed"
        return self.halted()

    def _stalled(self) -> bool:
        return self._mono() - self._alive > STALLED
