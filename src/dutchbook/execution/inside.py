"""Strategies that want opposite sides of one market meet inside, and never at the venue.

The order of neither leaves: contracts change hands at the middle of both prices, without a fee.
Where a quote of the other stands at the venue already, it is ended first, so that nobody else can
fill it meanwhile. Where a venue holds YES and NO apart, somebody must hold what is sold: a pair
can't be made from nothing there, and the gate then refuses whoever comes second.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.step import Crossed
from dutchbook.domain.units import ONE, Px, Qty
from dutchbook.domain.wish import Wish
from dutchbook.execution.desk import Desk
from dutchbook.execution.slots import Side, Slots, side_of
from dutchbook.state.stakes import NETTING

Wanted = dict[tuple[str, str], dict[str, Wish]]
"""What is wished by (strategy, key), then by slot."""


class Deal(NamedTuple):
    """What may change hands: who bids for YES, who offers it, and how much of which outcome."""

    buyer: str
    seller: str
    outcome: Outcome
    most: int


class Inside:
    """Looks for wishes that would trade with each other before one of them is placed."""

    def __init__(self, desk: Desk, slots: Slots, wanted: Wanted) -> None:
        self.desk = desk
        self.slots = slots
        self.wanted = wanted

    def meets(self, name: str, wish: Wish, names: Sequence[str], view: View) -> str:
        """Net a wish inside where it can be: "wait" for a quote to end, "done", or "" to place it.

        `names`: who watches the market. After "done" both strategies hold something else, and are
        to be asked again.
        """
        if len(names) < 2:
            return ""
        for other, theirs in self._against(name, wish, names):
            deal = self._deal(name, wish, other, theirs)
            if deal is None:
                continue
            standing = [
                life for life in self.slots.live(other, wish.key)
                if life.order.slot == theirs.slot
            ]  # fmt: skip
            if standing or theirs.slot in self.slots.busy(other, wish.key):
                for life in standing:
                    self.slots.end(life, "net inside")
                return "wait"
            if self._cross(wish, theirs, deal, view):
                return f"done {other}"
        return ""

    def _against(self, name: str, wish: Wish, names: Sequence[str]) -> list[tuple[str, Wish]]:
        """Wishes of others that this one would trade with, the best price first."""
        mine = side_of(wish)
        found: list[tuple[int, str, str, Wish]] = []
        for other in names:
            if other == name:
                continue
            for theirs in self.wanted.get((other, wish.key), {}).values():
                side = side_of(theirs)
                if side.bid != mine.bid and _crosses(mine, side):
                    found.append((side.px if mine.bid else -side.px, other, theirs.slot, theirs))
        return [(row[1], row[3]) for row in sorted(found, key=lambda row: row[:3])]

    def _deal(self, name: str, wish: Wish, other: str, theirs: Wish) -> Deal | None:
        mine = side_of(wish).bid
        buyer, seller = (name, other) if mine else (other, name)
        bid, ask = (wish, theirs) if mine else (theirs, wish)
        most: int = min(wish.qty, theirs.qty)
        if wish.key.partition(":")[0] in NETTING:
            return Deal(buyer, seller, "yes", most)
        if ask.action == "sell" and bid.action == "buy":
            most = min(most, self._sure(seller, wish.key, "yes"))
            return Deal(buyer, seller, "yes", most) if most else None
        if bid.action == "sell" and ask.action == "buy":  # it bids for YES by selling NO
            most = min(most, self._sure(buyer, wish.key, "no"))
            return Deal(seller, buyer, "no", most) if most else None
        return None

    def _sure(self, name: str, key: str, outcome: Outcome) -> int:
        """What a strategy can hand over: a fill that may be voided is nobody's to sell."""
        account = self.desk.account
        sure = account.held(key, outcome) - account.money.provisional.get((key, outcome), 0)
        return max(0, min(account.stakes.position(name, key, outcome).qty, sure))

    def _cross(self, wish: Wish, theirs: Wish, deal: Deal, view: View) -> bool:
        yes = (side_of(wish).px + side_of(theirs).px) // 2
        px = yes if deal.outcome == "yes" else ONE - yes
        lot = view.instrument(wish.key).lot
        qty = min(deal.most, self._affords(deal.buyer, px))
        if deal.outcome == "yes" and wish.key.partition(":")[0] in NETTING:
            qty = min(
                qty,
                self._affords(deal.seller, ONE - px)
                + self.desk.account.stakes.position(deal.seller, wish.key, "yes").qty,
            )
        qty -= qty % lot
        if qty <= 0:
            return False
        self.desk.say(Crossed(wish.key, deal.outcome, Qty(qty), Px(px), deal.buyer, deal.seller))
        return True

    def _affords(self, name: str, px: int) -> int:
        """Contracts that a strategy's budget still pays for at a price."""
        account = self.desk.account
        used = account.stakes.cost_of.get(name, 0) + account.stake_by.get(name, 0)
        free = self.desk.gate.budgets.get(name, 0) - used
        return max(0, free) * ONE // max(1, px)


def _crosses(mine: Side, other: Side) -> bool:
    return mine.px >= other.px if mine.bid else mine.px <= other.px
