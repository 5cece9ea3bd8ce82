"""How the legs of a basket are worked: all crossed at once, all rested, or one rested first.

market: IOC on every leg. limit: every leg rests until the deadline. hybrid: the leg with the
least offers rests; what it fills, the others buy at once. What is to be done is read off the
orders and the basket as it was decided, so that a restart goes on where it was. What a style
leaves unequal is repaired by the saga in `basket.py`.
"""

from typing import Final, NamedTuple, cast

import msgspec

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.certificate import Certificate, Leg
from dutchbook.domain.instrument import Instrument, on_grid
from dutchbook.domain.orders import LegPlan, Order
from dutchbook.domain.step import BasketBegun
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Qty, ceil_div
from dutchbook.execution.desk import Desk
from dutchbook.execution.prices import buying, least
from dutchbook.state.account import Account, BasketLife, Life

LEVELS: Final = 50
STOPPING: Final = ("pause", "halt", "kill")
"""Halts under which nothing of ours may rest: each fill of it would be new risk."""


class Opening(NamedTuple):
    """The legs as they are decided together, and those of them that are sent now."""

    legs: tuple[Order, ...]
    first: tuple[Order, ...]
    deadline: Ns
    style: str
    weights: tuple[int, ...] = ()

    def told(self) -> tuple[LegPlan, ...]:
        """The plan as the record keeps it; a leg that follows has no order yet."""
        ids = {order.id for order in self.first}
        times = self.weights or (1,) * len(self.legs)
        return tuple(
            LegPlan(o.key, o.outcome, o.px, o.qty, o.id if o.id in ids else "", weight)
            for o, weight in zip(self.legs, times, strict=True)
        )


class Styles:
    """Planning of styles; keeps nothing between two calls."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def opening(self, name: str, certificate: Certificate, qty: Qty, view: View) -> Opening:
        """The orders that a basket begins with, at the prices of its certificate.

        One whose legs differ in size is crossed at once, whatever the style: what rests would
        have to fill in proportion.
        """
        desk, config = self.desk, self.desk.config
        style = "market" if certificate.weights else config.style
        resting: tuple[int, ...] = ()
        if style == "limit":
            resting = tuple(range(len(certificate.legs)))
        elif style == "hybrid":
            resting = (_thinnest(certificate, qty, view),)
        span = config.rest_ms if resting else config.leg_timeout_ms
        deadline = Ns(desk.now + span * MILLI)
        legs = tuple(
            self._leg(name, leg, Qty(qty * weight), view, deadline if n in resting else Ns(0))
            for n, (leg, weight) in enumerate(
                zip(certificate.legs, certificate.times(), strict=True)
            )
        )
        legs = tuple(msgspec.structs.replace(one, strategy=certificate.kind) for one in legs)
        first = tuple(legs[n] for n in resting) if style == "hybrid" else legs
        return Opening(legs, first, deadline, style, certificate.weights)

    def _leg(self, name: str, leg: Leg, qty: Qty, view: View, deadline: Ns) -> Order:
        """One leg; with a deadline it rests. The venue's own end of it is a little after ours."""
        desk, post_only = self.desk, self.desk.config.post_only
        outcome = cast(Outcome, leg.outcome)
        market, px = view.instrument(leg.instrument), taken(leg, qty)[-1][0]
        if not deadline:
            return desk.order(market, outcome, "buy", px, qty, "leg", basket=name)
        if post_only:
            px = _below(market, outcome, view)
        expires = Ns(ceil_div(deadline + SECOND, SECOND) * SECOND)  # venues count whole seconds
        return desk.order(
            market, outcome, "buy", px, qty, "leg", basket=name, tif="gtd", expires=expires,
            post_only=post_only,
        )  # fmt: skip

    # -- what is under way -----------------------------------------------------------------------

    def work(self, basket: BasketLife, lives: list[Life], view: View) -> bool:
        """Bring a resting basket on; True if orders were sent."""
        begun = basket.begun
        if begun.style == "market":
            return False
        first = basket.stage == "legs"
        why, sent = "" if first else "repair", False
        first = first and listed(view, begun.legs)
        if first and begun.style == "hybrid" and not _missed(lives, "ioc"):
            sent, why = self._follow(begun, lives, view)
        resting = [life for life in lives if life.alive and life.order.tif == "gtd"]
        why = why or (self._ends(begun, lives) if resting else "")
        if why:
            for life in resting:
                self.desk.cancel(life, why)
        if not sent and first and not any(life.alive or life.owed for life in lives):
            sent = self._last(begun, lives, view)
        return sent

    def _ends(self, begun: BasketBegun, lives: list[Life]) -> str:
        """Why nothing of a basket may rest any longer, "" while it may."""
        desk = self.desk
        if desk.now >= begun.deadline:
            return "deadline"
        if stopped(desk.account, [leg.key for leg in begun.legs], STOPPING):
            return "halt"
        return "another leg failed" if _missed(lives, "ioc") or _missed(lives, "gtd") else ""

    def _follow(self, begun: BasketBegun, lives: list[Life], view: View) -> tuple[bool, str]:
        """Buy of the other legs what the resting one has filled: (sent, why it must end).

        Less than a venue's least order waits for more. An order that is under way or owed counts
        as filled: it is not sent again.
        """
        desk, lead = self.desk, _lead(lives)
        orders: list[Order] = []
        for leg in begun.legs:
            if (leg.key, leg.outcome) == (lead.order.key, lead.order.outcome):
                continue
            market = view.instrument(leg.key)
            missing = lead.filled - _coming(lives, leg)
            missing -= missing % market.lot
            if missing > 0 and missing >= least(market, leg.px):
                orders.append(self._cross(begun, leg, leg.px, missing, view))
        if not orders:
            return False, ""
        refused = desk.gate.check(tuple(orders), desk.account, view, desk.now)
        if refused is None:
            desk.send(orders)
            return True, ""
        if lead.alive and desk.cancel(lead, refused.check):
            desk.say(refused)
        return False, refused.check

    def _last(self, begun: BasketBegun, lives: list[Life], view: View) -> bool:
        """Hybrid at its deadline, where so set: cross what is missing if that alone pays."""
        desk = self.desk
        if begun.style != "hybrid" or desk.config.at_deadline != "cross":
            return False
        late = any(o.order.tif == "ioc" and o.order.made_at >= begun.deadline for o in lives)
        if late or desk.now < begun.deadline or _missed(lives, "ioc"):
            return False  # it was tried, or a price had gone before
        nets = [net(lives, leg.key, leg.outcome) for leg in begun.legs]
        orders: list[Order] = []
        cash = 0
        for leg, have in zip(begun.legs, nets, strict=True):
            missing = begun.qty - have
            if not missing:
                continue
            market = view.instrument(leg.key)
            deal = buying(view, market, leg.outcome, missing)
            if deal is None or missing < least(market, deal.px):
                return False
            cash += deal.cash
            orders.append(self._cross(begun, leg, deal.px, missing, view))
        if not orders or begun.payout * (begun.qty - max(nets)) // ONE <= cash:
            return False
        if stopped(desk.account, [leg.key for leg in begun.legs], STOPPING):
            return False
        if desk.gate.check(tuple(orders), desk.account, view, desk.now) is not None:
            return False
        desk.send(orders)
        return True

    def _cross(self, begun: BasketBegun, leg: LegPlan, px: int, qty: int, view: View) -> Order:
        market = view.instrument(leg.key)
        return self.desk.order(market, leg.outcome, "buy", px, qty, "leg", basket=begun.id)


