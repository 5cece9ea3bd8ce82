"""What becomes of the pretend Kalshi's markets and events: paused, decided, paid; other fees."""

from typing import Any, Final

import msgspec

from dutchbook.domain.units import ONE, SECOND
from dutchbook.emulators.kalshi.bodies import result_of
from dutchbook.emulators.kalshi.messages import Published, Stock
from dutchbook.emulators.market.shapes import SimEvent, SimMarket
from dutchbook.emulators.wire.rest import Ask
from dutchbook.emulators.wire.text import dollars, iso
from dutchbook.sim.desk import Desk

NEXT: Final[dict[str, tuple[str, ...]]] = {
    "open": ("paused", "closed"),
    "paused": ("open", "closed"),
    "closed": ("determined",),
    "determined": ("disputed", "amended"),
    "disputed": ("determined", "amended"),
    "amended": ("disputed",),
    "settled": (),
}
"""Status -> what may follow; a settlement may follow anything but itself."""
MAKER: Final = {
    "quadratic": 0,
    "quadratic_with_maker_fees": 17_500,
    "quadratic_with_combo_maker_fees": 35_000,
}
TAKER: Final = 70_000


class Lifecycle:
    """Each change returns what the sessions are to be told, None where it can't be."""

    def __init__(self, stock: Stock, desk: Desk) -> None:
        self._stock = stock
        self._desk = desk
        self._fees: list[dict[str, Any]] = []
        self.overrides: dict[str, dict[str, Any]] = stock.overrides

    def move(self, market: SimMarket, status: str, pays: int, now: int) -> Published | None:
        """Lead a market on its way: `pays` is what YES is worth once that is known."""
        if status not in NEXT[market.status]:
            return None
        market.status = status
        news = Published(market, now, [])
        body: dict[str, Any] = {"market_ticker": market.symbol} | _index(market)
        match status:
            case "open" | "paused":
                body["event_type"] = "activated" if status == "open" else "deactivated"
                body["is_deactivated"] = status == "paused"
                if status == "paused":
                    self._desk.paused(market.key, now)
            case "closed":
                market.closes = type(market.closes)(now)
                body |= {"event_type": "close_date_updated", "close_ts": now // SECOND}
                self._desk.close(market.key, now)
            case "determined":
                market.pays = pays
                body |= _determined(market, now)
            case _:
                return news  # a dispute or an amendment shows in the market itself only
        news.add("market_lifecycle_v2", body)
        return news

    def settled(self, market: SimMarket, now: int) -> list[tuple[str, str]]:
        """What is told of a market that has been paid: how it was decided, and that it was."""
        news = Published(market, now, [])
        body: dict[str, Any] = {"market_ticker": market.symbol} | _index(market)
        news.add("market_lifecycle_v2", body | _determined(market, now))
        more = {"event_type": "settled", "settled_ts": now // SECOND}
        news.add("market_lifecycle_v2", body | more)
        return news.lifecycle

    def announce(self, event: SimEvent, now: int) -> Published:
        """Tell of an event as if it were new."""
        market = self._stock.feed.markets[event.members[0]]
        news = Published(market, now, [])
        news.add("event_lifecycle", {
            "event_ticker": event.symbol, "series_ticker": event.series, "title": event.title,
            "subtitle": event.subtitle, "strike_date": iso(event.closes), **_index(market),
            "collateral_return_type": "MECNET" if event.exclusive else "",
        })  # fmt: skip
        return news

    def fees(self, event: SimEvent, kind: str | None, multiplier: int, now: int) -> Published:
        """Other fees for an event from now on; kind None is those of its series again."""
        series = self._stock.feed.series[event.series]
        self.overrides.pop(event.key, None)
        body: dict[str, Any] = {
            "fee_type_override": kind,
            "fee_multiplier_override": _number(multiplier) if kind is not None else None,
        }
        if kind is None:
            kind, multiplier = series.fee_type, series.fee_multiplier
        else:
            self.overrides[event.key] = body
        for key in event.members:
            market = self._stock.feed.markets[key]
            market.fees = msgspec.structs.replace(
                market.fees,
                taker=TAKER * multiplier // ONE,
                maker=MAKER[kind] * multiplier // ONE,
            )
        row = {"id": f"fee-{len(self._fees) + 1}", "event_ticker": event.symbol, **body}
        self._fees.append(row | {"scheduled_ts": iso(now)})
        news = Published(self._stock.feed.markets[event.members[0]], now, [])
        news.add("event_fee_update", {"event_ticker": event.symbol, **body})
        return news

    def event_changes(self, ask: Ask) -> Any:
        """`/events/fee_changes`."""
        return {"event_fee_changes": self._fees, "cursor": ""}

    def series_changes(self, ask: Ask) -> Any:
        """`/series/fee_changes`: a series here keeps its fees."""
        return {"series_fee_change_arr": []}


def _index(market: SimMarket) -> dict[str, Any]:
    return {"exchange_index": market.exchange_index}


def _determined(market: SimMarket, now: int) -> dict[str, Any]:
    return {
        "event_type": "determined",
        "determination_ts": now // SECOND,
        "result": result_of(market.pays),
        "settlement_value": dollars(market.pays),
    }


def _number(multiplier: int) -> int | float:
    """As the venue has it in JSON: a number, whole where it can be."""
    return multiplier // ONE if multiplier % ONE == 0 else multiplier / ONE
