"""Comparing our books with the venues': at start, after each reconnect, and every half minute."""

from typing import Final

from dutchbook.domain.account_events import AccountSeen, AccountUnseen
from dutchbook.domain.effects import AskAccount
from dutchbook.domain.step import Reconciled
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.execution.desk import Desk

STREAMS: Final = {"kalshi.account": "kalshi", "polymarket.user": "polymarket"}
"""Private streams, and whose they are."""
OVERLAP: Final = 60 * SECOND
"""Fills are asked for again from so long before the last good report."""
STRIKES: Final = 4
"""So many reports in a row must differ before it is more than a venue that lags."""
AGAIN_MS: Final = 1_000


class Reconcile:
    """Trading at a venue is closed until a report of it agrees; nothing is overwritten silently."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.due: dict[str, Ns] = {}
        self.strikes: dict[str, int] = {}

    def start(self) -> None:
        """A run began: every venue is asked for all that it knows."""
        for venue in self.desk.accounts:
            self.ask(venue, "start")

    def ask(self, venue: str, why: str) -> None:
        desk = self.desk
        last = desk.account.seen.get(venue)
        since = Ns(max(0, last.asked - OVERLAP)) if last else Ns(0)
        living = tuple(o.order for o in desk.account.live.values() if o.order.venue == venue)
        desk.do(AskAccount(venue, why, living, since))
        self.due[venue] = Ns(desk.now + desk.config.reconcile_ms * MILLI)

    def feed(self, stream: str, up: bool) -> None:
        """A private stream went or came: what was said meanwhile nobody says again."""
        venue = STREAMS.get(stream, "")
        if venue not in self.desk.accounts:
            return
        if up:
            self.ask(venue, "reconnect")
        elif self.desk.account.reconciled.get(venue):
            self.desk.say(Reconciled(venue, False, 0, 0, 0))

    def seen(self, event: AccountSeen) -> None:
        """A complete report came and is folded: does it agree?"""
        desk, venue = self.desk, event.venue
        if desk.account.restless(venue, event.asked):
            self._soon(venue)
            return
        found = desk.account.differences(event)
        if found:
            self.strikes[venue] = self.strikes.get(venue, 0) + 1
            self._soon(venue)
            if self.strikes[venue] < STRIKES:
                return
            if self.strikes[venue] == STRIKES:
                for note in found:
                    desk.say(note)
                what = ", ".join(f"{d.what} ours {d.ours} theirs {d.theirs}" for d in found[:5])
                desk.alert(f"drift:{venue}", f"{venue} and our books differ: {what}")
        else:
            self.strikes.pop(venue, None)
        ok = not found
        if desk.account.reconciled.get(venue) != ok:
            counts = (len(event.orders), len(event.fills), len(found))
            desk.say(Reconciled(venue, ok, *counts))

    def unseen(self, event: AccountUnseen) -> None:
        """No report: trading goes on as it was allowed, and it is asked again soon."""
        self._soon(event.venue)

    def sweep(self) -> None:
        for venue, due in list(self.due.items()):
            if self.desk.now >= due:
                self.ask(venue, "regular")

    def _soon(self, venue: str) -> None:
        self.due[venue] = Ns(self.desk.now + AGAIN_MS * MILLI)
