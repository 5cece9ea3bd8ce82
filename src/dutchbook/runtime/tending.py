"""Watches over a run from outside the engine: kill file, standstill, and a good end."""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.units import SECOND, Ns
from dutchbook.engine.trading import WIND_DOWN
from dutchbook.runtime.wiregate import STALLED

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live
    from dutchbook.state.account import Account

LOOK_S: Final = 0.02
CLOSING: Final = Ns(45 * SECOND)
"""How long the end of a run may wait for orders whose fate is open."""
REPORTED: Final = Ns(5 * SECOND)
"""How long it may then wait for a last report: a venue that can't be reached gives none."""
_log = logging.getLogger(__name__)


class Tending:
    """Belongs to one run."""

    def __init__(self, live: "Live") -> None:
        self.live = live
        self._told_kill = False

    async def go(self) -> None:
        """Look fifty times a second, until cancelled."""
        while True:
            gone = self.live.wire.gate.beat()
            if gone > STALLED:
                self._stood_still(gone)
            killed = self.live.wire.gate.killed()
            if killed and not self._told_kill:
                self.live.tell(OperatorAsked("kill file", "kill", ()))
            self._told_kill = killed
            await asyncio.sleep(LOOK_S)

    def _stood_still(self, gone: Ns) -> None:
        """Stopped and continued: every stream is dialled anew, so that no old book is believed."""
        _log.warning("the process stood still for %.1f s; all streams are dialled anew", gone / 1e9)
        for driver in self.live.drivers.values():
            driver.redial_all(f"stood still for {gone / SECOND:.1f} s")

    async def wind_down(self, pump: "asyncio.Task[None]") -> None:
        """Begin nothing new, bring to an end what is under way, compare with the venues."""
        live, trading = self.live, self.live.engine.trading
        if trading is None or pump.done() or not live.alive():
            return
        live.tell(OperatorAsked("dutchbook", WIND_DOWN, ()))
        until = live.clock.mono() + CLOSING
        while not pump.done() and live.alive() and live.clock.mono() < until:
            if trading.closing and not trading.account.live and not trading.trader.busy:
                break
            await asyncio.sleep(LOOK_S)
        await self._reported(pump, trading.account)

    async def _reported(self, pump: "asyncio.Task[None]", account: "Account") -> None:
        """An order may have ended by a venue's word before the fill that came first was told: a
        report that was asked for after all ends brings it."""
        live = self.live
        venues = {life.order.venue for life in account.orders.values()}
        asked, until = live.clock.now(), live.clock.mono() + REPORTED
        live.tell(OperatorAsked("dutchbook", "reconcile", ()))
        while not pump.done() and live.alive() and live.clock.mono() < until:
            seen = [account.seen.get(venue) for venue in venues]
            if all(report is not None and report.asked >= asked for report in seen):
                break
            await asyncio.sleep(LOOK_S)
