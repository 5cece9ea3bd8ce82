"""Orders and cancels: what is sent, and what each answer proves, which is often nothing."""

from collections.abc import Callable
from typing import Final

import msgspec

from dutchbook.domain.account_events import (
    CancelFailed,
    OrderAcked,
    OrderCanceled,
    OrderRejected,
    OrderUnknown,
)
from dutchbook.domain.effects import CancelAll, CancelOrder
from dutchbook.domain.instrument import on_grid
from dutchbook.domain.orders import Order, Reason
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Call, Drop, Out
from dutchbook.venues.polymarket import cancels, refusals
from dutchbook.venues.polymarket.account_wire import Posted, evidence, named, read, refusal
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.records import Known
from dutchbook.venues.polymarket.requests import OWNER, Answer, Requests, bad
from dutchbook.venues.polymarket.signed import Signable, signable
from dutchbook.venues.polymarket.standing import Standing
from dutchbook.venues.polymarket.wire import UNREADABLE

BATCH_MAX: Final = 15
ORDERS: Final = "account.orders"
CANCELS: Final = "account.cancels"
BALANCE: Final = "account.balance"
RESTART: Final = Ns(90 * SECOND)
AFTER_RESTART: Final = Ns(120 * SECOND)
"""A restart of the matching engine takes about this long; then only post-only orders are taken."""
QUEUED_MAX: Final = Ns(1 * SECOND)
"""How long an order may wait for its turn: by then the books have moved on."""
SWEEPS_MAX: Final = 5
TRY_AGAIN: Final = Ns(60 * SECOND)
"""When a mode whose end the venue does not tell is taken to be over."""
ACKED: Final = ("live", "matched", "delayed", "unmatched")
_NO: Final = (400, 401, 403, 404, 405, 410, 413, 422, 425, 429)
"""Answers that are a refusal. All others that are no success prove nothing."""
_BY_STATUS: Final[dict[int, Reason]] = {
    401: "unauthorized",
    403: "unauthorized",
    425: "disabled",
    429: "throttled",
}


