"""Comparing our books with the venues': at start, after each reconnect, and every half minute."""

from typing import Final

from dutchbook.domain.account_events import AccountSeen, AccountUnseen
from dutchbook.domain.effects import AskAccount
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Accepted, Drifted, Reconciled, Refused
from dutchbook.domain.units import MILLI, SECOND, Ns, Usd, plain
from dutchbook.execution.desk import Desk
from dutchbook.state import reports

STREAMS: Final = {"kalshi.account": "kalshi", "polymarket.user": "polymarket"}
"""Private streams, and whose they are."""
OVERLAP: Final = 60 * SECOND
"""Fills are asked for again from so long before the last good report."""
STRIKES: Final = 4
"""So many reports in a row must differ before it is more than a venue that lags."""
AGAIN_MS: Final = 1_000
HEARD_MAX: Final = 3
AGREED_MAX: Final = 20
"""Periods after which an agreement is too old to trade on: without a report, or with reports that
came while something was under way."""


class Reconcile:
    """Trading at a venue is closed until a report of it agrees; nothing is overwritten silently.

    `gaps`: by how much cash alone differed in the last two reports of a venue.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.due: dict[str, Ns] = {}
        self.strikes: dict[str, int] = {}
        self.heard: dict[str, Ns] = {}
        self.agreed: dict[str, Ns] = {}
        self.gaps: dict[str, tuple[int, ...]] = {}

    def start(self) -> None:
        """A run began: every venue is asked for all that it knows."""
        self.gaps = {}
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
        self.heard[venue] = desk.now
        for row in desk.account.newcomers:
            what = f"{row.action} {plain(row.qty)} {row.outcome} at {plain(row.px)} of {row.key}"
            desk.alert(f"external:{row.venue_order}", f"an open order is not ours: {what}")
        if reports.restless(desk.account, venue, event.asked):
            self._soon(venue)
            return
        found = reports.differences(desk.account, event)
        gap = _gap(found)
        self.gaps[venue] = (*self.gaps.get(venue, ())[-1:], gap) if gap else ()
        if found:
            self.strikes[venue] = self.strikes.get(venue, 0) + 1
            self._soon(venue)
            if self.strikes[venue] < STRIKES:
                return
            if self.strikes[venue] == STRIKES:
                for note in found:
                    desk.say(note)
                what = ", ".join(f"{d.what} ours {d.ours} theirs {d.theirs}" for d in found[:5])
                if gap:
                    what += f"; if you know why: dutchbook venue accept {venue} --reason ..."
                desk.alert(f"drift:{venue}", f"{venue} and our books differ: {what}")
        else:
            self.strikes.pop(venue, None)
        ok = not found
        self.agreed[venue] = desk.now if ok else self.agreed.get(venue, Ns(0))
        if desk.account.reconciled.get(venue) != ok:
            counts = (len(event.orders), len(event.fills), len(found))
            desk.say(Reconciled(venue, ok, *counts))

    def unseen(self, event: AccountUnseen) -> None:
        """No report: trading goes on as it was allowed, and it is asked again soon."""
        self._soon(event.venue)

    def asked(self, event: OperatorAsked) -> None:
        """Carry out reconcile, which asks all venues now, and accept: a person knows what the
        money is that we have not seen come or go."""
        if event.verb == "reconcile":
            for name in self.desk.accounts:
                self.ask(name, "asked")
        if event.verb != "accept":
            return
        venue, reason = (*event.args, "", "")[:2]
        why, numbers = self._doubt(event.who, venue, reason)
        if why:
            self.desk.say(Refused(venue, "accept", why, numbers))
            return
        cash = Usd(self.gaps.pop(venue)[-1])
        self.desk.say(Accepted(venue, cash, event.who, reason, self.desk.seq))
        self.ask(venue, "accepted")

    def _doubt(self, who: str, venue: str, reason: str) -> tuple[str, dict[str, int]]:
        """Why a difference is not to be taken over, and by how much what differs."""
        account = self.desk.account
        seen = account.seen.get(venue)
        if venue not in self.desk.accounts or seen is None:
            return "there is no report of an account there", {}
        if not who.strip() or not reason.strip():
            return "it needs a name and a reason", {}
        if reports.restless(account, venue, seen.asked):
            return "something is under way there: try again in a moment", {}
        found = reports.differences(account, seen)
        numbers = {one.what: one.theirs - one.ours for one in found}
        gap = _gap(found)
        if not gap:
            return "more than cash differs" if found else "nothing differs", numbers
        if self.gaps.get(venue) != (gap, gap):
            return "two reports in a row must tell the same: try again in a moment", numbers
        return "", {}

    def sweep(self) -> None:
        for venue, ok in self.desk.account.reconciled.items():
            if ok and self._old(venue):
                self.desk.say(Reconciled(venue, False, 0, 0, 0))
                self.desk.alert(f"unseen:{venue}", f"{venue}: no report has agreed for too long")
        for venue, due in list(self.due.items()):
            if self.desk.now >= due:
                self.ask(venue, "regular")

    def _old(self, venue: str) -> bool:
        """No report for three periods, or none that could be compared for twenty."""
        period, now = self.desk.config.reconcile_ms * MILLI, self.desk.now
        heard, agreed = self.heard.get(venue, now), self.agreed.get(venue, now)
        return now - heard > HEARD_MAX * period or now - agreed > AGREED_MAX * period

    def _soon(self, venue: str) -> None:
        self.due[venue] = Ns(self.desk.now + AGAIN_MS * MILLI)


def _gap(found: list[Drifted]) -> int:
    """By how much the venue has more cash than we, where nothing else differs; else 0."""
    return found[0].theirs - found[0].ours if [one.what for one in found] == ["cash"] else 0
