"""Cancel everything: the venue's own cancel-all, then whatever still rests, by name."""

from typing import Any, Final

from dutchbook.domain.account_events import AccountUnseen, CancelFailed, OrderCanceled
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import MILLI, Ns, Qty
from dutchbook.venues.base import Out
from dutchbook.venues.kalshi import answers, records
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.inquiries import REST
from dutchbook.venues.kalshi.limits import CANCEL, Costs
from dutchbook.venues.kalshi.numbers import count, read
from dutchbook.venues.kalshi.order_bytes import ORDERS, account_query, encode
from dutchbook.venues.kalshi.pages import Listing, Pages
from dutchbook.venues.kalshi.records import Known, size
from dutchbook.venues.kalshi.refusals import evidence
from dutchbook.venues.kalshi.requests import Answer, Requests

BATCH: Final = 10
ROUNDS: Final = 3
PAUSE: Final = 500 * MILLI  # reading lags behind writing


class Sweep:
    """Not every account may use cancel-all, and an order on its way may escape it."""

    def __init__(self, requests: Requests, known: Known, costs: Costs) -> None:
        self.requests = requests
        self.known = known
        self.costs = costs
        self.account = requests.config.account
        self.started = Ns(0)

    def start(self, now: Ns) -> list[Out]:
        """The one request for all; what was ordered later than this is spared afterwards."""
        self.started = now
        where = account_query(self.requests.config)
        everything = self.requests.call(
            "DELETE", ORDERS, self._all_done, where, b"", CANCEL, self.costs.cancel
        )
        return [everything]

    def _all_done(self, answer: Answer, now: Ns) -> list[Out]:
        """Whatever it said, what rests afterwards is looked up and canceled by name."""
        if answer.status == 200:
            return [self.requests.wait(Ns(now + PAUSE), lambda _now: [self._rest(1)])]
        return [self._rest(1)]

    def _rest(self, turn: int) -> Out:
        def told(listing: Listing, now: Ns) -> list[Out]:
            if listing.why:
                why = f"cancel all: {listing.why}"[:300]
                return [AccountUnseen("kalshi", self.account, why), *self._again(turn, now)]
            doomed = [body for body in listing.items if not self._newer(body)]
            if not doomed:
                return []
            out: list[Out] = []
            for n in range(0, len(doomed), BATCH):
                out.append(self._delete(doomed[n : n + BATCH]))
            return [*out, *self._again(turn, now)]

        query = (*account_query(self.requests.config), ("status", "resting"))
        return Pages(self.requests, "/portfolio/orders", query, told).ask()

    def _newer(self, body: records.OrderBody) -> bool:
        order = self.known.find(body.client_order_id, body.order_id)[1]
        return order is not None and order.made_at > self.started

    def _again(self, turn: int, now: Ns) -> list[Out]:
        if turn >= ROUNDS:
            return []
        return [self.requests.wait(Ns(now + (PAUSE << turn)), lambda _now: [self._rest(turn + 1)])]

    def _delete(self, bodies: list[records.OrderBody]) -> Out:
        items: list[dict[str, Any]] = []
        for body in bodies:
            item: dict[str, Any] = {"order_id": body.order_id, "market_ticker": body.ticker}
            if self.requests.config.subaccount is not None:
                item["subaccount"] = self.requests.config.subaccount
            items.append(item)

        def done(answer: Answer, now: Ns) -> list[Out]:
            return self._deleted(bodies, answer)

        cost = self.costs.cancel * len(items)
        data = encode({"orders": items})
        return self.requests.call("DELETE", f"{ORDERS}/batched", done, (), data, CANCEL, cost)

    def _deleted(self, bodies: list[records.OrderBody], answer: Answer) -> list[Out]:
        names = [self.known.find(body.client_order_id, body.order_id)[0] for body in bodies]
        if answer.status != 200:
            return [CancelFailed(name, answer.why()) for name in names if name]
        try:
            items = answers.decoded(answer.body, answers.CancelItems).orders
            by_id = {item.order_id: item for item in items}
            out: list[Out] = []
            for name, body in zip(names, bodies, strict=True):
                out += self._item(name, body, by_id.get(body.order_id), evidence(answer.body))
        except RemoteProtocolError as error:
            failed = [CancelFailed(name, "an answer that can't be read") for name in names if name]
            return [bad(REST, error), *failed]
        return out

    def _item(
        self, name: str, body: records.OrderBody, item: answers.CancelItem | None, proof: str
    ) -> list[Out]:
        if not name:
            return []  # somebody else's: the next report of the account no longer has it
        if item is None or item.error is not None or item.reduced_by is None:
            code = item.error.code if item is not None and item.error is not None else "no answer"
            return [CancelFailed(name, code[:300], gone=code == "not_found")]
        by = read("orders.reduced_by", body.ticker, count, item.reduced_by)
        if by == 0:
            return [CancelFailed(name, "nothing was left to cancel", gone=True)]
        held = read("orders.fill_count_fp", body.ticker, size, body.fill_count_fp) + read(
            "orders.remaining_count_fp", body.ticker, size, body.remaining_count_fp
        )
        # What it had when it was listed, less what was taken away, has filled meanwhile.
        filled, text = Qty(max(0, held - by)), "canceled with all others"
        return [OrderCanceled(name, body.order_id, "operator", Qty(by), filled, text, proof)]
