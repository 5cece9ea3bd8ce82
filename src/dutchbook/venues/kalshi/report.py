"""A complete report of the account: every part of it whole, or no report at all."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from dutchbook.domain.account_events import AccountSeen, AccountUnseen, OrderSeen
from dutchbook.domain.effects import AskAccount
from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import DAY, ONE, SECOND, Ns, Usd, micros
from dutchbook.venues.base import Out
from dutchbook.venues.kalshi import records
from dutchbook.venues.kalshi.answers import decoded
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.numbers import moment, read
from dutchbook.venues.kalshi.order_bytes import account_query
from dutchbook.venues.kalshi.pages import Listing, Pages
from dutchbook.venues.kalshi.records import Cents, Known
from dutchbook.venues.kalshi.requests import Answer, Requests
from dutchbook.venues.kalshi.wire import Seconds

LIVE_SPAN: Final = 60 * DAY
"""Fills from longer ago may have left the live lists (which hold about three months)."""
REPORTS_MAX: Final = 4
"""Reports under way at a time; one more says at once that it can't be made."""


CASH_MAX: Final = 10**16
"""Ten billion dollars: a balance beyond it is a misreading."""


class _Shard(Struct):
    exchange_index: int
    balance: str


class _Balance(Struct):
    balance: Cents
    balance_dollars: str | None = None
    balance_breakdown: Annotated[list[_Shard], Meta(max_length=64)] | None = None


class _Cutoff(Struct):
    trades_created_ts: Seconds | str


class Reports:
    """Makes the reports that are asked for, several at a time without mixing them."""

    def __init__(self, requests: Requests, known: Known) -> None:
        self.requests = requests
        self.known = known
        self.running = 0
        self.opened = Ns(0)  # when the first report was asked for, which opens the books

    def ask(self, ask: AskAccount, now: Ns) -> list[Out]:
        """Begin a report: cash, holdings, resting orders, fills and settlements."""
        account = self.requests.config.account
        if self.running >= REPORTS_MAX:
            why = f"{self.running} reports are under way"
            return [AccountUnseen("kalshi", account, why)]
        for order in ask.orders:
            self.known.learn(order)
        self.running += 1
        return _Report(self, ask, now).begin()


