"""From wishes to orders: what stands is kept, replaced or canceled, never doubled.

A slot holds one order at a time. A changed wish cancels it, and the new one is placed when the old
one has ended for certain: with an order of unknown fate, or fills still owed, its slot is taken.
What is remembered besides the account is small and may be lost: retreats after post-only
refusals, rests after refusals, and takers that were sent.
"""

from typing import Final, NamedTuple

import msgspec

from dutchbook.domain.candidate import View
from dutchbook.domain.instrument import Instrument, on_grid
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Refused
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px
from dutchbook.domain.wish import Wish
from dutchbook.execution.desk import Desk
from dutchbook.state.account import Life
from dutchbook.state.stakes import NETTING

COOL: Final = Ns(1 * SECOND)
"""A slot rests so long after the gate or the venue said no."""
BACK_MAX: Final = 10
"""So many ticks a post-only quote retreats; then it waits for another wish."""
SOON: Final = ("not_sent", "throttled", "no_match", "killed")
"""Refusals that say nothing about the next try."""
TAKING: Final = ("ioc", "fok")
Slot = tuple[str, str, str]
"""(strategy, key, slot)."""


class Side(NamedTuple):
    """What an order or wish does to the book: bid for YES or offer it, and at which YES price."""

    bid: bool
    px: int


def side_of(one: Order | Wish) -> Side:
    """Buying NO at p offers YES at 1-p."""
    bid = (one.action == "buy") == (one.outcome == "yes")
    return Side(bid, one.px if one.outcome == "yes" else ONE - one.px)