def listed(view: View, legs: tuple[LegPlan, ...]) -> bool:
    """Whether all markets of a basket are known: after a restart they are listed one by one."""
    for leg in legs:
        try:
            view.instrument(leg.key)
        except KeyError:
            return False
    return True


def stopped(account: Account, keys: list[str], levels: tuple[str, ...]) -> bool:
    """Whether a halt of one of these levels lies on all, or on a venue or market of these."""
    scopes = ["all"]
    for key in keys:
        scopes += [f"venue:{key.partition(':')[0]}", f"market:{key}"]
    return any(scope in account.halts and account.halts[scope].level in levels for scope in scopes)


def resting(begun: BasketBegun, lives: list[Life]) -> Ns:
    """When a basket in its first stage began to be late: from the deadline on if it is even."""
    even = len({net(lives, leg.key, leg.outcome) for leg in begun.legs}) == 1
    return begun.deadline if begun.style != "market" and even else begun.at


def _thinnest(certificate: Certificate, qty: Qty, view: View) -> int:
    """The leg whose offers hold the least at the certificate's price; the first of equal ones."""
    sizes: list[int] = []
    for leg in certificate.legs:
        worst = taken(leg, qty)[-1][0]
        offers = view.offers(leg.instrument, cast(Outcome, leg.outcome), LEVELS)
        sizes.append(sum(size for px, size in offers if px <= worst))
    return sizes.index(min(sizes))


def _below(market: Instrument, outcome: Outcome, view: View) -> int:
    """The best price that takes nothing: one step of the grid below the best offer; 0 if none."""
    best = view.best(market.key, outcome)[0]
    steps = [best - band.step for band in market.grid]
    fine = [px for px in steps if on_grid(market.grid, px if outcome == "yes" else ONE - px)]
    return max(fine, default=0)


def _lead(lives: list[Life]) -> Life:
    """The leg that rests: it was sent first."""
    return next(life for life in lives if life.order.tif == "gtd")


def _missed(lives: list[Life], tif: str) -> bool:
    """Whether an order of a leg ended with less than its size: its price has gone."""
    return any(
        not life.alive and max(life.filled, life.claimed) < life.order.qty
        for life in lives
        if life.order.purpose == "leg" and life.order.tif == tif
    )


def _coming(lives: list[Life], leg: LegPlan) -> int:
    """What a leg's orders have filled and may still fill."""
    return sum(
        life.filled + life.left
        for life in lives
        if (life.order.key, life.order.outcome) == (leg.key, leg.outcome)
    )


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
