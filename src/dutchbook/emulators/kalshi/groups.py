"""Order groups: over its limit of contracts in a rolling 15 s a group's orders are canceled."""

from collections import deque
from typing import Any, Final

import msgspec

from dutchbook.domain.units import ONE, SECOND, micros
from dutchbook.emulators.kalshi.auth import nested
from dutchbook.emulators.wire.rest import Ask, Refusal
from dutchbook.sim.desk import Desk

WINDOW: Final = 15 * SECOND


class Wanted(msgspec.Struct):
    contracts_limit: int | None = None
    contracts_limit_fp: str | None = None
    subaccount: int | None = None
    exchange_index: int | None = None

    def limit(self) -> int:
        """In millionths of a contract. Raises Refusal."""
        try:
            value = (self.contracts_limit or 0) * ONE
            value = micros(self.contracts_limit_fp) if self.contracts_limit_fp else value
        except ValueError:
            value = 0
        if not ONE <= value <= 1_000_000 * ONE:
            raise Refusal(400, nested("invalid_parameters", "contracts_limit: 1 to 1000000"))
        return value


class Group:
    def __init__(self, name: str, owner: str, limit: int) -> None:
        self.name = name
        self.owner = owner
        self.limit = limit
        self.tripped = False
        self.seen: deque[tuple[int, int]] = deque()


class Groups:
    """All groups; `told` is called with (owner, event, group) for the private channel."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.groups: dict[str, Group] = {}
        self._due: list[Group] = []
        self.told: Any = lambda owner, event, group: None

    def open(self, owner: str, name: str) -> bool:
        """Whether an order may join it."""
        group = self.groups.get(name)
        return group is not None and group.owner == owner and not group.tripped

    def create(self, owner: str, wanted: Wanted) -> Group:
        name = f"og-{len(self.groups) + 1:08d}"
        group = self.groups[name] = Group(name, owner, wanted.limit())
        self.told(owner, "created", group)
        return group

    def mine(self, ask: Ask, owner: str) -> Group:
        group = self.groups.get(ask.names["id"])
        if group is None or group.owner != owner:
            raise Refusal(404, nested("not_found", "order group not found"))
        return group

    def matched(self, name: str, qty: int, at: int) -> None:
        """Contracts of the group were matched."""
        group = self.groups.get(name)
        if group is None or group.tripped:
            return
        group.seen.append((at, qty))
        while group.seen and group.seen[0][0] <= at - WINDOW:
            group.seen.popleft()
        if sum(size for _, size in group.seen) > group.limit:
            # The match that did it is still being booked: its order is canceled after that.
            group.tripped = True
            self._due.append(group)

    def work(self, at: int) -> None:
        """Cancel the orders of the groups that have just gone over their limits."""
        due, self._due = self._due, []
        for group in due:
            self.trip(group, at)

    def trip(self, group: Group, at: int) -> None:
        group.tripped = True
        self._cancel(group, at)
        self.told(group.owner, "triggered", group)

    def reset(self, group: Group) -> None:
        group.tripped = False
        group.seen.clear()
        self.told(group.owner, "reset", group)

    def delete(self, group: Group, at: int) -> None:
        del self.groups[group.name]
        self._cancel(group, at)
        self.told(group.owner, "deleted", group)

    def _cancel(self, group: Group, at: int) -> None:
        for one in self._desk.of_owner(group.owner):
            if one.ticket.group == group.name and not one.ended:
                self._desk.cancel(one.ticket.id, at, "group")
