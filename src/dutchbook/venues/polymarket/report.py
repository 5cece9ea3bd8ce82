"""A complete report of the account, or none at all: cash, holdings, open orders, fills."""

from typing import Final

from dutchbook.domain.account_events import (
    AccountSeen,
    AccountUnseen,
    OrderFilled,
    OrderSeen,
)
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.effects import AskAccount
from dutchbook.domain.orders import Holding
from dutchbook.domain.units import SECOND, Ns, Qty, Usd
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket import moves, typed
from dutchbook.venues.polymarket.account_wire import (
    Activity,
    Balance,
    OpenOrder,
    Position,
    Trade,
    read,
)
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.numbers import exact
from dutchbook.venues.polymarket.open_orders import seen
from dutchbook.venues.polymarket.orders import BALANCE
from dutchbook.venues.polymarket.pages import Pages
from dutchbook.venues.polymarket.records import Known
from dutchbook.venues.polymarket.requests import Answer, Done, Requests, bad
from dutchbook.venues.polymarket.trades import Trades
from dutchbook.venues.polymarket.wire import UNREADABLE

DATA: Final = "data"
POSITIONS_PAGE: Final = 500
POSITIONS_MAX: Final = 10_000
ENOUGH: Final = 10**15
"""An allowance of a billion dollars or more is as good as none."""


