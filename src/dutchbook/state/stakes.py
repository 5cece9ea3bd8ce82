"""What each strategy holds and what came of its orders: a fold of the same fills as the ledger.

The ledger says what the account has, this says whose it is. "" owns what people bought. Contracts
of YES less those of NO, summed over the owners, are the account's; where a venue keeps both sides
apart, each side is, too. Contracts that no order of ours bought belong to nobody.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from dutchbook.domain.account_events import OrderFilled, Paid
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Crossed
from dutchbook.domain.units import ONE, Ns, Qty, Usd, ceil_div
from dutchbook.domain.wish import Position

NETTING: Final = ("kalshi",)
"""Venues that hold one position per market: YES and NO together become cash at once."""
Trade = tuple[str, str, str]
"""(venue, account, trade)."""

Place = tuple[str, str, Outcome]
"""(strategy, key, outcome)."""
NOTHING: Final = Position()
OTHER: Final[dict[Outcome, Outcome]] = {"yes": "no", "no": "yes"}


class Tally(msgspec.Struct, array_like=True):
    """What came of one strategy's orders, in millionths. A new field goes last, with a default.

    `expected`: edge that its wishes named, for what was filled; `told` what of the fills had one.
    `ends`: sales, nettings and payments of what it held, `wins` those with a profit.
    `crossed`: contracts that changed hands inside. `modelled`: fills of less evidence than the
    venue's own word.
    """

    fills: int = 0
    bought: int = 0
    sold: int = 0
    turnover: int = 0
    fees: int = 0
    realised: int = 0
    expected: int = 0
    told: int = 0
    ends: int = 0
    wins: int = 0
    crossed: int = 0
    modelled: int = 0
    maker: int = 0


class Moved(msgspec.Struct, frozen=True, array_like=True):
    """What a provisional fill changed of one place, to be taken back exactly."""

    fill: str
    place: Place
    qty: int
    cost: int
    realised: int
    fee: int


class Kept(msgspec.Struct, array_like=True):
    """All of it, in a fixed order, for a snapshot."""

    held: list[tuple[Place, tuple[int, int, int]]] = []
    tallies: list[tuple[str, Tally]] = []
    pending: list[tuple[Trade, list[Moved]]] = []


class Stakes:
    """`cost_of`: what a strategy's contracts cost, in all; `held` never names an empty place."""

    def __init__(self) -> None:
        self.held: dict[Place, Position] = {}
        self.cost_of: dict[str, int] = {}
        self.tallies: dict[str, Tally] = {}
        self._owners: dict[str, dict[str, None]] = {}
        self._pending: dict[Trade, list[Moved]] = {}

    def position(self, strategy: str, key: str, outcome: Outcome) -> Position:
        return self.held.get((strategy, key, outcome), NOTHING)

    def owners(self, key: str) -> list[str]:
        """Who holds something of a market, in the order of names."""
        return sorted(self._owners.get(key, ()))

    def tally(self, strategy: str) -> Tally:
        return self.tallies.setdefault(strategy, Tally())

    # -- fills -----------------------------------------------------------------------------------

    def filled(self, order: Order, fill: OrderFilled, worth: int, fee: int, at: Ns) -> None:
        """A fill of an order of ours that is new, in the order's terms; `worth` without `fee`."""
        name = order.strategy
        tally = self.tally(name)
        tally.fees += fee
        self._counted(order, fill, worth, 1)
        if fill.action == "buy":
            moved = [self._add((name, fill.key, fill.outcome), fill.qty, worth + fee, at)]
        else:
            moved = list(self._sell(name, fill, worth - fee, at))
        if fill.provisional:
            trade = (fill.venue, fill.account, fill.trade)
            ref = f"{order.id}:{fill.leg}"
            changes = [
                Moved(ref, place, qty, cost, realised, fee if n == 0 else 0)
                for n, (place, qty, cost, realised) in enumerate(moved)
            ]
            self._pending.setdefault(trade, []).extend(changes)
        if fill.venue in NETTING:
            self._net(name, fill.key, at)

    def undone(self, order: Order, fill: OrderFilled, worth: int) -> None:
        """A fill that `void` took back is counted no more."""
        self._counted(order, fill, worth, -1)

    def _counted(self, order: Order, fill: OrderFilled, worth: int, sign: int) -> None:
        tally = self.tally(order.strategy)
        tally.fills += sign
        tally.maker += sign * fill.maker
        tally.modelled += sign * (fill.grade != "venue_fill")
        tally.turnover += sign * worth
        if order.edge:
            tally.expected += sign * (order.edge * fill.qty // ONE)
            tally.told += sign * fill.qty
        if fill.action == "buy":
            tally.bought += sign * fill.qty
        else:
            tally.sold += sign * fill.qty

    def charged(self, order: Order, fill: OrderFilled, less: int) -> None:
        """The fee of a fill is told at last: `less` than was counted."""
        tally = self.tally(order.strategy)
        tally.realised += less
        tally.fees -= less
        trade = (fill.venue, fill.account, fill.trade)
        if trade in self._pending:
            place: Place = (order.strategy, fill.key, fill.outcome)
            moved = Moved(f"{order.id}:{fill.leg}", place, 0, 0, less, -less)
            self._pending[trade].append(moved)

    def final(self, trade: Trade) -> None:
        """A trade can no longer be voided."""
        self._pending.pop(trade, None)

    def void(self, trade: Trade, at: Ns) -> None:
        """A trade never happened: what its fills changed is changed back."""
        for moved in self._pending.pop(trade, []):
            before = self.held.get(moved.place, NOTHING)
            self._put(moved.place, -moved.qty, -moved.cost, at)
            tally = self.tally(moved.place[0])
            tally.realised -= moved.realised
            tally.fees -= moved.fee
            if moved.place not in self.held:  # what was sold since had cost something else
                tally.realised -= before.cost - moved.cost

    def _add(self, place: Place, qty: int, cost: int, at: Ns) -> tuple[Place, int, int, int]:
        self._put(place, qty, cost, at)
        return place, qty, cost, 0

    def _sell(
        self, name: str, fill: OrderFilled, cash: int, at: Ns
    ) -> Iterator[tuple[Place, int, int, int]]:
        """Contracts go: the seller's own first, then those of others, as when a person sells."""
        left: int = fill.qty
        for owner in (name, *(one for one in self.owners(fill.key) if one != name)):
            place = (owner, fill.key, fill.outcome)
            part = min(left, self.held.get(place, NOTHING).qty)
            if part > 0:
                share = cash * part // left
                cost, gain = self._end(place, part, share, at)
                yield place, -part, -cost, gain
                left, cash = left - part, cash - share
        if left and fill.venue in NETTING:  # it has netted since: this sale buys the other side
            yield self._add((name, fill.key, OTHER[fill.outcome]), left, left - cash, at)

    def _end(self, place: Place, qty: int, cash: int, at: Ns) -> tuple[int, int]:
        """`qty` of a place became cash: (what they had cost, the gain)."""
        held = self.held[place]
        cost = held.cost if qty >= held.qty else held.cost * qty // held.qty
        self._put(place, -qty, -cost, at)
        gain = cash - cost
        tally = self.tally(place[0])
        tally.realised += gain
        tally.ends += 1
        tally.wins += gain > 0
        return cost, gain

    def _put(self, place: Place, qty: int, cost: int, at: Ns) -> None:
        before = self.held.get(place, NOTHING)
        now = max(0, before.qty + qty)
        kept = before.cost + cost if now else 0
        name, key, outcome = place
        self.cost_of[name] = self.cost_of.get(name, 0) + kept - before.cost
        if now:
            since = before.since if before.qty else at
            self.held[place] = Position(Qty(now), Usd(kept), since)
            self._owners.setdefault(key, {})[name] = None
            return
        self.held.pop(place, None)
        if (name, key, OTHER[outcome]) not in self.held and key in self._owners:
            self._owners[key].pop(name, None)
            if not self._owners[key]:
                del self._owners[key]

    def _net(self, name: str, key: str, at: Ns) -> None:
        """One strategy's YES and NO of a market that nets: each pair is a dollar."""
        yes: Place = (name, key, "yes")
        no: Place = (name, key, "no")
        pairs = min(self.held.get(yes, NOTHING).qty, self.held.get(no, NOTHING).qty)
        if pairs:
            half = pairs * self.held[yes].cost // max(1, self.held[yes].cost + self.held[no].cost)
            self._end(yes, pairs, half, at)
            self._end(no, pairs, pairs - half, at)

    # -- inside, and payments --------------------------------------------------------------------

    def crossed(self, note: Crossed, at: Ns) -> None:
        """Two strategies wanted opposite sides: contracts change hands, no order leaves."""
        key, qty, px = note.key, note.qty, note.px
        seller = (note.seller, key, note.outcome)
        have = min(qty, self.held.get(seller, NOTHING).qty)
        cost = ceil_div(px * qty, ONE)
        if have:
            self._end(seller, have, cost * have // qty, at)
        if qty > have:  # it sells what it does not hold: at a venue that nets, it holds the other
            short = (note.seller, key, OTHER[note.outcome])
            self._put(short, qty - have, qty - have - cost * (qty - have) // qty, at)
        self._put((note.buyer, key, note.outcome), qty, cost, at)
        for name in (note.buyer, note.seller):
            self.tally(name).crossed += qty
            if key.partition(":")[0] in NETTING:
                self._net(name, key, at)

    def settled(self, key: str, px: int, at: Ns) -> None:
        """A market was determined: every owner has what it pays; twice is once."""
        for name in self.owners(key):
            for outcome, pays in (("yes", px), ("no", ONE - px)):
                place: Place = (name, key, "yes" if outcome == "yes" else "no")
                held = self.held.get(place)
                if held is not None:
                    self._end(place, held.qty, held.qty * pays // ONE, at)

    def paid(self, event: Paid, yes: int, no: int, at: Ns) -> None:
        """Money for contracts, `yes` and `no` of which the account held before."""
        if event.what in ("settle", "redeem"):
            yes, no = (event.qty, event.no) if event.qty or event.no else (yes, no)
            self.settled(event.key, _price(event, yes, no), at)
        elif event.what == "merge":
            left: int = event.qty
            for name in self.owners(event.key):
                sides: list[Place] = [(name, event.key, "yes"), (name, event.key, "no")]
                pairs = min(left, *(self.held.get(one, NOTHING).qty for one in sides))
                if pairs > 0:
                    self._end(sides[0], pairs, pairs // 2, at)
                    self._end(sides[1], pairs, pairs - pairs // 2, at)
                    left -= pairs

    def forget(self, venue: str, at: Ns) -> None:
        """Another account there: what was held at the venue is not ours any more."""
        for place, held in list(self.held.items()):
            if place[1].startswith(f"{venue}:"):
                self._put(place, -held.qty, -held.cost, at)
        self._pending = {trade: rows for trade, rows in self._pending.items() if trade[0] != venue}

    # -- snapshots -------------------------------------------------------------------------------

    def take(self) -> Kept:
        return Kept(
            [(place, (p.qty, p.cost, p.since)) for place, p in sorted(self.held.items())],
            sorted(self.tallies.items(), key=lambda row: row[0]),
            list(self._pending.items()),
        )

    def restore(self, kept: Kept) -> None:
        for place, (qty, cost, since) in kept.held:
            self._put(place, qty, cost, Ns(since))
        self.tallies = dict(kept.tallies)
        self._pending = dict(kept.pending)


def _price(event: Paid, yes: int, no: int) -> int:
    """What one YES paid: as told, or the price of an end that explains the cash."""
    told: int = event.px
    for px in (told, ONE, 0, ONE // 2):
        if (yes * px + no * (ONE - px)) // ONE == event.cash + event.fee:
            return px
    return told
