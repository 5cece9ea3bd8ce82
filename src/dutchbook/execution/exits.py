"""Leaving positions before their markets end: what is held is sold where a rule of `Exits` says so.

A done basket is sold in equal shares of every leg and becomes a basket under way again, so that a
leg that fails is repaired like any other. What no basket holds is a position by hand (`byhand.py`).
What is remembered between two looks is only what was tried just now: a restart may forget it.
"""

from itertools import islice
from typing import Final, NamedTuple

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.effects import Alert
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.orders import LegPlan, Order
from dutchbook.domain.step import BasketMoved, Refused
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, ceil_div
from dutchbook.execution.basket import Baskets
from dutchbook.execution.byhand import ByHand, Place
from dutchbook.execution.config import Exits as Config
from dutchbook.execution.desk import Desk
from dutchbook.execution.prices import least, selling, sets
from dutchbook.execution.styles import listed, net, spent, stopped
from dutchbook.state.account import BasketLife, Life

LOOKS: Final = 200
"""So many baskets are looked at in one tick, then the next ones in the next."""
STOPPING: Final = ("halt", "kill")


class Floor(NamedTuple):
    """The least that a sale must bring for each contract of every leg, and the rule behind it."""

    least: int
    why: str


class Exits:
    """Looks at what is held, on ticks; sells through the gate, reduce-only and at once."""

    def __init__(self, desk: Desk, baskets: Baskets, config: Config) -> None:
        self.desk = desk
        self.baskets = baskets
        self.config = config
        self.closing = False
        self.hand = ByHand(desk.account)
        self._resting: dict[str, Ns] = {}
        self._next = 0

    def begin(self) -> None:
        """A run began."""
        self.closing, self._resting, self._next = False, {}, 0
        self.hand.begin()

    def sweep(self, view: View) -> None:
        """A tick: every rule that is on, for everything that may be sold now."""
        if self.closing or stopped(self.desk.account, [], STOPPING):
            return
        self._resting = {what: at for what, at in self._resting.items() if at > self.desk.now}
        config = self.config
        if config.basket_take or config.profit or config.age_s or config.end_minutes:
            for name in self._some():
                basket = self.desk.account.baskets[name]
                floor = self._floor(basket, view)
                if floor is not None:
                    self._sell_basket(basket, floor, view)
        if config.profit or config.stop or config.age_s or config.end_minutes:
            self.hand.update()
            for place in self.hand.places():
                qty = self.hand.qty(place)
                why = self._reason(place, qty, view) if qty else ""
                if why:
                    self._sell_place(place, qty, why, view)

    def asked(self, words: tuple[str, ...], view: View) -> None:
        """A person or a strategy says that it is over: `exit KEY OUTCOME` or `exit BASKET`, at the
        bids of now.

        Baskets that hold it are sold whole: without one leg the others would be naked.
        """
        account = self.desk.account
        key, _, outcome = " ".join(words).rpartition(" ")
        if outcome in account.baskets and not key:
            if not self._sell_basket(account.baskets[outcome], Floor(0, "asked"), view):
                self.desk.say(Refused("exit", "sellable", f"basket {outcome}: not now", {}))
            return
        if outcome not in ("yes", "no"):
            self.desk.say(Refused("exit", "request", "say: exit KEY yes|no", {}))
            return
        place: Place = (key, "yes" if outcome == "yes" else "no")
        named = [
            account.baskets[name]
            for name in account.guaranteed
            if any((leg.key, leg.outcome) == place for leg in account.baskets[name].begun.legs)
        ]
        sold = [self._sell_basket(basket, Floor(0, "asked"), view) for basket in named]
        self.hand.update()
        sold.append(self._sell_place(place, self.hand.qty(place), "asked", view))
        if not any(sold):
            held = {"held": int(account.held(*place)), "sellable": int(account.sellable(*place))}
            self.desk.say(Refused("exit", "sellable", f"{key} {outcome}: not now", held))

    # -- baskets -----------------------------------------------------------------------------------

    def _some(self) -> list[str]:
        """The next done baskets in their turn; all of them where they are few."""
        names = self.desk.account.guaranteed
        if len(names) <= LOOKS:
            return list(names)
        first = self._next if self._next < len(names) else 0
        self._next = first + LOOKS
        return list(islice(names, first, self._next))

    def _floor(self, basket: BasketLife, view: View) -> Floor | None:
        """What selling a basket must bring per contract by the rules that are on."""
        config, begun, now = self.config, basket.begun, self.desk.now
        keys = [leg.key for leg in begun.legs]
        if config.age_s and now - begun.at >= config.age_s * SECOND:
            return Floor(0, "age")
        if any(self._ends(key, view) for key in keys):
            return Floor(0, "event end")
        found: list[Floor] = []
        if config.profit:
            lives = [self.desk.account.orders[name] for name in basket.orders]
            have = min(net(lives, leg.key, leg.outcome) for leg in begun.legs)
            if have > 0:
                gain = ceil_div(begun.promised * config.profit, begun.qty)
                found.append(Floor(ceil_div(spent(lives) * ONE, have) + gain, "profit"))
        if config.basket_take:
            found.append(Floor(ceil_div(begun.payout * config.basket_take, ONE), "take"))
        return min(found, default=None)

    def _sell_basket(self, basket: BasketLife, floor: Floor, view: View) -> bool:
        """Equal shares of every leg, as many as the bids pay the floor for."""
        desk, begun = self.desk, basket.begun
        if begun.id in self._resting or basket.stage != "done":
            return False
        lives = [desk.account.orders[name] for name in basket.orders]
        if any(life.alive or life.owed for life in lives):
            return False
        if any(self._unsure(leg.key, leg.outcome) for leg in begun.legs):
            return False
        if stopped(desk.account, [leg.key for leg in begun.legs], STOPPING):
            return False
        orders, cash = self._equal(begun.legs, begun.id, lives, floor, view)
        if not orders:
            return False
        numbers = {"qty": int(orders[0].qty), "pays": cash}
        refused = self._judged(begun.id, orders, view)
        if refused is not None:
            desk.say(refused)
            return False
        desk.say(BasketMoved(begun.id, "unwind", f"exit: {floor.why}", numbers=numbers))
        self._send(orders, f"basket {begun.id} is sold early ({floor.why})")
        self.baskets.working[begun.id] = None
        return True

    def _equal(
        self, legs: tuple[LegPlan, ...], name: str, lives: list[Life], floor: Floor, view: View
    ) -> tuple[list[Order], int]:
        """The sales of a basket and what they bring; none where it is too little."""
        account = self.desk.account
        most = min(
            min(net(lives, leg.key, leg.outcome), account.sellable(leg.key, leg.outcome))
            for leg in legs
        )
        if not listed(view, legs) or any(leg.weight > 1 for leg in legs):
            return [], 0  # legs of different sizes are held to the end
        markets = [view.instrument(leg.key) for leg in legs]
        lot = max(market.lot for market in markets)
        pairs = [(market, leg.outcome) for market, leg in zip(markets, legs, strict=True)]
        qty = sets(view, pairs, most, floor.least)
        qty -= qty % lot
        orders: list[Order] = []
        cash = 0
        for market, outcome in pairs:
            deal = selling(view, market, outcome, qty) if qty > 0 else None
            if deal is None or deal.qty < qty or qty < least(market, deal.px):
                return [], 0
            cash += deal.cash
            orders.append(self._order(market, outcome, deal.px, qty, name))
        return (orders, cash) if cash * ONE >= floor.least * qty else ([], 0)

    # -- positions by hand -------------------------------------------------------------------------

    def _reason(self, place: Place, qty: int, view: View) -> str:
        """The rule by which a position by hand ends now, "" if none does."""
        config, account = self.config, self.desk.account
        now = self.desk.now
        if config.age_s and now - self.hand.since(place, now) >= config.age_s * SECOND:
            return "age"
        if self._ends(place[0], view):
            return "event end"
        market = _market(view, place[0])
        deal = selling(view, market, place[1], qty) if market else None
        if deal is None:
            return ""
        cost = account.cost(*place) * deal.qty // account.held(*place)
        if config.profit and deal.cash * ONE >= cost * (ONE + config.profit):
            return "profit"
        if config.stop and deal.cash * ONE <= cost * (ONE - config.stop):
            return "stop"
        return ""

    def _sell_place(self, place: Place, qty: int, why: str, view: View) -> bool:
        key, outcome = place
        what = f"{key} {outcome}"
        market = _market(view, key)
        if not qty or what in self._resting or self._unsure(key, outcome) or market is None:
            return False
        deal = selling(view, market, outcome, qty)
        sold = deal.qty - deal.qty % market.lot if deal else 0
        if deal is None or sold < least(market, deal.px):
            return False
        order = self._order(market, outcome, deal.px, sold, "")
        refused = self._judged(what, [order], view)
        if refused is not None:
            self.desk.say(refused)
            return False
        self._send([order], f"{what} is sold ({why})")
        return True

    # -- both --------------------------------------------------------------------------------------

    def _ends(self, key: str, view: View) -> bool:
        """Whether a market closes within the span that was set."""
        market = _market(view, key) if self.config.end_minutes else None
        if market is None or not market.closes:
            return False
        return market.closes - self.desk.now <= self.config.end_minutes * 60 * SECOND

    def _unsure(self, key: str, outcome: Outcome) -> bool:
        """Whether it is not certain what is held: fills not final, fates open, books not equal."""
        account = self.desk.account
        if account.money.provisional.get((key, outcome)) or account.unknown(key):
            return True
        if not account.reconciled.get(key.partition(":")[0]):
            return True
        return any(
            life.order.outcome == outcome and life.order.action == "sell"
            for life in account.live_of.get(key, {}).values()
        )

    def _order(self, market: Instrument, outcome: Outcome, px: int, qty: int, basket: str) -> Order:
        return self.desk.order(
            market, outcome, "sell", px, qty, "exit", basket=basket, reduce_only=True
        )

    def _judged(self, what: str, orders: list[Order], view: View) -> Refused | None:
        """The gate's word; sold or refused, the same is not tried again at once."""
        desk = self.desk
        self._resting[what] = Ns(desk.now + self.config.again_ms * MILLI)
        refused = desk.gate.check(tuple(orders), desk.account, view, desk.now)
        if refused is not None and desk.clear(orders, refused):
            del self._resting[what]
        return refused

    def _send(self, orders: list[Order], text: str) -> None:
        self.desk.do(Alert("info", f"exit:{orders[0].id}", text))
        self.desk.send(orders)


def _market(view: View, key: str) -> Instrument | None:
    try:
        return view.instrument(key)
    except KeyError:
        return None  # no longer listed