class Report:
    """One report under way. The first part that fails ends it as AccountUnseen, once.

    `parts` are those still awaited. The CLOB's own balances say what is held; the Data API, which
    lags, only says which tokens are worth asking for.
    """

    def __init__(
        self,
        ask: AskAccount,
        config: Config,
        requests: Requests,
        known: Known,
        trades: Trades,
        now: Ns,
    ) -> None:
        self._ask, self._config, self._requests = ask, config, requests
        self._known, self._trades = known, trades
        self._asked = now
        self._parts = {"cash", "orders", "trades", "positions", "activity"}
        self._moves: list[Activity] = []
        self._over = False
        self._cash = Usd(0)
        self._allowance = Usd(-1)
        self._orders: list[OrderSeen] = []
        self._fills: list[OrderFilled] = []
        self._besides: list[Out] = []
        self._tokens: dict[str, tuple[str, Outcome]] = {}
        self._held: list[Holding] = []

    def start(self) -> list[Out]:
        for order in self._ask.orders:
            try:
                self._known.learn(order)
                self._tokens[order.token] = (order.key, order.outcome)
            except ValueError as error:
                self._besides.append(bad("AskAccount", error))
        after = f"after={self._ask.since // SECOND}" if self._ask.since else ""
        return [
            self._balance("COLLATERAL", "", self._on_cash),
            *Pages(self._requests, "/data/orders", "", self._on_orders).start(),
            *Pages(self._requests, "/data/trades", after, self._on_trades).start(),
            self._positions(0),
            self._activity(),
        ]

    def _on_cash(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status != 200:
            return self._fail(f"balance: {answer.said()}")
        try:
            found = read(answer.body, Balance)
            self._cash = Usd(_whole(found.balance))
            self._allowance = _allowance(found.allowances, self._config.chain_id)
        except UNREADABLE:
            return self._fail("a balance that can't be read")
        return self._end("cash")

    def _on_orders(self, rows: list[bytes] | None, why: str, now: Ns) -> list[Out]:
        if rows is None:
            return self._fail(why)
        try:
            self._orders = [seen(read(row, OpenOrder), self._known) for row in rows]
        except UNREADABLE as error:
            return self._fail(f"an open order that can't be read: {error}"[:300])
        if len({order.venue_order for order in self._orders}) != len(rows):
            return self._fail("an open order stands on two pages: one may have been missed")
        return self._end("orders")

    def _on_trades(self, rows: list[bytes] | None, why: str, now: Ns) -> list[Out]:
        if rows is None:
            return self._fail(why)
        done: set[str] = set()
        try:
            for row in rows:
                trade = read(row, Trade)
                if trade.id in done:
                    continue  # it moved to a later page when another came before it
                done.add(trade.id)
                fills, besides = self._trades.whole(trade)
                self._fills += fills
                self._besides += besides
        except UNREADABLE as error:
            return self._fail(f"a trade that can't be read: {error}"[:300])
        return self._end("trades")

    def _positions(self, offset: int) -> Out:
        funder = self._known.payer.funder
        query = f"user={funder}&sizeThreshold=0&limit={POSITIONS_PAGE}&offset={offset}"

        def done(answer: Answer, now: Ns) -> list[Out]:
            return self._on_positions(answer, offset)

        return self._requests.look(f"{self._config.data_url}/positions?{query}", done, DATA)

    def _on_positions(self, answer: Answer, offset: int) -> list[Out]:
        if self._over:
            return []
        if answer.status != 200:
            return self._fail(f"positions: {answer.said()}")
        try:
            found = read(answer.body, list[Position])
            for one in found:
                if exact(one.size) < 0:
                    raise ValueError("a position below zero")
                place = self._known.place(
                    one.asset, one.condition_id, one.outcome, one.outcome_index
                )
                self._tokens[one.asset] = place
        except UNREADABLE as error:
            return self._fail(f"positions that can't be read: {error}"[:300])
        if len(found) < POSITIONS_PAGE:
            return self._end("positions")
        if offset + POSITIONS_PAGE > POSITIONS_MAX:
            return self._fail("more positions than the venue lists")
        return [self._positions(offset + POSITIONS_PAGE)]

    def _activity(self) -> Out:
        """What was split, merged or redeemed; by hand, since we never do any of it."""
        funder, since = self._known.payer.funder, self._ask.since // SECOND
        query = f"user={funder}&type=SPLIT,MERGE,REDEEM&limit={POSITIONS_PAGE}&start={since}"
        url = f"{self._config.data_url}/activity?{query}"
        return self._requests.look(url, self._on_activity, DATA)

    def _on_activity(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status not in (200, 404):
            return self._fail(f"activity: {answer.said()}")
        try:
            self._moves = read(answer.body, list[Activity]) if answer.status == 200 else []
            moves.check(self._moves)
        except UNREADABLE as error:
            return self._fail(f"an activity that can't be read: {error}"[:300])
        return self._end("activity")

    def _end(self, part: str) -> list[Out]:
        """A part is complete. After the lists come the balances of every token they name."""
        self._parts.discard(part)
        if self._over or self._parts:
            return []
        if part != "balances":
            return self._balances()
        return self._tell()

    def _balances(self) -> list[Out]:
        for token in sorted(self._known.held):
            if token not in self._tokens:
                try:
                    self._tokens[token] = self._known.place(token, "", "")
                except ValueError as error:
                    return self._fail(str(error))
        self._parts = {token for token in self._tokens if token}
        if not self._parts:
            return self._tell()
        return [self._holding(token) for token in sorted(self._parts)]

    def _holding(self, token: str) -> Out:
        third = token.isascii() and token.isdigit() and typed.is_position(int(token))

        def done(answer: Answer, now: Ns) -> list[Out]:
            if answer.status != 200:
                return self._fail(f"balance of a token: {answer.said()}")
            try:
                qty = _whole(read(answer.body, Balance).balance)
            except UNREADABLE:
                return self._fail("the balance of a token that can't be read")
            if qty:
                key, outcome = self._tokens[token]
                self._held.append(Holding(key, outcome, Qty(qty)))
            self._parts.discard(token)
            return [] if self._over or self._parts else self._tell()

        return self._balance("CONDITIONAL-V2" if third else "CONDITIONAL", token, done)

    def _balance(self, kind: str, token: str, done: Done) -> Out:
        query = f"asset_type={kind}&signature_type={self._config.signature_type}"
        query += f"&token_id={token}" if token else ""
        path = "/balance-allowance"
        return self._requests.ask("GET", path, done, query=query, bucket=BALANCE)

    def _tell(self) -> list[Out]:
        self._over = True
        paid = moves.paid(self._moves, self._known)
        self._known.balances = {(one.key, one.outcome): one.qty for one in self._held}
        report = AccountSeen(
            venue="polymarket",
            account=self._known.account,
            asked=self._asked,
            since=self._ask.since,
            cash=self._cash,
            holdings=tuple(sorted(self._held, key=lambda one: (one.key, one.outcome))),
            orders=tuple(self._orders),
            fills=tuple(self._fills),
            allowance=self._allowance,
        )
        return [*self._besides, *paid, report]

    def _fail(self, why: str) -> list[Out]:
        if self._over:
            return []
        self._over = True
        return [AccountUnseen("polymarket", self._known.account, why[:300])]


def _whole(text: str) -> int:
    """A balance in millionths, as the chain has it; ValueError if it isn't a whole number."""
    if not (0 < len(text) <= 18 and text.isascii() and text.isdigit()):
        raise ValueError(f"not a balance: {text[:40]!r}")
    return int(text)


def _allowance(given: dict[str, str], chain_id: int) -> Usd:
    """The least that one of the exchanges may draw; -1 for as good as everything, or not told."""
    mine = {address.lower() for address in typed.CHAINS[chain_id]}
    told = [amount for address, amount in given.items() if address.lower() in mine]
    amounts = []
    for amount in told or given.values():
        if not (0 < len(amount) <= 78 and amount.isascii() and amount.isdigit()):
            raise ValueError(f"not an allowance: {amount[:40]!r}")
        amounts.append(int(amount))
    least = min(amounts, default=ENOUGH)
    return Usd(-1 if least >= ENOUGH else least)
