"""Trades as fills: provisional when matched, settled when confirmed, void when they fail."""

from typing import Final, Literal

import msgspec

from dutchbook.domain.account_events import NOT_TOLD, FillSettled, FillVoided, OrderFilled
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.orders import Action
from dutchbook.domain.units import ONE, Px, Qty, Usd
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.account_wire import MakerOrder, Trade, moment, named
from dutchbook.venues.polymarket.numbers import PRICES, SIZES
from dutchbook.venues.polymarket.records import Known

Status = Literal["matched", "mined", "retrying", "confirmed", "failed"]
_STATUS: Final[dict[str, Status]] = {
    "MATCHED": "matched",
    "MATCHED_NOT_BROADCASTED": "matched",
    "MINED": "mined",
    "RETRYING": "retrying",
    "CONFIRMED": "confirmed",
    "FAILED": "failed",
}
FINAL: Final = ("confirmed", "failed")
TRADES_MAX: Final = 50_000
_ACTIONS: Final[dict[str, Action]] = {"BUY": "buy", "SELL": "sell"}


class Read(msgspec.Struct, frozen=True):
    """A trade as it concerns us; `fills` is empty if it doesn't."""

    id: str
    status: Status
    fills: tuple[OrderFilled, ...]


class Trades:
    """Reads trades and remembers what was told of each, so that every status is told once."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._told: dict[str, tuple[tuple[OrderFilled, ...], frozenset[Status]]] = {}

    def read(self, trade: Trade) -> Read:
        """Our fills in a trade; ValueError if it makes no sense.

        Every one of our maker orders in it is a fill of its own, at its own price. As the taker we
        have one fill, or one per maker where their prices differ. The taker's fee is reckoned as
        the venue charges it at the match, from the market's schedule; makers pay none.
        """
        status = _STATUS.get(trade.status.removeprefix("TRADE_STATUS_"))
        if status is None:
            raise ValueError(f"not a status of a trade: {trade.status[:40]!r}")
        if SIZES[trade.size] == 0:
            raise ValueError("a trade of nothing")
        fills = []
        if self._taken_by_us(trade):
            fills += self._taken(trade, status)
        for leg, maker in enumerate(trade.maker_orders):
            mine = bool(self._known.of(maker.order_id)) or self._known.ours(maker.maker_address)
            if mine:
                fills.append(self._made(trade, maker, leg, status))
        if trade.trader_side == "MAKER" and not fills:
            raise ValueError("a trade of a maker order of ours that names none")
        self._known.held.update(_tokens(trade, fills))
        return Read(named(trade.id), status, tuple(fills))

    def tell(self, trade: Trade) -> list[Out]:
        """The events of a trade as far as they are news; ValueError as `read`."""
        found = self.read(trade)
        if not found.fills and found.id not in self._told:
            return []
        before, told = self._told.get(found.id, ((), frozenset()))
        fills = found.fills
        if _same(before, fills) and (found.status in told or _is_old(found.status, told)):
            return []
        out: list[Out] = []
        if found.status != "failed" and not _same(before, fills):
            out += fills  # also when the venue re-states a trade: whether that can be is not ours
        out += self._settled(found)
        self._remember(found, told)
        return out

    def whole(self, trade: Trade) -> tuple[tuple[OrderFilled, ...], list[Out]]:
        """(fills that stand, what is to be said besides), told before or not; as `read`."""
        found = self.read(trade)
        before, told = self._told.get(found.id, ((), frozenset()))
        if _same(before, found.fills) and _is_old(found.status, told):
            # The list lags what the stream said: the later word stands.
            later = max(told, key=_rank)
            found = msgspec.structs.replace(found, status=later)
            if later == "confirmed":
                sure = tuple(
                    msgspec.structs.replace(fill, provisional=False) for fill in found.fills
                )
                found = msgspec.structs.replace(found, fills=sure)
        if found.fills:
            self._remember(found, told)
        fills = () if found.status == "failed" else found.fills
        return fills, self._settled(found) if found.fills else []

    def unsettled(self, trade: str) -> bool:
        """Whether a trade still has to become confirmed or void, or was never seen."""
        _, told = self._told.get(trade, ((), frozenset()))
        return not any(status in FINAL for status in told)

    def _settled(self, found: Read) -> list[Out]:
        account = self._known.account
        if found.status == "failed":
            return [FillVoided("polymarket", account, found.id, "the venue says FAILED")]
        if found.status == "matched":
            return []
        return [FillSettled("polymarket", account, found.id, found.status)]

    def _remember(self, found: Read, told: frozenset[Status]) -> None:
        while len(self._told) >= TRADES_MAX and found.id not in self._told:
            del self._told[next(iter(self._told))]
        self._told[found.id] = (found.fills, told | {found.status})

    def _taken_by_us(self, trade: Trade) -> bool:
        if trade.trader_side == "TAKER" or self._known.of(trade.taker_order_id):
            return True
        return trade.trader_side != "MAKER" and self._known.ours(trade.maker_address)

    def _taken(self, trade: Trade, status: Status) -> list[OrderFilled]:
        px, qty = PRICES[trade.price], SIZES[trade.size]
        parts = [(_seen_by_taker(trade, maker), SIZES[maker.matched_amount])
                 for maker in trade.maker_orders]  # fmt: skip
        if sum(size for _, size in parts) != qty or all(price == px for price, _ in parts):
            parts = [(px, qty)]
        place = self._known.place(trade.asset_id, trade.market, trade.outcome)
        action = _action(trade.side)
        return [
            self._fill(trade, trade.taker_order_id, place, action, price, size, leg, status)
            for leg, (price, size) in enumerate(parts)
        ]

    def _made(self, trade: Trade, maker: MakerOrder, leg: int, status: Status) -> OrderFilled:
        place = self._known.place(maker.asset_id, trade.market, maker.outcome)
        if maker.side:
            action = _action(maker.side)
        else:
            # On one token a maker stands against the taker; across the two, both buy or both sell.
            across = maker.asset_id != trade.asset_id
            action = "buy" if (_action(trade.side) == "buy") == across else "sell"
        px, qty = PRICES[maker.price], SIZES[maker.matched_amount]
        return self._fill(
            trade, maker.order_id, place, action, px, qty, leg, status, maker=True
        )  # fmt: skip

    def _fill(
        self,
        trade: Trade,
        venue_order: str,
        place: tuple[str, Outcome],
        action: Action,
        px: int,
        qty: int,
        leg: int,
        status: Status,
        *,
        maker: bool = False,
    ) -> OrderFilled:
        key, outcome = place
        name = named(venue_order)
        return OrderFilled(
            venue="polymarket",
            account=self._known.account,
            order=self._known.of(name),
            venue_order=name,
            trade=named(trade.id),
            key=key,
            outcome=outcome,
            action=action,
            px=Px(px),
            qty=Qty(qty),
            fee=self._fee(key, px, qty, maker),
            maker=maker,
            venue_at=moment(trade.match_time or trade.matchtime),
            leg=leg,
            provisional=status != "confirmed",
        )

    def _fee(self, key: str, px: int, qty: int, maker: bool) -> Usd:
        """Maker: none. Taker: by the market's schedule; -1 where that is not known."""
        listed = self._known.registry.markets.get(key)
        if maker:
            return Usd(0)
        return NOT_TOLD if listed is None else fill_fee(listed.fees, px, qty)


