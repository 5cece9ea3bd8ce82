"""The saga of a basket: all legs in equal shares, or repaired, or given up with its exact rest.

legs: the first orders are out. complete, unwind: repair orders are out. done, unwound, stuck: over.
While the fate of any order is open nothing more is bought; when all are known the shares are
compared, and what is cheaper by the books of this moment is done: buying what is missing, or
selling back what is too much.
"""

from typing import NamedTuple

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.certificate import Certificate, Leg
from dutchbook.domain.fees import order_total
from dutchbook.domain.orders import LegPlan, Order
from dutchbook.domain.step import BasketBegun, BasketMoved, Passed, Stage
from dutchbook.domain.units import MILLI, ONE, Ns, Qty, Usd
from dutchbook.execution.desk import Desk
from dutchbook.execution.prices import Deal, buying, least, selling
from dutchbook.state.account import BasketLife, Life

REPAIR = ("complete", "unwind")


class Plan(NamedTuple):
    """A way to repair: the orders, and what the basket is worth afterwards in the worst state."""

    stage: Stage
    orders: list[Order]
    worth: int


class Baskets:
    """All baskets under way; `working` are those that are not over."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.working: dict[str, None] = {}
        self.by_legs: dict[tuple[tuple[str, str], ...], Ns] = {}
        self.cooling: dict[str, Ns] = {}
        self.alerted: dict[str, None] = {}

    def begin(self, opportunity: str, certificate: Certificate, view: View) -> None:
        """Decide a basket for an opportunity: the gate has the last word on its size and on it."""
        desk = self.desk
        legs = tuple((leg.instrument, leg.outcome) for leg in certificate.legs)
        if self._passed(opportunity, legs):
            return
        qty = desk.gate.affordable(certificate, desk.account, view, desk.now)
        qty = Qty(min(qty, certificate.qty) or certificate.qty)
        name = f"b{desk.account.epoch}-{desk.seq}-{len(self.working)}"
        orders = [self._leg(name, leg, qty, view) for leg in certificate.legs]
        refused = desk.gate.check(
            tuple(orders), desk.account, view, desk.now, certificate=certificate
        )
        if refused is not None:
            desk.say(refused)
            return
        self._start(name, opportunity, certificate, qty, orders)

    def _passed(self, opportunity: str, legs: tuple[tuple[str, str], ...]) -> bool:
        """Whether these legs are under way already, rest after a failure, or too much goes on."""
        desk = self.desk
        why = ""
        if legs in self.by_legs and desk.now < self.by_legs[legs]:
            why = "these legs were traded just now"
        elif any(self.cooling.get(key, Ns(0)) > desk.now for key, _ in legs):
            why = "a market of it cools down"
        elif any(self._legs(name) == legs for name in self.working):
            why = "a basket of these legs is under way"
        elif len(self.working) >= desk.config.baskets_max:
            why = "too many baskets are under way"
        if why:
            desk.say(Passed(opportunity, "sent", why, {"under_way": len(self.working)}))
        return bool(why)

    def _legs(self, name: str) -> tuple[tuple[str, str], ...]:
        begun = self.desk.account.baskets[name].begun
        return tuple((leg.key, leg.outcome) for leg in begun.legs)

    def _leg(self, name: str, leg: Leg, qty: Qty, view: View) -> Order:
        px = taken(leg, qty)[-1][0]
        outcome: Outcome = "yes" if leg.outcome == "yes" else "no"
        market = view.instrument(leg.instrument)
        return self.desk.order(market, outcome, "buy", px, qty, "leg", basket=name)

    def _start(
        self, name: str, opportunity: str, certificate: Certificate, qty: Qty, orders: list[Order]
    ) -> None:
        desk = self.desk
        capital = sum(order_total(leg.fees, taken(leg, qty)) for leg in certificate.legs)
        begun = BasketBegun(
            name, opportunity, certificate.kind, qty, certificate.payout, Usd(capital),
            Usd(certificate.payout * qty // ONE - capital),
            tuple(LegPlan(o.key, o.outcome, o.px, o.qty, o.id) for o in orders),
            Ns(desk.now + desk.config.leg_timeout_ms * MILLI), Usd(desk.config.unwind_max),
            at=desk.now,
        )  # fmt: skip
        desk.say(begun)
        desk.send(orders)
        self.working[name] = None

    # -- what is under way -----------------------------------------------------------------------

    def look(self, name: str, view: View) -> None:
        """Whether a basket can go on, and how."""
        desk = self.desk
        basket = desk.account.baskets[name]
        lives = [desk.account.orders[order] for order in basket.orders]
        self._tell_late(basket, lives)
        if any(life.alive or life.owed for life in lives):
            return
        nets = [net(lives, leg.key, leg.outcome) for leg in basket.begun.legs]
        low, high = min(nets), max(nets)
        if low == high:
            self._settle(basket, lives, Qty(low), "")
            return
        self._repair(basket, lives, nets, view)

    def _tell_late(self, basket: BasketLife, lives: list[Life]) -> None:
        desk, name = self.desk, basket.begun.id
        since = basket.moved_at if basket.stage in REPAIR else basket.begun.at
        if name in self.alerted or desk.now - since < desk.config.alert_ms * MILLI:
            return
        open_ = [f"{life.order.id} {life.state}" for life in lives if life.alive or life.owed]
        self.alerted[name] = None
        desk.alert(f"basket:{name}", f"basket {name} is open: {', '.join(open_) or 'repairing'}")

    def _settle(self, basket: BasketLife, lives: list[Life], qty: Qty, why: str) -> None:
        """Equal shares of every leg: it holds what it should, or nothing."""
        begun = basket.begun
        worth = begun.payout * qty // ONE - spent(lives)
        stage: Stage = "done" if qty else "unwound"
        numbers = {"qty": int(qty), "spent": spent(lives)}
        why = why or ("" if qty else "nothing filled" if not spent(lives) else "sold back")
        self._over(basket, BasketMoved(begun.id, stage, why, Usd(worth), (), numbers))

    def _over(self, basket: BasketLife, note: BasketMoved) -> None:
        desk = self.desk
        desk.say(note)
        self.working.pop(note.id, None)
        self.alerted.pop(note.id, None)
        legs = tuple((leg.key, leg.outcome) for leg in basket.begun.legs)
        rest = 250 if note.stage == "done" else desk.config.cool_ms // 5
        self.by_legs[legs] = Ns(desk.now + rest * MILLI)

    def _repair(self, basket: BasketLife, lives: list[Life], nets: list[int], view: View) -> None:
        desk, begun = self.desk, basket.begun
        tried = sum(life.order.purpose in REPAIR for life in lives)
        selling_waits = any(self._provisional(leg) for leg in begun.legs)
        plans = [self._complete(basket, lives, nets, view)]
        if not selling_waits:
            plans.append(self._unwind(basket, lives, nets, view))
        ways = sorted((p for p in plans if p is not None), key=lambda p: -p.worth)
        if tried >= desk.config.repairs_max:
            ways = []
        for plan in ways:
            if plan.worth < -begun.unwind_max:
                continue
            if desk.gate.check(tuple(plan.orders), desk.account, view, desk.now) is None:
                numbers = {"worth": plan.worth, "orders": len(plan.orders)}
                desk.say(BasketMoved(begun.id, plan.stage, "shares differ", numbers=numbers))
                desk.send(plan.orders)
                return
        if selling_waits:
            return  # what was bought is not final yet and can't be sold
        patience = desk.config.cool_ms * MILLI
        if tried < desk.config.repairs_max and desk.now - begun.at < patience:
            return  # books are stale or thin for the moment; looked at again soon
        self._stuck(basket, lives, nets)

    def _provisional(self, leg: LegPlan) -> bool:
        return bool(self.desk.account.money.provisional.get((leg.key, leg.outcome)))

    def _complete(
        self, basket: BasketLife, lives: list[Life], nets: list[int], view: View
    ) -> Plan | None:
        """Buy what is missing to bring every leg to the largest share."""
        begun, high = basket.begun, max(nets)
        orders: list[Order] = []
        cash = 0
        for leg, have in zip(begun.legs, nets, strict=True):
            if have == high:
                continue
            market = view.instrument(leg.key)
            deal = buying(view, market, leg.outcome, high - have)
            if deal is None or high - have < least(market, deal.px):
                return None
            cash += deal.cash
            orders.append(self._order(basket, leg, "complete", deal, view))
        worth = begun.payout * high // ONE - spent(lives) - cash
        return Plan("complete", orders, worth)

    def _unwind(
        self, basket: BasketLife, lives: list[Life], nets: list[int], view: View
    ) -> Plan | None:
        """Sell what is too much to bring every leg to the smallest share."""
        begun, low = basket.begun, min(nets)
        orders: list[Order] = []
        cash = 0
        for leg, have in zip(begun.legs, nets, strict=True):
            sellable = self.desk.account.sellable(leg.key, leg.outcome)
            extra = min(have - low, sellable)
            if have == low or extra <= 0:
                continue
            market = view.instrument(leg.key)
            deal = selling(view, market, leg.outcome, extra)
            if deal is None or deal.qty < least(market, deal.px):
                return None
            cash += deal.cash
            orders.append(self._order(basket, leg, "unwind", deal, view))
        if not orders:
            return None
        return Plan("unwind", orders, begun.payout * low // ONE - spent(lives) + cash)

    def _order(self, basket: BasketLife, leg: LegPlan, stage: str, deal: Deal, view: View) -> Order:
        buy = stage == "complete"
        return self.desk.order(
            view.instrument(leg.key), leg.outcome, "buy" if buy else "sell", deal.px, deal.qty,
            "complete" if buy else "unwind", basket=basket.begun.id, reduce_only=not buy,
        )  # fmt: skip

    def _stuck(self, basket: BasketLife, lives: list[Life], nets: list[int]) -> None:
        """No way within bounds: say exactly what is left open, and chase it no further."""
        begun, low = basket.begun, min(nets)
        residual = tuple(
            (leg.key, leg.outcome, Qty(have - low))
            for leg, have in zip(begun.legs, nets, strict=True)
            if have > low
        )
        worth = begun.payout * low // ONE - spent(lives)
        note = BasketMoved(
            begun.id, "stuck", "no repair within bounds", Usd(worth), residual, {"equal": low}
        )
        self._over(basket, note)
        for leg in begun.legs:
            self.cooling[leg.key] = Ns(self.desk.now + self.desk.config.cool_ms * MILLI)
        left = ", ".join(f"{key} {outcome} {qty}" for key, outcome, qty in residual)
        self.desk.alert(f"stuck:{begun.id}", f"basket {begun.id} is stuck, left open: {left}")

    def reopen(self, name: str) -> None:
        """A trade of a basket that was over failed after all: it is under way again."""
        desk = self.desk
        basket = desk.account.baskets.get(name)
        if basket is None or name in self.working:
            return
        for leg in basket.begun.legs:
            self.cooling[leg.key] = Ns(desk.now + desk.config.cool_ms * MILLI)
        desk.say(BasketMoved(name, "unwind", "a trade of it failed"))
        self.working[name] = None


def taken(leg: Leg, qty: int) -> list[tuple[int, int]]:
    """The certificate's fills of a leg up to a size."""
    found: list[tuple[int, int]] = []
    left = qty
    for fill in leg.fills:
        if left <= 0:
            break
        found.append((fill.px, min(fill.qty, left)))
        left -= fill.qty
    return found


def net(lives: list[Life], key: str, outcome: str) -> int:
    """Contracts of an outcome that a basket's orders left it with."""
    return sum(
        life.filled if life.order.action == "buy" else -life.filled
        for life in lives
        if (life.order.key, life.order.outcome) == (key, outcome)
    )


def spent(lives: list[Life]) -> int:
    """Cash that a basket's orders took out of the accounts, fees included."""
    return sum(
        (life.paid if life.order.action == "buy" else -life.paid) + life.fees for life in lives
    )


__all__ = ["Baskets", "Deal", "net", "spent", "taken"]