class Slots:
    """Places what is wished, through the gate; ends what is not."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._back: dict[Slot, tuple[Px, int]] = {}
        self._rests: dict[Slot, Ns] = {}
        self._taken: dict[Slot, None] = {}
        self._told: dict[Slot, str] = {}

    def begin(self) -> None:
        """A run began."""
        self._back, self._rests, self._taken, self._told = {}, {}, {}, {}

    def live(self, name: str, key: str) -> list[Life]:
        """A strategy's quotes that may still fill, in a market."""
        return [
            life
            for life in self.desk.account.live_of.get(key, {}).values()
            if life.order.strategy == name and life.order.purpose == "quote"
        ]

    def busy(self, name: str, key: str) -> dict[str, None]:
        """Slots that can't be used now: an order lives there, or fills of one are owed."""
        account = self.desk.account
        taken = {life.order.slot: None for life in self.live(name, key)}
        for life in account.owing.values() if account.owing else ():
            if (life.order.strategy, life.order.key) == (name, key):
                taken[life.order.slot] = None
        return taken

    def end(self, life: Life, why: str) -> bool:
        """Ask for the end of a quote; one that takes ends by itself."""
        return life.order.tif not in TAKING and self.desk.cancel(life, why)

    def tidy(self, name: str, key: str, wishes: dict[str, Wish], age_max: int, view: View) -> bool:
        """End what is not wished any more, not like this, or stands too long; True if any is."""
        ending = False
        for life in self.live(name, key):
            wish = wishes.get(life.order.slot)
            why = "dropped" if wish is None else self._unfit(life, wish, view)
            if not why and age_max and self.desk.now - life.decided_at >= age_max:
                why = "age"
            if why:
                ending = True
                self.end(life, why)
        for slot in [one for one in self._taken if one[:2] == (name, key) and one[2] not in wishes]:
            del self._taken[slot]
        return ending

    def _unfit(self, life: Life, wish: Wish, view: View) -> str:
        """Why an order is not what is wished, "" if it is: then it keeps its place in the queue."""
        order = life.order
        market = view.instrument(order.key)
        px = self.price((order.strategy, order.key, wish.slot), wish, market)
        wanted = wish if px == wish.px else msgspec.structs.replace(wish, px=px)
        if order.venue in NETTING:
            same = side_of(order) == side_of(wanted)
        else:
            same = (order.outcome, order.action, order.px) == (
                wanted.outcome, wanted.action, wanted.px,
            )  # fmt: skip
        if not same or order.post_only != wish.post_only:
            return "replaced"
        most = self._most(order.strategy, wish, life)
        most -= most % market.lot
        if life.left > most or (order.qty < most and life.left != most):
            return "resized"
        return ""

    def price(self, slot: Slot, wish: Wish, market: Instrument) -> Px:
        """The wish's price, or as many ticks behind it as post-only refusals have taught."""
        px, ticks = self._back.get(slot, (wish.px, 0))
        if px != wish.px:
            del self._back[slot]
            return wish.px
        down = wish.action == "buy"
        found: int = wish.px
        for _ in range(ticks):
            found = _step(market, wish.outcome, found, down=down)
        return Px(found)

    def place(self, name: str, wish: Wish, view: View) -> bool:
        """Decide an order for a free slot, if the gate lets us; True if it was sent."""
        desk, slot = self.desk, (name, wish.key, wish.slot)
        if desk.now < self._rests.get(_place(slot), 0) or slot in self._taken:
            return False
        market = view.instrument(wish.key)
        px = self.price(slot, wish, market)
        qty = self._most(name, wish)
        qty -= qty % market.lot
        if not 0 < px < ONE or qty < max(1, market.size_min):
            return False
        outcome, action = wish.outcome, wish.action
        nets = action == "sell" and market.venue in NETTING
        if nets and desk.account.sellable(wish.key, outcome) < qty:
            # What it holds has netted with another's other side: buying that is the same sale.
            outcome, action = ("no" if outcome == "yes" else "yes"), "buy"
            px = Px(ONE - px)
        order = desk.order(
            market, outcome, action, px, qty, "quote", strategy=name, tif=wish.tif,
            post_only=wish.post_only and wish.tif not in TAKING, slot=wish.slot, edge=wish.edge,
        )  # fmt: skip
        refused = desk.gate.check(
            (order,), desk.account, view, desk.now, confidence=wish.confidence
        )
        if refused is not None:
            self._refused(slot, refused)
            return False
        self._told.pop(_place(slot), None)
        if wish.tif in TAKING:
            self._taken[slot] = None
        desk.send([order])
        return True

    def _most(self, name: str, wish: Wish, but: Life | None = None) -> int:
        """A sale is of what the strategy itself holds and does not offer already (`but` here)."""
        if wish.action == "buy":
            return wish.qty
        held: int = self.desk.account.stakes.position(name, wish.key, wish.outcome).qty
        offered = sum(
            life.left
            for life in self.live(name, wish.key)
            if life is not but and side_of(life.order).bid == side_of(wish).bid
        )
        return max(0, min(wish.qty, held - offered))

    def _refused(self, wished: Slot, refused: Refused) -> None:
        """Rest, and tell it once for each reason: prices move many times a second."""
        slot = _place(wished)
        self._rests[slot] = Ns(self.desk.now + COOL)
        if refused.check == "throttle":
            return  # it waits for its turn, that is all
        if self._told.get(slot) != refused.check:
            self._told[slot] = refused.check
            name, key, place = slot
            self.desk.say(msgspec.structs.replace(refused, what=f"{name} {key} {place}"))

    def ended(self, life: Life, wish: Wish | None) -> None:
        """An order of a slot is over: what it teaches for the next one there."""
        order = life.order
        slot = (order.strategy, order.key, order.slot)
        if life.state != "rejected":
            return
        rest = COOL if life.reason in SOON else self.desk.config.cool_ms * MILLI
        if life.reason == "post_only_cross" and wish is not None:
            px, ticks = self._back.get(slot, (wish.px, 0))
            if px != wish.px or ticks < BACK_MAX:  # it would have taken: one tick further back
                self._back[slot] = (wish.px, ticks + 1 if px == wish.px else 1)
                return
        self._rests[_place(slot)] = Ns(self.desk.now + rest)


def _place(slot: Slot) -> Slot:
    """A slot without its try: takers name one by price and size, and these are without end."""
    return slot[0], slot[1], slot[2].partition("@")[0]


def _step(market: Instrument, outcome: str, px: int, *, down: bool) -> int:
    """The next price of the grid below or above; 0 or ONE where there is none."""
    sign = -1 if down else 1
    steps = sorted({band.step for band in market.grid})
    found = [px + sign * step for step in steps]
    fine = [one for one in found if on_grid(market.grid, one if outcome == "yes" else ONE - one)]
    if not fine:
        return 0 if down else ONE
    return max(fine) if down else min(fine)