def _seen_by_taker(trade: Trade, maker: MakerOrder) -> int:
    """A maker's price as the taker paid it: across the two tokens it is the rest of a dollar."""
    px = PRICES[maker.price]
    return px if maker.asset_id == trade.asset_id else ONE - px


def _tokens(trade: Trade, fills: list[OrderFilled]) -> set[str]:
    """The tokens that this trade may have brought us."""
    ours = {fill.venue_order for fill in fills}
    found = {trade.asset_id} if named(trade.taker_order_id) in ours else set()
    return found | {m.asset_id for m in trade.maker_orders if m.order_id.lower() in ours}


def _action(side: str) -> Action:
    if side not in _ACTIONS:
        raise ValueError(f"not a side: {side[:40]!r}")
    return _ACTIONS[side]


def _rank(status: Status) -> int:
    return {"matched": 0, "retrying": 1, "mined": 2, "confirmed": 3, "failed": 4}[status]


def _is_old(status: Status, told: frozenset[Status]) -> bool:
    """Whether a word is behind what was said already; retrying and mined may alternate."""
    if status == "matched":
        return bool(told)
    return status not in FINAL and any(word in FINAL for word in told)


def _same(before: tuple[OrderFilled, ...], after: tuple[OrderFilled, ...]) -> bool:
    """Whether two tellings of a trade agree in what was filled (not in how final that is)."""

    def facts(fills: tuple[OrderFilled, ...]) -> list[tuple[object, ...]]:
        return [
            (f.venue_order, f.leg, f.key, f.outcome, f.action, f.px, f.qty, f.maker) for f in fills
        ]

    return facts(before) == facts(after)
