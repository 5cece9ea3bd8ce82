"""What people ask for by hand: orders, cancels, selling everything; through the same gate."""

import msgspec

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.effects import CancelAll, CancelOrder
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.orders import Action, Order, Tif
from dutchbook.domain.step import Refused
from dutchbook.domain.units import SECOND, Ns
from dutchbook.execution.desk import Desk
from dutchbook.execution.prices import selling


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order by hand: whole millionths; `seconds` is how long a gtd order may rest."""

    key: str
    outcome: Outcome
    qty: int
    px: int
    action: Action = "buy"
    tif: Tif = "gtc"
    post_only: bool = False
    reduce_only: bool = False
    seconds: int = 0


class Manual:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def asked(self, event: OperatorAsked, view: View) -> None:
        """Carry out order, cancel, cancel_all and flatten; other verbs are others'."""
        text = event.args[0] if event.args else ""
        if event.verb == "order":
            self._order(text, view)
        elif event.verb == "cancel":
            self._cancel(text)
        elif event.verb == "cancel_all":
            self.cancel_all("operator", text)
        elif event.verb == "flatten" or (event.verb == "kill" and text == "flatten"):
            self.flatten(view)

    def _order(self, text: str, view: View) -> None:
        desk = self.desk
        try:
            asked = msgspec.json.decode(text, type=Request)
            market = view.instrument(asked.key)
            venue_known = market.venue in desk.accounts
        except msgspec.DecodeError as error:
            desk.say(Refused("order", "request", str(error), {}))
            return
        except KeyError:
            desk.say(Refused("order", "market", "there is no such market", {}))
            return
        if not venue_known:
            desk.say(Refused("order", "account", f"no account trades on {market.venue}", {}))
            return
        gtd = asked.tif == "gtd"
        if gtd and not 1 <= asked.seconds <= 10**8:
            numbers = {"seconds": asked.seconds}
            desk.say(Refused("order", "expiry", "a gtd order needs seconds", numbers))
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
                desk.do(CancelOrder(life.order, life.venue_order, why))
        for one in venues:
            desk.do(CancelAll(one, why))

    def flatten(self, view: View) -> None:
        """Sell what is held at the best prices that the books show."""
        desk = self.desk
        for key, outcome in desk.account.keys_held():
            qty = desk.account.sellable(key, outcome)
            try:
                market = view.instrument(key)
            except KeyError:
                continue
            deal = selling(view, market, outcome, qty) if qty else None
            if deal is None:
                desk.alert(f"flatten:{key}", f"{key} {outcome}: {qty} can't be sold now")
                continue
            order = desk.order(market, outcome, "sell", deal.px, deal.qty, "exit", reduce_only=True)
            self._send(order, view)