class Orders:
    """Sends orders and cancels. It never signs anew and never sends twice of its own accord.

    `landed(order, now)` is asked to find out what became of an order that is there for certain;
    `traded(trades, now)` to follow trades that an answer names; `outdated(now)` to read again
    which version of orders the venue takes.
    """

    def __init__(
        self, config: Config, requests: Requests, known: Known, standing: Standing
    ) -> None:
        self._config = config
        self._requests = requests
        self._known = known
        self._standing = standing
        self._placing: dict[str, tuple[str, ...]] = {}
        self._doomed: set[str] = set()
        self._sent = 0
        self.landed: Callable[[Order, Ns], list[Out]] = lambda order, now: []
        self.traded: Callable[[list[str], Ns], list[Out]] = lambda trades, now: []
        self.outdated: Callable[[Ns], list[Out]] = lambda now: []

    def submit(self, orders: tuple[Order, ...], now: Ns, *, again: bool = False) -> list[Out]:
        """Send orders, up to fifteen in a request; those that can't be sent are refused here."""
        out: list[Out] = []
        good: list[tuple[Order, Signable]] = []
        for order in orders:
            refused = self._standing.refuses(order)
            try:
                self._check(order)
                made = signable(
                    order, self._known.payer, OWNER, self._config.wallet_key,
                    f"@signature-{len(good) % BATCH_MAX}@",
                )  # fmt: skip
                self._known.learn(order, name=made.name)
            except ValueError as error:
                refused = ("not_sent", str(error))
            if refused is not None:
                out.append(_refused(order, refused[0], f"not sent: {refused[1]}", b"", again))
            else:
                good.append((order, made))
        for start in range(0, len(good), BATCH_MAX):
            out += self._send(good[start : start + BATCH_MAX], again, now)
        return out

    def cancel(self, ask: CancelOrder) -> list[Out]:
        """Ask the venue to end an order; its name follows from the order itself."""
        try:
            name = self._known.learn(ask.order, ask.venue_order)
            name = named(ask.venue_order) if ask.venue_order else name
        except ValueError as error:
            return [CancelFailed(ask.order.id, f"it can't be an order: {error}", gone=False)]

        return self._end(ask.order.id, name)

    def _end(self, order: str, name: str) -> list[Out]:
        def done(answer: Answer, now: Ns) -> list[Out]:
            return self._ended(answer, {name: order}, now)

        return [self._delete("/order", msgspec.json.encode({"orderID": name}), done, 1)]

    def cancel_all(self, ask: CancelAll, live: int, tries: int = 0) -> list[Out]:
        """End every open order of these credentials; it costs one and one for each of them.

        Orders that wait for their turn are taken back. The venue's sweep misses what is not on its
        book yet, so those under way are canceled by name as soon as their answer comes. Requests
        that only sell what is held go on: ending them would keep the risk.
        """

        def done(answer: Answer, now: Ns) -> list[Out]:
            out = self._ended(answer, {}, now)
            if answer.status == 200 or tries >= SWEEPS_MAX:
                return out
            later = Ns(now + (SECOND << tries))
            return [*out, self._requests.later("sweep", later, again)]

        sent = self._sent

        def again(now: Ns) -> list[Out]:
            # What was ordered since is not meant: a sweep would end that, too.
            return self.cancel_all(ask, live, tries + 1) if self._sent == sent else []

        for ids in self._placing.values():
            self._doomed.update(ids)
        back: list[Out] = [Drop(tuple(self._placing))] if self._placing else []
        return [*back, self._delete("/cancel-all", b"", done, 1 + live)]

    def _swept(self, good: list[tuple[Order, Signable]], out: list[Out]) -> list[Out]:
        """What an answer proves, and a cancel for each order that a sweep had to miss."""
        refused = {one.order for one in out if isinstance(one, OrderRejected)}
        for order, made in good:
            if order.id in self._doomed:
                self._doomed.discard(order.id)
                if order.id not in refused:
                    out = [*out, *self._end(order.id, made.name)]
        return out

    def _ended(self, answer: Answer, asked: dict[str, str], now: Ns) -> list[Out]:
        out = cancels.read_answer(answer, asked, self._known)
        ended = [one.order for one in out if isinstance(one, OrderCanceled)]
        for order in (self._known.orders.get(name) for name in ended):
            # The answer does not say what had filled before: the trades do.
            out += self.landed(order, now) if order is not None else []
        if answer.status in (401, 403):
            out = [*self._mode(answer, "unauthorized", answer.said(), 0, now), *out]
        return out

    def _delete(
        self, path: str, body: bytes, done: Callable[[Answer, Ns], list[Out]], cost: int
    ) -> Call:
        return self._requests.ask("DELETE", path, done, body=body, bucket=CANCELS, cost=cost)

    def _check(self, order: Order) -> None:
        """ValueError if the market, as far as it is known, can't take such an order."""
        listed = self._known.registry.markets.get(order.key)
        if listed is None:
            return
        if not on_grid(listed.grid, order.px):
            raise ValueError(f"{order.px} is not on the grid of {order.key}")
        if order.token != listed.tokens[order.outcome == "no"]:
            raise ValueError(f"its token is not that of {order.outcome} of {order.key}")
        if order.neg_risk != listed.neg_risk:
            raise ValueError(f"its exchange (neg_risk) is not that of {order.key}")

    def _send(self, good: list[tuple[Order, Signable]], again: bool, now: Ns) -> list[Out]:
        posts = [made.post for _, made in good]
        single = len(good) == 1

        def done(answer: Answer, at: Ns) -> list[Out]:
            self._placing.pop(call.id, None)
            return self._swept(good, self._answered(good, answer, again, at))

        call = self._requests.ask(
            "POST",
            "/order" if single else "/orders",
            done,
            body=msgspec.json.encode(posts[0] if single else posts),
            sign=tuple(made.sign for _, made in good),
            bucket=ORDERS,
            cost=len(good),
            until=Ns(now + QUEUED_MAX),
        )
        if all(one.repairs for one, _ in good):
            return [msgspec.structs.replace(call, risk=False)]
        self._sent += 1
        self._placing[call.id] = tuple(order.id for order, _ in good)
        return [msgspec.structs.replace(call, risk=True)]

    def _answered(
        self, good: list[tuple[Order, Signable]], answer: Answer, again: bool, now: Ns
    ) -> list[Out]:
        orders = [order for order, _ in good]
        if answer.status == 200:
            return self._taken(good, answer, again, now)
        if answer.status == 0 and not answer.sent:
            return [_refused(one, "not_sent", answer.said(), b"", again) for one in orders]
        told = refusal(answer.body)
        text = f"{told.error or told.error_msg} {told.code}".strip() if told is not None else ""
        why = refusals.reason(text)
        out: list[Out] = []
        if answer.status == 400 and why == "duplicate":
            for order, made in good:
                if len(good) == 1 or made.name in text.lower():
                    out += self._duplicate(order, made.name, answer, now)
                else:
                    out.append(OrderUnknown(order.id, answer.said(), evidence(answer.body)))
                    out += self.landed(order, now)
            return out
        out += self._mode(answer, why, text, told.retry_after_seconds if told else 0, now)
        stopped = answer.status == 503 and why in ("disabled", "cancel_only", "post_only_mode")
        if answer.status in _NO or stopped:
            if why != "blocked":
                why = _BY_STATUS.get(answer.status, why)
            out += [_refused(one, why, answer.said(), answer.body, again) for one in orders]
            out += self._refresh(orders[0]) if why == "funds" else []
        else:
            out += [OrderUnknown(one.id, answer.said(), evidence(answer.body)) for one in orders]
        return out

    def _taken(
        self, good: list[tuple[Order, Signable]], answer: Answer, again: bool, now: Ns
    ) -> list[Out]:
        """HTTP 200: each order has an answer of its own, found by its name, else by its place."""
        try:
            if len(good) == 1:
                found = [read(answer.body, Posted)]
            else:
                found = read(answer.body, list[Posted])
        except UNREADABLE as error:
            proof = evidence(answer.body)
            return [
                bad("order", error),
                *(OrderUnknown(one.id, "an answer that can't be read", proof) for one, _ in good),
            ]
        by_name = {one.order_id.lower(): one for one in found if one.order_id}
        names = {made.name for _, made in good}
        out: list[Out] = []
        for place, (order, made) in enumerate(good):
            mine = by_name.get(made.name)
            if mine is None and len(found) == len(good):
                mine = found[place] if found[place].order_id.lower() not in names else None
            if mine is None:
                why = "the answer says nothing of it"
                out.append(OrderUnknown(order.id, why, evidence(answer.body)))
            else:
                out += self._posted(order, made.name, mine, answer, again, now)
        return out

    def _posted(
        self, order: Order, name: str, said: Posted, answer: Answer, again: bool, now: Ns
    ) -> list[Out]:
        proof = evidence(answer.body)
        why = refusals.reason(said.error_msg)
        named_too = said.order_id.lower() == name and not said.success and why != "other"
        if named_too or (said.order_id == "" and (said.error_msg or not said.success)):
            if why == "duplicate":
                return self._duplicate(order, name, answer, now)
            out = self._mode(answer, why, said.error_msg, 0, now)
            text = said.error_msg[:300] or "no success"
            more = self._refresh(order) if why == "funds" else []
            return [*out, _refused(order, why, text, answer.body, again), *more]
        status = said.status.lower()
        if not said.success or said.error_msg or status not in ACKED:
            text = f"an answer in two minds: {said.status!r} {said.error_msg!r}"
            return [OrderUnknown(order.id, text[:300], proof)]
        if said.order_id.lower() != name:
            # A name that is not the digest of what we signed: the order by that name isn't ours.
            text = f"the answer names another order: {said.order_id!r}"
            return [OrderUnknown(order.id, text[:300], proof)]
        acked = OrderAcked(order.id, name, status == "delayed", evidence=proof)
        if status == "matched" and not said.trade_ids:
            return [acked, *self.landed(order, now)]  # it traded, and does not say in what
        return [acked, *self.traded(said.trade_ids or [], now)]

    def _refresh(self, order: Order) -> list[Out]:
        """Ask the venue to look at the chain again: it may refuse for a balance that is old."""
        kind = "COLLATERAL" if order.action == "buy" else "CONDITIONAL"
        query = f"asset_type={kind}&signature_type={self._config.signature_type}"
        query += f"&token_id={order.token}" if order.action == "sell" else ""
        path = "/balance-allowance/update"
        return [self._requests.ask("GET", path, _ignored, query=query, bucket=BALANCE)]

    def _duplicate(self, order: Order, name: str, answer: Answer, now: Ns) -> list[Out]:
        """The very same order is there already: that it landed is proved, its fills are not."""
        acked = OrderAcked(order.id, name, evidence=evidence(answer.body))
        return [acked, *self.landed(order, now)]

    def _mode(self, answer: Answer, why: Reason, text: str, after: int, now: Ns) -> list[Out]:
        """What an answer says of the venue as a whole."""
        text = text or answer.said()
        if answer.status == 425:
            until = Ns(now + RESTART)
            told = self._standing.set("engine", "paused", f"it restarts: {text}", until)
            return [*told, self._requests.later("engine", until, self._restarted)]
        if why == "blocked":
            return self._standing.set("refused", "blocked", text)
        if answer.status in (401, 403) or why == "unauthorized":
            return self._standing.set("credentials", "unauthorized", text)
        if "order_version_mismatch" in text:
            return self.outdated(now)
        until = Ns(now + min(max(after, 0), 86_400) * SECOND if after > 0 else now + TRY_AGAIN)
        if why == "post_only_mode":
            told = self._standing.set("engine", "post_only", text, until)
        elif why == "cancel_only":
            told = self._standing.set("engine", "cancel_only", text, until)
        elif why == "disabled" and answer.status == 503:
            told = self._standing.set("engine", "paused", text, until)
        else:
            return []
        return [*told, self._requests.later("engine", until, self._over)]

    def _restarted(self, now: Ns) -> list[Out]:
        until = Ns(now + AFTER_RESTART)
        told = self._standing.set("engine", "post_only", "it has just restarted", until)
        return [*told, self._requests.later("engine", until, self._over)]

    def _over(self, now: Ns) -> list[Out]:
        return self._standing.clear("engine")


def _ignored(answer: Answer, now: Ns) -> list[Out]:
    """Whether the venue looked again shows in its next answer."""
    return []


def _refused(order: Order, why: Reason, text: str, body: bytes, again: bool) -> Out:
    """A refusal; of an order that was sent before it says nothing of that first time."""
    if again:
        return OrderUnknown(order.id, f"refused when sent again: {text}"[:300], evidence(body))
    return OrderRejected(order.id, why, text[:300], evidence(body))
