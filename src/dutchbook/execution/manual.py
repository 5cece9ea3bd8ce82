"""What people ask for by hand: orders, cancels, selling everything; through the same gate."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.effects import CancelAll, CancelOrder
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.orders import Action, Order, Tif
from dutchbook.domain.step import Refused
from dutchbook.domain.units import ONE, SECOND, Ns, plain
from dutchbook.execution.desk import Desk
from dutchbook.execution.prices import selling
from dutchbook.state.account import Life

TRIES: Final = 10
AGAIN: Final = Ns(1 * SECOND)
"""How often, and how far apart, a sale is decided while something is left of what is to go."""
STANDING: Final = ("quote", "manual")
"""Orders of ours that end where they hold back what is to be sold, or would buy it."""


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order by hand: whole millionths; `seconds` is how long a gtd order may rest."""

    key: str
    outcome: Outcome
    qty: Annotated[int, Meta(ge=0, le=10**9 * ONE)]
    px: Annotated[int, Meta(ge=0, le=ONE)]
    action: Action = "buy"
    tif: Tif = "gtc"
    post_only: bool = False
    reduce_only: bool = False
    seconds: Annotated[int, Meta(ge=0, le=10**8)] = 0


class Manual:
    """Remembers only what it is selling now: `_flat` the tries of orders, `_again` what is due."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._flat: dict[str, int] = {}
        self._again: dict[tuple[str, Outcome], tuple[int, Ns]] = {}

    def begin(self) -> None:
        """A run began."""
        self._flat, self._again = {}, {}

    def asked(self, event: OperatorAsked, view: View) -> None:
        """Carry out order, cancel, cancel_all and flatten; other verbs are others'."""
        text = event.args[0] if event.args else ""
        if event.verb == "order":
            self._order(text, view)
        elif event.verb == "cancel":
            self._cancel(text)
        elif event.verb == "cancel_all":
            if text and text not in self.desk.accounts:
                self.desk.say(Refused(text, "account", f"no account trades on {text!r}", {}))
            else:
                self.cancel_all("operator", text)
        elif event.verb == "flatten" or (event.verb == "kill" and text == "flatten"):
            self.flatten(view)

    def _order(self, text: str, view: View) -> None:
        desk = self.desk
        try:
            asked = msgspec.json.decode(text, type=Request)
            market = view.instrument(asked.key)
            venue_known = market.venue in desk.accounts
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            desk.say(Refused("order", "request", str(error)[:300], {}))
            return
        except KeyError:
            desk.say(Refused("order", "market", "there is no such market", {}))
            return
        if not venue_known:
            desk.say(Refused("order", "account", f"no account trades on {market.venue}", {}))
            return
        gtd = asked.tif == "gtd"
        if gtd and not asked.seconds:
            desk.say(Refused("order", "expiry", "a gtd order needs seconds", {}))
            return
        order = desk.order(
            market, asked.outcome, asked.action, asked.px, asked.qty, "manual", tif=asked.tif,
            expires=Ns(desk.now + asked.seconds * SECOND) if gtd else Ns(0),
            post_only=asked.post_only, reduce_only=asked.reduce_only,
        )  # fmt: skip
        self._send(order, view)

    def _send(self, order: Order, view: View) -> None:
        refused = self.desk.gate.check((order,), self.desk.account, view, self.desk.now)
        if refused is None:
            self.desk.send([order])
        else:
            self.desk.say(refused)

    def _cancel(self, name: str) -> None:
        life = self.desk.account.live.get(name)
        if life is None:
            self.desk.say(Refused(name, "order", "no such order is open", {}))
        else:
            self.desk.do(CancelOrder(life.order, life.venue_order, "operator"))

    def cancel_all(self, why: str, venue: str = "") -> None:
        """End every open order, one by one where the venue's name is known, and all at once."""
        desk = self.desk
        venues = [one for one in desk.accounts if venue in ("", one)]
        for life in list(desk.account.live.values()):
            if life.order.venue in venues and life.order.tif in ("gtc", "gtd"):
                desk.cancel(life, why)
        for one in venues:
            desk.do(CancelAll(one, why))

    def flatten(self, view: View) -> None:
        """Sell what is held at the best prices that the books show."""
        live = self.desk.account.live
        self._flat = {name: tries for name, tries in self._flat.items() if name in live}
        self._again = {}
        for place in self.desk.account.keys_held():
            self._sell(place, view, 1)

    def refused(self, life: Life) -> None:
        """A sale did not come about. One that never left us, of many, is decided again."""
        order = life.order
        if order.purpose != "exit" or order.basket or life.state != "rejected":
            return
        place = (order.key, order.outcome)
        tries = self._flat.pop(order.id, 0)
        if 0 < tries < TRIES and life.reason in ("not_sent", "throttled"):
            self._later(place, tries)
            return
        if tries:
            self._again.pop(place, None)
        why = f"{life.reason}: {life.why}"
        self.desk.alert(f"exit:{order.key}", f"{order.key} {order.outcome} is not sold: {why}")

    def sweep(self, view: View) -> None:
        """A tick: decide again what is due, as long as something of it is held."""
        for place, (tries, due) in list(self._again.items()):
            if self.desk.now < due:
                continue
            del self._again[place]
            left, (key, outcome) = self.desk.account.held(*place), place
            if left and tries > TRIES:
                self.desk.alert(f"flatten:{key}", f"{key} {outcome}: {plain(left)} is not sold")
            elif left:
                self._sell(place, view, tries)

    def _later(self, place: tuple[str, Outcome], tries: int) -> None:
        self._again[place] = (tries + 1, Ns(self.desk.now + AGAIN))

    def _sell(self, place: tuple[str, Outcome], view: View, tries: int) -> None:
        desk, (key, outcome) = self.desk, place
        qty = desk.account.sellable(key, outcome)
        try:
            market = view.instrument(key)
        except KeyError:
            return
        if not qty:  # not final yet, or offered already by an order of ours
            desk.make_way(key, STANDING)
            self._later(place, tries)
            return
        deal = selling(view, market, outcome, qty)
        if deal is None:
            desk.alert(f"flatten:{key}", f"{key} {outcome}: {plain(qty)} can't be sold now")
            return
        order = desk.order(market, outcome, "sell", deal.px, deal.qty, "exit", reduce_only=True)
        refused = desk.gate.check((order,), desk.account, view, desk.now)
        if refused is None:
            self._flat[order.id] = tries
            desk.send([order])
            self._later(place, tries)  # for what the bids leave, and what was not free to go
        elif refused.check == "throttle":
            self._later(place, tries)  # more than a second takes
        elif refused.check == "no_self_trade":
            desk.make_way(key, STANDING)
            self._later(place, tries)
        else:
            desk.say(refused)
            if tries > 1:  # nobody waits for an answer any more
                desk.alert(f"flatten:{key}", f"{key} {outcome} is not sold: {refused.reason}")
