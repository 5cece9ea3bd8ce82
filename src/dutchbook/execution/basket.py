"""The saga of a basket: all legs in equal shares, or repaired, or given up with its exact rest.

legs: the first orders are out and worked in the basket's style (`styles.py`). complete, unwind:
repair orders are out, or those of an early exit. done, unwound, stuck: over.
While the fate of any order is open nothing more is bought; when all are known the shares are
compared, and what is cheaper by the books of this moment is done: buying what is missing, or
selling back what is too much.
"""

from typing import NamedTuple

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.fees import order_total
from dutchbook.domain.orders import LegPlan, Order
from dutchbook.domain.step import BasketBegun, BasketMoved, Passed, Stage
from dutchbook.domain.units import MILLI, ONE, Ns, Qty, Usd
from dutchbook.execution.desk import Desk
from dutchbook.execution.prices import Deal, buying, least, selling
from dutchbook.execution.shares import equal, target_down, target_up
from dutchbook.execution.styles import Opening, Styles, listed, net, resting, spent, taken
from dutchbook.state.account import BasketLife, Life
from dutchbook.state.baskets import EARLY

REPAIR = ("complete", "unwind")
PASSING = ("no_match", "killed", "not_sent", "throttled")
"""Refusals that may be over at the next try."""

LOSSES_MAX = 8
"""Each loss in a row doubles how long its legs rest, so many times at most."""


SETTLES = Ns(250 * MILLI)
"""So long after a basket is over books may still show what it took."""


Leg = tuple[str, Outcome]


class Taken(NamedTuple):
    """Offers that a basket took: not there until `soon`; nor until `until`, while their book has
    not changed since step `seq`."""

    soon: Ns
    until: Ns
    seq: int


class Plan(NamedTuple):
    """A way to repair: the orders, and what the basket is worth afterwards in the worst state."""

    stage: Stage
    orders: list[Order]
    worth: int


