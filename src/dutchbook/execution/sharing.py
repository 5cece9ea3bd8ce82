"""How much of the money each of several opportunities gets when there is not enough for all.

One linear programme over the levels of their certificates, under what the gate leaves of every
limit (`optimize/allocate.py`): sizes in whole lots, and what held them back with its shadow price.
The gate still judges each basket by itself.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from dutchbook.domain.candidate import View
from dutchbook.domain.certificate import Certificate, Leg
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import FeeSchedule, Instrument
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, ceil_div
from dutchbook.execution.desk import Desk
from dutchbook.optimize.allocate import Allocator
from dutchbook.optimize.opportunity import Ladder, Opportunity

TOGETHER_MAX: Final = 32
"""Opportunities in one programme, at most: it is solved within a step."""
STANDS: Final = Ns(2 * SECOND)
"""So long one that did not get all it could use is remembered for the next sharing."""
PARTS: Final = "venues part"
"""The group of all baskets that span two venues: what they cost could be lost in full."""
FREE: Final = FeeSchedule("none")


class Wanted(NamedTuple):
    """An opportunity that competes; `at` is when it was proved."""

    name: str
    certificate: Certificate
    at: Ns


class Share(NamedTuple):
    """What one gets: contracts (0: others use the money better), and what held it back.

    `binding`: limits with what another dollar of each would bring, in millionths of a dollar;
    of a depth, another contract. Named "binding LIMIT".
    """

    wanted: Wanted
    qty: Qty
    binding: dict[str, int]


class Sharing:
    """Remembers who went short lately. It keeps no solver: the same question, the same answer."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.short: dict[str, Wanted] = {}

    def split(self, fresh: Sequence[Wanted], view: View) -> list[Share]:
        """The sizes of the new ones and of those that went short, the best earner first."""
        desk = self.desk
        self.short = {name: one for name, one in self.short.items() if desk.now - one.at < STANDS}
        names = {one.name for one in fresh}
        older = [one for name, one in self.short.items() if name not in names]
        every = [*fresh, *older][:TOGETHER_MAX]
        whole = {one.name: self._alone(one, view) for one in every}
        if len(every) == 1 and whole[every[0].name] == every[0].certificate.qty:
            return [Share(every[0], every[0].certificate.qty, {})]
        ladders, wishes = _model([one for one in every if whole[one.name]], view)
        rooms = desk.gate.rooms([one.certificate for one in every], desk.account, view)
        each = rooms.pop("basket")
        rooms |= {f"group basket {one.name}": each for one in every}
        found = Allocator(wishes, list(ladders.values()), rooms).solve()
        qty = {wish.name: size for wish, size in zip(wishes, found.qty, strict=True)}
        profit = {wish.name: gain for wish, gain in zip(wishes, found.profits, strict=True)}
        prices = {name: round(price * ONE) for name, price in found.binding.items()}
        shares = [Share(one, qty.get(one.name, Qty(0)), _of(one, prices)) for one in every]
        for share in shares:
            if share.qty < share.wanted.certificate.qty:
                self.short[share.wanted.name] = share.wanted
        return sorted(shares, key=lambda share: -profit.get(share.wanted.name, 0))

    def served(self, name: str) -> None:
        """It was begun: it does not compete any more."""
        self.short.pop(name, None)

    def _alone(self, one: Wanted, view: View) -> Qty:
        """What the gate would let it have if it were the only one."""
        desk = self.desk
        size = desk.gate.affordable(one.certificate, desk.account, view, desk.now)
        return Qty(min(size, one.certificate.qty))


def _model(every: Sequence[Wanted], view: View) -> tuple[dict[str, Ladder], list[Opportunity]]:
    """Ladders by outcome, as deep as the deepest certificate that names it; and the wishes."""
    ladders: dict[str, Ladder] = {}
    wishes: list[Opportunity] = []
    for one in every:
        proof = one.certificate
        names: list[str] = []
        for leg, weight in zip(proof.legs, proof.times(), strict=True):
            name = f"{leg.instrument}|{leg.outcome}" + (f"|x{weight}" if weight > 1 else "")
            made = _ladder(name, leg, weight, view.instrument(leg.instrument))
            known = ladders.get(name)
            if known is None or sum(q for _, q in made.levels) > sum(q for _, q in known.levels):
                ladders[name] = made
            names.append(name)
        sizes = zip(proof.legs, proof.times(), strict=True)
        least = max(ceil_div(leg.size_min, weight) for leg, weight in sizes)
        venues = {leg.instrument.partition(":")[0] for leg in proof.legs}
        groups = (f"basket {one.name}", *((PARTS,) if len(venues) > 1 else ()))
        lot = max(leg.lot for leg in proof.legs)
        wishes.append(
            Opportunity(
                one.name, tuple(names), proof.payout, proof.kind, groups, Ns(0), lot, Qty(least),
                proof.qty,
            )
        )  # fmt: skip
    return ladders, wishes


def _ladder(name: str, leg: Leg, weight: int, market: Instrument) -> Ladder:
    """A certificate's fills as a ladder; of several contracts a share, by the share with fees."""
    names = {"market": market.key, "event": market.event, "category": market.category}
    if weight == 1:
        levels = tuple((fill.px, fill.qty) for fill in leg.fills)
        return Ladder(name, market.venue, levels, leg.fees, **names)
    levels = tuple(
        (Px(weight * (fill.px + fill_fee(leg.fees, fill.px, ONE))), Qty(fill.qty // weight))
        for fill in leg.fills
    )
    return Ladder(name, market.venue, levels, FREE, **names)


def _of(one: Wanted, prices: dict[str, int]) -> dict[str, int]:
    """The binding limits that this one counts against; an event's and a category's bind all."""
    keys = {leg.instrument for leg in one.certificate.legs}
    venues = {key.partition(":")[0] for key in keys}
    mine = {"capital", f"strategy {one.certificate.kind}", f"group {PARTS}", f"depth {one.name}"}
    mine |= {f"group basket {one.name}"} | {n for n in prices if n.startswith(("event", "cat"))}
    mine |= {f"venue {venue}" for venue in venues} | {f"market {key}" for key in keys}
    return {
        f"binding {name}": price
        for name, price in prices.items()
        if name in mine or (name.startswith("depth ") and name[6:].partition("|")[0] in keys)
    }
