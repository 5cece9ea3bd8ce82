"""What reads show that lag behind the writes: orders and accounts as they were a moment ago."""

from typing import Final, TypeVar

import msgspec

from dutchbook.domain.units import SECOND
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Happened, Standing

T = TypeVar("T")
LAG_MAX: Final = 10 * SECOND
"""Whatever is older is forgotten, but for the last version before."""


class Account(msgspec.Struct, frozen=True):
    """An owner's money and contracts at one moment, as the bank has them."""

    cash: dict[int, int]
    held: dict[tuple[str, int], int]
    fees: dict[str, int]


class Past:
    """`lag`: how far all reads stay behind, in ns; 0 shows what is."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.lag = 0
        self._orders: dict[str, list[tuple[int, Standing]]] = {}
        self._accounts: dict[str, list[tuple[int, Account]]] = {}
        desk.tell.append(self._heard)

    def order(self, name: str, now: int) -> Standing | None:
        """One order; None where nobody could know of it yet."""
        if not self.lag:
            return self._desk.orders.get(name)
        return _as_of(self._orders.get(name, []), now - self.lag)

    def of_owner(self, owner: str, now: int) -> list[Standing]:
        """An owner's orders, oldest first."""
        live = self._desk.of_owner(owner)
        if not self.lag:
            return live
        found = (self.order(one.ticket.id, now) for one in live)
        return [one for one in found if one is not None]

    def account(self, owner: str, now: int, lag: int = 0) -> Account:
        """Cash and contracts; `lag` where these stay further behind than the rest."""
        lag = max(lag, self.lag)
        found = _as_of(self._accounts.get(owner, []), now - lag) if lag else None
        return found or self._now(owner)

    def note(self, owner: str, at: int) -> None:
        """Keep what an owner has now: something has changed it."""
        _keep(self._accounts.setdefault(owner, []), at, self._now(owner))

    def poll(self, now: int) -> None:
        """Note whoever is new, before anything happens to them."""
        for owner in self._desk.bank.owners:
            if owner not in self._accounts:
                self.note(owner, 0)

    def _now(self, owner: str) -> Account:
        one = self._desk.bank.owner(owner)
        return Account(dict(one.cash), dict(one.held), dict(one.fees))

    def _heard(self, told: Happened) -> None:
        one = told.standing
        if one is not None:
            copied = msgspec.structs.replace(one, deals=list(one.deals))
            _keep(self._orders.setdefault(one.ticket.id, []), told.at, copied)
        self.note(told.owner, told.at)


def _keep(versions: list[tuple[int, T]], at: int, value: T) -> None:
    versions.append((at, value))
    # The last version from before the longest lag is still what a read may want.
    while len(versions) > 1 and versions[1][0] < at - LAG_MAX:
        versions.pop(0)


def _as_of(versions: list[tuple[int, T]], then: int) -> T | None:
    return next((value for at, value in reversed(versions) if at <= then), None)
