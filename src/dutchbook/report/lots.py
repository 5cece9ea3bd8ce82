"""FIFO lots in whole numbers, from the rows of the ledger: what was bought is given up in order.

The ledger itself values holdings at average cost. Both agree in sum: what the lots gained, plus
income, less what the open lots cost, is what the ledger booked as profit less what its holdings
cost (`tie` says by how much they differ: 0).
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import DutchbookError

BACK: Final = ("void", "restated")
"""Entries that take an earlier one back: both are as if they had never been."""
Row = Mapping[str, Any]


class LotError(DutchbookError):
    """The ledger's rows do not make sense as lots."""


class Bought(msgspec.Struct, frozen=True):
    """Contracts that came in; `cost` holds the fee. `ref` names the fill."""

    at: int
    venue: str
    asset: str
    """KEY|OUTCOME."""
    qty: int
    cost: int
    what: str
    ref: str


class Disposal(msgspec.Struct, frozen=True):
    """Contracts of one lot that were given up; `proceeds` are after fees."""

    at: int
    acquired_at: int
    venue: str
    asset: str
    qty: int
    proceeds: int
    cost: int
    what: str
    """sell, net, merge, settle, redeem."""
    ref: str
    bought_ref: str

    @property
    def gain(self) -> int:
        return self.proceeds - self.cost


class Income(msgspec.Struct, frozen=True):
    """Money that was earned without giving anything up, such as a rebate."""

    at: int
    venue: str
    what: str
    usd: int
    ref: str


class Entry(msgspec.Struct):
    """One set of postings, put together again from its rows."""

    seq: int
    at: int
    what: str
    ref: str
    postings: list[tuple[str, str, int]] = []

    def usd(self, account: str) -> int:
        """What came into accounts of this name or beginning ("cash:")."""
        return sum(n for name, asset, n in self.postings if asset == "USD" and _is(name, account))


class Lot(msgspec.Struct):
    """What is left of a purchase."""

    bought: Bought
    qty: int
    cost: int


def _is(name: str, account: str) -> bool:
    return name.startswith(account) if account.endswith(":") else name == account


def entries(rows: Iterable[Row]) -> list[Entry]:
    """Sets of postings of ledger rows in the order of (seq, n), without those taken back."""
    found: list[Entry] = []
    for row in rows:
        last = found[-1] if found else None
        if last is None or (last.seq, last.what, last.ref) != (row["seq"], row["what"], row["ref"]):
            last = Entry(row["seq"], row["at"], row["what"], row["ref"], [])
            found.append(last)
        last.postings.append((row["account"], row["asset"], row["amount"]))
    gone: set[int] = set()
    open_: dict[tuple[Any, ...], list[int]] = {}
    for n, entry in enumerate(found):
        if entry.what in BACK:
            opposite = open_.get(_mark(entry, -1), [])
            if not opposite:
                raise LotError(f"ledger {entry.seq}: {entry.what} {entry.ref} takes nothing back",
                               todo="dutchbook db rebuild")  # fmt: skip
            gone |= {n, opposite.pop()}
        else:
            open_.setdefault(_mark(entry, 1), []).append(n)
    return [entry for n, entry in enumerate(found) if n not in gone]


def _mark(entry: Entry, sign: int) -> tuple[Any, ...]:
    rows = sorted((name, asset, sign * amount) for name, asset, amount in entry.postings)
    return tuple(rows)