class _Report:
    def __init__(self, all_of: Reports, ask: AskAccount, now: Ns) -> None:
        self.all_of = all_of
        self.ask = ask
        self.asked = now
        self.requests = all_of.requests
        self.account = all_of.requests.config.account
        self.cash = Usd(0)
        self.parts: dict[str, list[Any]] = {}
        self.since = ask.since
        self.left = 0
        self.ended = False

    def begin(self) -> list[Out]:
        where = account_query(self.requests.config)
        since = self.ask.since // SECOND
        recent = (*where, ("min_ts", str(since))) if since else where
        lists = [
            ("/portfolio/positions", (*where, ("count_filter", "position"))),
            ("/portfolio/orders", (*where, ("status", "resting"))),
            ("/portfolio/fills", recent),
        ]
        if since:  # what was settled before the first report is in its cash already
            lists.append(("/portfolio/settlements", recent))
        self.left = 1 + len(lists)
        out: list[Out] = [
            self.requests.get("/portfolio/balance", self._balance, where),
            *(self._list(path, query) for path, query in lists),
        ]
        if self.asked - self.ask.since > LIVE_SPAN:
            self.left += 1
            out.append(self.requests.get("/historical/cutoff", self._cutoff))
        return out

    def _cutoff(self, answer: Answer, now: Ns) -> list[Out]:
        """The live lists go back only so far: the report says from when on it is complete."""
        if answer.status == 404:
            return self._part("cutoff", [])  # no second tier: everything is live
        if answer.status != 200:
            return self._failed(f"cutoff: {answer.why()}")
        try:
            told = decoded(answer.body, _Cutoff).trades_created_ts
            text = told if isinstance(told, str) else ""
            at = told * SECOND if isinstance(told, int) else read("cutoff", "", moment, text)
        except RemoteProtocolError as error:
            return [bad("kalshi.rest", error), *self._failed(f"cutoff: {error.what}")]
        self.since = max(self.since, Ns(at))
        return self._part("cutoff", [])

    def _list(self, path: str, query: tuple[tuple[str, str], ...]) -> Out:
        def told(listing: Listing, now: Ns) -> list[Out]:
            if listing.why:
                return self._failed(listing.why)
            return self._part(path, listing.items)

        return Pages(self.requests, path, query, told).ask()

    def _balance(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status != 200:
            return self._failed(f"balance: {answer.why()}")
        try:
            self.cash = _cash(decoded(answer.body, _Balance))
        except RemoteProtocolError as error:
            return [bad("kalshi.rest", error), *self._failed(f"balance: {error.what}")]
        return self._part("balance", [])

    def _part(self, name: str, items: list[Any]) -> list[Out]:
        self.parts[name] = items
        self.left -= 1
        if self.ended or self.left:
            return []
        self._end()
        try:
            return self._made()
        except RemoteProtocolError as error:
            unseen = AccountUnseen("kalshi", self.account, str(error.what)[:300])
            return [bad("kalshi.rest", error), unseen]

    def _made(self) -> list[Out]:
        """All parts are here: settlements as facts of their own, then the report."""
        known, account = self.all_of.known, self.account
        orders = tuple(
            records.seen(body, known, account, f"orders[{n}]")
            for n, body in enumerate(self.parts["/portfolio/orders"])
        )
        # An order that is not resting has no place in a list of resting ones.
        for n, order in enumerate(orders):
            if order.status != "open":
                raise RemoteProtocolError("kalshi", f"orders[{n}].status", "not resting")
        fills = tuple(
            records.fill(body, known, account, f"fills[{n}]")
            for n, body in enumerate(self.parts["/portfolio/fills"])
        )
        held = (
            records.holding(body, f"market_positions[{n}]")
            for n, body in enumerate(self.parts["/portfolio/positions"])
        )
        cash = self.cash + (_resting(orders) if self.requests.config.balance_is_free else 0)
        holdings = tuple(one for one in held if one is not None)
        seen = AccountSeen(
            "kalshi", account, self.asked, self.since, Usd(cash), holdings, orders, fills
        )
        if not self.ask.since:
            self.all_of.opened = max(self.all_of.opened, self.asked)
        return [*self._settled(), seen]

    def _settled(self) -> list[Out]:
        """Settlements are facts of their own: one that can't be read spoils no other."""
        out: list[Out] = []
        for n, body in enumerate(self.parts.get("/portfolio/settlements", [])):
            try:
                paid = records.paid(body, self.account, f"settlements[{n}]")
                if paid.venue_at > self.all_of.opened:
                    out.append(paid)
            except RemoteProtocolError as error:
                out.append(bad("kalshi.rest", error))
        return out

    def _failed(self, why: str) -> list[Out]:
        if self.ended:
            return []
        self._end()
        return [AccountUnseen("kalshi", self.account, why[:300])]

    def _end(self) -> None:
        self.ended = True
        self.all_of.running -= 1


def _cash(body: _Balance) -> Usd:
    """All shards together, in millionths. `balance` itself is in whole cents, rounded."""
    if body.balance_breakdown:
        return Usd(
            sum(_dollars(one.balance, "balance_breakdown") for one in body.balance_breakdown)
        )
    if body.balance_dollars is not None:
        return Usd(_dollars(body.balance_dollars, "balance_dollars"))
    return Usd(body.balance * records.CENT)


def _dollars(text: str, where: str) -> int:
    value = read(where, "", micros, text)
    if abs(value) > CASH_MAX:
        raise RemoteProtocolError("kalshi", where, "beyond reason")
    return value


def _resting(orders: tuple[OrderSeen, ...]) -> int:
    """What resting purchases have taken out of a balance that only counts what is free."""
    return sum(-(-one.px * (one.qty - one.filled) // ONE) for one in orders if one.action == "buy")