class Baskets:
    """All baskets under way; `working` are those that are not over."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.styles = Styles(desk)
        self.working: dict[str, None] = {}
        self.by_legs: dict[tuple[tuple[str, str], ...], Ns] = {}
        self.losses: dict[tuple[tuple[str, str], ...], int] = {}
        self.taken: dict[tuple[str, Outcome], Taken] = {}
        self.cooling: dict[str, Ns] = {}
        self.alerted: dict[str, None] = {}

    def begin(self, opportunity: str, certificate: Certificate, view: View, most: int = -1) -> bool:
        """Decide a basket for an opportunity: the gate has the last word on its size and on it.

        `most`: contracts that it may have, where others compete; negative for no such limit.
        True if it was begun.
        """
        desk = self.desk
        legs: tuple[Leg, ...] = tuple(
            (leg.instrument, "yes" if leg.outcome == "yes" else "no") for leg in certificate.legs
        )
        if self._passed(opportunity, legs, view):
            return False
        qty = desk.gate.affordable(certificate, desk.account, view, desk.now)
        qty = Qty(min(qty, certificate.qty) or certificate.qty)
        qty = Qty(min(qty, most)) if most > 0 else qty
        name = f"b{desk.account.epoch}-{desk.seq}-{len(self.working)}"
        plan = self.styles.opening(name, certificate, qty, view)
        # Legs that are to follow are judged now, too: what rests must be able to become whole.
        refused = desk.gate.check(plan.legs, desk.account, view, desk.now, certificate=certificate)
        if refused is not None:
            desk.say(refused)
            return False
        self._start(name, opportunity, certificate, qty, plan)
        return True

    def _passed(self, opportunity: str, legs: tuple[Leg, ...], view: View) -> bool:
        """Whether these legs are under way already, rest after a failure, or too much goes on."""
        desk = self.desk
        why = ""
        if legs in self.by_legs and desk.now < self.by_legs[legs]:
            why = "these legs were traded just now"
        elif any(self.cooling.get(key, Ns(0)) > desk.now for key, _ in legs):
            why = "a market of it cools down"
        elif any(self._legs(name) == legs for name in self.working):
            why = "a basket of these legs is under way"
        elif self._contested(legs, view):
            why = "another basket takes the same offers"
        elif len(self.working) >= desk.config.baskets_max:
            why = "too many baskets are under way"
        if why:
            desk.say(Passed(opportunity, "sent", why, {"under_way": len(self.working)}))
        return bool(why)

    def _contested(self, legs: tuple[Leg, ...], view: View) -> bool:
        """Whether offers of a leg are being taken by another basket, or were so just now: the book
        shows them until the venue has told what became of them, and they are not there twice."""
        now = self.desk.now
        self.taken = {leg: taken for leg, taken in self.taken.items() if taken.until > now}
        for leg in legs:
            known = self.taken.get(leg)
            if known and (now < known.soon or view.book(*leg)[2] <= known.seq):
                return True
        wanted = dict.fromkeys(legs)
        return any(leg in wanted for name in self.working for leg in self._legs(name))

    def _legs(self, name: str) -> tuple[Leg, ...]:
        begun = self.desk.account.baskets[name].begun
        return tuple((leg.key, leg.outcome) for leg in begun.legs)

    def _start(
        self, name: str, opportunity: str, certificate: Certificate, qty: Qty, plan: Opening
    ) -> None:
        desk = self.desk
        sizes = zip(certificate.legs, certificate.times(), strict=True)
        capital = sum(order_total(leg.fees, taken(leg, qty * weight)) for leg, weight in sizes)
        begun = BasketBegun(
            name, opportunity, certificate.kind, qty, certificate.payout, Usd(capital),
            Usd(certificate.payout * qty // ONE - capital), plan.told(),
            plan.deadline, Usd(desk.config.unwind_max), plan.style, certificate.kind,
            at=desk.now, residual=_residual(certificate, qty, capital),
        )  # fmt: skip
        desk.say(begun)
        desk.send(list(plan.first))
        self.working[name] = None

    # -- what is under way -----------------------------------------------------------------------

    def look(self, name: str, view: View) -> None:
        """Whether a basket can go on, and how."""
        desk = self.desk
        basket = desk.account.baskets[name]
        if any(leg.key.partition(":")[0] not in desk.accounts for leg in basket.begun.legs):
            self.working.pop(name, None)
            desk.alert(f"basket:{name}", f"basket {name} waits: a venue of it is not traded now")
            return
        lives = [desk.account.orders[order] for order in basket.orders]
        self._tell_late(basket, lives)
        if self.styles.work(basket, lives, view):
            return
        if any(life.alive or life.owed for life in lives):
            return
        nets = [net(lives, leg.key, leg.outcome) for leg in basket.begun.legs]
        shares = equal(basket.begun, nets)
        if shares is not None:
            self._settle(basket, lives, Qty(shares), "")
            return
        if listed(view, basket.begun.legs):
            self._repair(basket, lives, nets, view)

    def _tell_late(self, basket: BasketLife, lives: list[Life]) -> None:
        desk, name = self.desk, basket.begun.id
        since = basket.moved_at if basket.stage in REPAIR else resting(basket.begun, lives)
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
        sold = EARLY if any(o.order.purpose == "exit" for o in lives) else "sold back"
        why = why or ("" if qty else sold if any(o.filled for o in lives) else "nothing filled")
        self._over(basket, BasketMoved(begun.id, stage, why, Usd(worth), (), numbers))

    def _over(self, basket: BasketLife, note: BasketMoved) -> None:
        desk = self.desk
        desk.say(note)
        self.working.pop(note.id, None)
        self.alerted.pop(note.id, None)
        legs = tuple((leg.key, leg.outcome) for leg in basket.begun.legs)
        rest = 250 if note.stage == "done" else desk.config.cool_ms // 5
        losses = self.losses.get(legs, 0) if note.stage != "done" else 0
        self.losses[legs] = losses + (note.locked < 0)
        rest <<= min(losses, LOSSES_MAX)
        self.by_legs[legs] = Ns(desk.now + rest * MILLI)
        soon, until = Ns(desk.now + SETTLES), Ns(desk.now + desk.config.shown_ms * MILLI)
        self.taken |= dict.fromkeys(legs, Taken(soon, until, desk.seq))

    def _repair(self, basket: BasketLife, lives: list[Life], nets: list[int], view: View) -> None:
        desk, begun = self.desk, basket.begun
        tried = repairs(lives)
        selling_waits = any(self._provisional(leg) for leg in begun.legs)
        plans = [self._complete(basket, lives, nets, view)]
        if not selling_waits:
            plans.append(self._unwind(basket, lives, nets, view))
        ways = sorted(
            (p for p in plans if p is not None), key=lambda p: (_refused(lives, p.stage), -p.worth)
        )
        if tried >= desk.config.repairs_max:
            ways = []
        for plan in ways:
            if plan.worth < -begun.unwind_max:
                continue
            refused = desk.gate.check(tuple(plan.orders), desk.account, view, desk.now)
            if refused is not None:
                desk.clear(plan.orders, refused)
            else:
                numbers = {"worth": plan.worth, "orders": len(plan.orders)}
                desk.say(BasketMoved(begun.id, plan.stage, "shares differ", numbers=numbers))
                desk.send(plan.orders)
                return
        if selling_waits:
            return  # what was bought is not final yet and can't be sold
        since = max(begun.deadline, basket.moved_at)
        if tried < desk.config.repairs_max and desk.now - since < desk.config.cool_ms * MILLI:
            return  # books are stale or thin for the moment; looked at again soon
        self._stuck(basket, lives, nets)

    def _provisional(self, leg: LegPlan) -> bool:
        return bool(self.desk.account.money.provisional.get((leg.key, leg.outcome)))

    def _complete(
        self, basket: BasketLife, lives: list[Life], nets: list[int], view: View
    ) -> Plan | None:
        """Buy what is missing to bring every leg to the largest share, or to what can be bought."""
        begun, high = basket.begun, target_up(basket.begun, nets, view)
        orders: list[Order] = []
        cash = 0
        for leg, have in zip(begun.legs, nets, strict=True):
            missing = high * leg.weight - have
            if not missing:
                continue
            market = view.instrument(leg.key)
            deal = buying(view, market, leg.outcome, missing)
            if deal is None or missing < least(market, deal.px):
                return None
            cash += deal.cash
            orders.append(self._order(basket, leg, "complete", deal, view))
        worth = begun.payout * high // ONE - spent(lives) - cash
        return Plan("complete", orders, worth)

    def _unwind(
        self, basket: BasketLife, lives: list[Life], nets: list[int], view: View
    ) -> Plan | None:
        """Sell what is too much to bring all legs to the smallest share, or to what can be sold."""
        begun, low = basket.begun, target_down(basket.begun, nets, view)
        orders: list[Order] = []
        cash = 0
        for leg, have in zip(begun.legs, nets, strict=True):
            sellable = self.desk.account.sellable(leg.key, leg.outcome)
            extra = min(have - low * leg.weight, sellable)
            if extra <= 0:
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
        begun = basket.begun
        low = min(have // leg.weight for leg, have in zip(begun.legs, nets, strict=True))
        residual = tuple(
            (leg.key, leg.outcome, Qty(have - low * leg.weight))
            for leg, have in zip(begun.legs, nets, strict=True)
            if have > low * leg.weight
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

    def reopen(self, name: str, why: str) -> None:
        """A basket that was over is not what it was: it is under way again."""
        desk = self.desk
        basket = desk.account.baskets.get(name)
        if basket is None or name in self.working:
            return
        for leg in basket.begun.legs:
            self.cooling[leg.key] = Ns(desk.now + desk.config.cool_ms * MILLI)
        desk.say(BasketMoved(name, "unwind", why))
        self.working[name] = None


def _residual(certificate: Certificate, qty: int, capital: int) -> Usd:
    """What is lost in the worst state in which venues part; 0 for a basket at one venue."""
    if len({leg.instrument.partition(":")[0] for leg in certificate.legs}) < 2:
        return Usd(0)
    back = min(state.payoff for state in certificate.residual) * qty // certificate.qty
    return Usd(max(capital - back, 0))


def repairs(lives: list[Life]) -> int:
    """How often a basket was repaired since it began, or since it was last to be sold early.

    All orders of one step are one repair: of many legs, many may be short at once.
    """
    steps: dict[str, None] = {}
    for life in lives:
        if life.order.purpose == "exit":
            steps = {}
        elif life.order.purpose in REPAIR:
            steps[life.order.id.rpartition("-")[0]] = None
    return len(steps)


def _refused(lives: list[Life], stage: Stage) -> bool:
    """Whether a venue refused such a repair already: then the other way comes first."""
    return any(
        life.order.purpose == stage and life.state == "rejected" and life.reason not in PASSING
        for life in lives
    )


__all__ = ["Baskets", "net", "spent", "taken"]