class Lots:
    """`fold` takes entries in order; the lists hold what was bought, given up and earned."""

    def __init__(self) -> None:
        self.bought: list[Bought] = []
        self.disposals: list[Disposal] = []
        self.income: list[Income] = []
        self.open: dict[str, deque[Lot]] = {}
        self.profit = 0
        self.left = 0
        """What the ledger booked for leaving a venue's old account behind, cash and all."""

    def fold(self, entry: Entry) -> None:
        """Take one set of postings over."""
        self.profit -= entry.usd("pnl")
        if entry.what == "close":
            self._leave(entry)
            return
        moved = {
            asset: amount for name, asset, amount in entry.postings if name.startswith("holding:")
        }
        gone = {asset: -amount for asset, amount in moved.items() if amount < 0}
        venue = _venue(entry)
        for asset, amount in moved.items():
            if amount > 0:
                cost = entry.usd(f"inventory:{asset}")
                one = Bought(entry.at, venue, asset, amount, cost, entry.what, entry.ref)
                self.bought.append(one)
                self.open.setdefault(asset, deque()).append(Lot(one, amount, cost))
        if gone:
            cash = entry.usd("cash:")
            for asset, proceeds in self._parted(gone, cash).items():
                self._give_up(entry, venue, asset, gone[asset], proceeds)
        elif not moved and entry.usd("pnl"):
            one_income = Income(entry.at, venue, entry.what, -entry.usd("pnl"), entry.ref)
            self.income.append(one_income)

    def _parted(self, gone: dict[str, int], cash: int) -> dict[str, int]:
        """What each of the assets brought, where one payment was for YES and NO together.

        Equal sizes (a pair made cash) part it by cost. Else one settlement price paid for both:
        it is solved for, so that the side that lost brought nothing.
        """
        if len(gone) == 1:
            return dict.fromkeys(gone, cash)
        first, second = sorted(gone)
        no, yes = gone[first], gone[second]  # "...|no" sorts before "...|yes"
        if yes != no:
            part = min(max(yes * (cash - no) // (yes - no), 0), cash)
            return {first: cash - part, second: part}
        costs = {asset: self._cost(asset, qty) for asset, qty in gone.items()}
        whole = sum(costs.values())
        part = cash * costs[first] // whole if whole else cash // 2
        return {first: part, second: cash - part}

    def _cost(self, asset: str, qty: int) -> int:
        total = 0
        for lot in self.open.get(asset, ()):
            taken = min(qty, lot.qty)
            total += lot.cost * taken // lot.qty
            qty -= taken
            if not qty:
                break
        return total

    def _give_up(self, entry: Entry, venue: str, asset: str, qty: int, proceeds: int) -> None:
        queue = self.open.setdefault(asset, deque())
        done = paid = 0
        while done < qty:
            if not queue:  # more than was ever seen to come in: it cost nothing that we know of
                queue.append(
                    Lot(Bought(entry.at, venue, asset, qty - done, 0, "found", ""), qty - done, 0)
                )
            lot = queue[0]
            taken = min(lot.qty, qty - done)
            cost = lot.cost if taken == lot.qty else lot.cost * taken // lot.qty
            done += taken
            share = proceeds * done // qty - paid
            paid += share
            self.disposals.append(
                Disposal(
                    entry.at, lot.bought.at, venue, asset, taken, share, cost, entry.what,
                    entry.ref, lot.bought.ref,
                )
            )  # fmt: skip
            lot.qty, lot.cost = lot.qty - taken, lot.cost - cost
            if not lot.qty:
                queue.popleft()

    def _leave(self, entry: Entry) -> None:
        """A venue's account is left behind: its lots are gone, and nobody gained by it."""
        venue = _venue(entry)
        cost = 0
        for asset in [name for name in self.open if name.startswith(f"{venue}:")]:
            cost += sum(lot.cost for lot in self.open.pop(asset))
        self.left -= entry.usd("pnl") + entry.usd("inventory:") + cost

    def cost(self) -> int:
        """What the open lots cost."""
        return sum(lot.cost for queue in self.open.values() for lot in queue)

    def tie(self, inventory: int) -> int:
        """By how much lots and ledger differ, given what the ledger's holdings cost: 0."""
        gained = sum(one.gain for one in self.disposals) + sum(one.usd for one in self.income)
        return (gained - self.cost() + self.left) - (self.profit - inventory)


def _venue(entry: Entry) -> str:
    """Whose entry it is, by its accounts."""
    for name, _, _ in entry.postings:
        head, _, rest = name.partition(":")
        if head in ("cash", "holding", "inventory", "capital"):
            return rest.partition(":")[0]
    return ""


def fold(rows: Iterable[Row]) -> Lots:
    """Lots of ledger rows in the order of (seq, n). Raises LotError."""
    lots = Lots()
    for entry in entries(rows):
        lots.fold(entry)
    return lots
