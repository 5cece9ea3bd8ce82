"""The pretend Polymarket's CLOB REST: markets, books, prices, and its rate windows."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

import msgspec
from starlette.applications import Starlette

from dutchbook.domain.units import ONE, SECOND, plain
from dutchbook.emulators.market.shapes import SimMarket
from dutchbook.emulators.polymarket import bodies
from dutchbook.emulators.polymarket.messages import Asset, Shelf
from dutchbook.emulators.wire.limits import Window
from dutchbook.emulators.wire.log import WireLog
from dutchbook.emulators.wire.rest import Ask, Path, Refusal, application

WINDOWS: Final = {
    "general": (15_000, 10), "clob": (9_000, 10), "one": (1_500, 10), "many": (500, 10),
    "gamma": (4_000, 10), "events": (500, 10), "markets": (300, 10),
    "order": (5_000, 10), "order_long": (120_000, 600),
    "orders": (2_000, 10), "orders_long": (21_000, 600),
    "unorders": (2_000, 10), "unorders_long": (15_000, 600),
    "all": (250, 10), "all_long": (6_000, 600), "unmarket": (1_500, 10),
    "balance": (200, 10), "keys": (100, 10),
    "data": (1_000, 10), "trades": (200, 10), "positions": (150, 10),
}  # fmt: skip
"""Requests per so many seconds and address; a request counts in its own and the wider ones."""
PAGE: Final = 500
START, END = "MA==", "LTE="


class Windows:
    """The rate windows of every address, and the time until which everything is 429."""

    def __init__(self) -> None:
        self.limited_until = 0
        self._windows: dict[tuple[str, str], Window] = {}

    def __call__(self, ask: Ask, kind: str) -> None:
        """`kind`: window names, blank-separated. Raises Refusal 429 at once, never delays."""
        names = ["general", *kind.split()]
        full = [name for name in names if not self._window(ask.client, name).take(ask.now)]
        if full or ask.now < self.limited_until:
            raise Refusal(429, {"error": "Too Many Requests"})

    def _window(self, client: str, name: str) -> Window:
        if (client, name) not in self._windows:
            self._windows[client, name] = _window(name)
        return self._windows[client, name]


def _window(name: str) -> Window:
    most, seconds = WINDOWS[name]
    return Window(most, seconds * SECOND)


class Clob:
    """Answers from the shelf."""

    def __init__(self, shelf: Shelf, windows: Windows, extra: list[Path] | None = None) -> None:
        self._shelf = shelf
        self._windows = windows
        self._extra = extra or []

    def app(self, log: WireLog) -> Starlette:
        one, many = "clob one", "clob many"
        paths = [
            Path("/", lambda ask: "OK", gate="clob"),
            Path("/ok", lambda ask: "OK", gate="clob"),
            Path("/time", lambda ask: ask.now // SECOND, gate="clob"),
            Path("/version", lambda ask: {"version": 2}, gate="clob"),
            Path("/markets", self._pages(bodies.clob_market), gate="clob"),
            Path("/sampling-markets", self._pages(bodies.clob_market), gate="clob"),
            Path("/simplified-markets", self._pages(bodies.simplified_market), gate="clob"),
            Path(
                "/sampling-simplified-markets", self._pages(bodies.simplified_market), gate="clob"
            ),
            Path("/markets/{cid}", self._market(bodies.clob_market), gate="clob"),
            Path("/clob-markets/{cid}", self._market(bodies.short_market), gate="clob"),
            Path("/markets-by-token/{token}", self._by_token, gate="clob"),
            Path("/book", lambda ask: msgspec.Raw(self._book(ask)), gate=one, keep=True),
            Path("/books", self._books, "POST", many, keep=True),
            Path("/price", self._price, gate=one),
            Path("/midpoint", lambda ask: {"mid": plain(self._mid(ask))}, gate=one),
            Path("/spread", self._spread, gate="clob"),
            Path("/last-trade-price", self._last, gate="clob"),
            Path("/tick-size", self._tick, gate="clob"),
            Path("/neg-risk", lambda a: {"neg_risk": self._asked(a).market.neg_risk}, gate="clob"),
            Path("/fee-rate", lambda ask: self._asked(ask) and {"base_fee": 0}, gate="clob"),
        ]
        return application(
            "clob", [*paths, *self._extra], self._windows, log, {"error": "not found"}
        )

    def _pages(self, body: Callable[[Shelf, SimMarket], dict[str, Any]]) -> Callable[[Ask], Any]:
        def page(ask: Ask) -> Any:
            start = _offset(ask.query.get("next_cursor") or START)
            rows = list(self._shelf.markets.values())
            shown = rows[start : start + PAGE] if start >= 0 else []
            more = start >= 0 and start + PAGE < len(rows)
            return {
                "data": [body(self._shelf, market) for market in shown],
                "next_cursor": base64.b64encode(str(start + PAGE).encode()).decode()
                if more
                else END,
                "limit": PAGE,
                "count": len(shown),
            }

        return page

    def _market(self, body: Callable[[Shelf, SimMarket], dict[str, Any]]) -> Callable[[Ask], Any]:
        def one(ask: Ask) -> Any:
            market = self._shelf.markets.get(ask.names["cid"])
            if market is None:
                raise Refusal(404, {"error": "market not found"})
            return body(self._shelf, market)

        return one

    def _asset(self, token: object) -> Asset:
        if not isinstance(token, str) or not (token.isascii() and token.isdigit()):
            raise Refusal(400, {"error": "Invalid token id"})
        asset = self._shelf.assets.get(token)
        if asset is None:
            text = "No orderbook exists for the requested token id"
            raise Refusal(404, {"error": text})
        return asset

    def _asked(self, ask: Ask) -> Asset:
        return self._asset(ask.query.get("token_id"))

    def _by_token(self, ask: Ask) -> Any:
        market = self._asset(ask.names["token"]).market
        tokens = dict(zip(("primary_token_id", "secondary_token_id"), market.tokens, strict=True))
        return {"condition_id": market.symbol} | tokens

    def _book(self, ask: Ask) -> bytes:
        return self._shelf.book(self._asked(ask)).encode()

    def _books(self, ask: Ask) -> Any:
        try:
            wanted = msgspec.json.decode(ask.body, type=list[dict[str, Any]])
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise Refusal(400, {"error": "Invalid payload"}) from None
        if len(wanted) > 500:
            raise Refusal(400, {"error": "Payload exceeds the limit"})
        found = [self._shelf.assets.get(str(row.get("token_id"))) for row in wanted]
        return [msgspec.Raw(self._shelf.book(asset).encode()) for asset in found if asset]

    def _price(self, ask: Ask) -> Any:
        bid, ask_px = self._shelf.best(self._asked(ask))
        side = (ask.query.get("side") or "").upper()
        if side not in ("BUY", "SELL"):
            raise Refusal(400, {"error": "Invalid side"})
        return {"price": plain(bid if side == "BUY" else ask_px)}

    def _mid(self, ask: Ask) -> int:
        bid, ask_px = self._shelf.best(self._asked(ask))
        return (bid + ask_px) // 2

    def _spread(self, ask: Ask) -> Any:
        bid, ask_px = self._shelf.best(self._asked(ask))
        return {"spread": plain(min(ONE, ask_px) - bid)}

    def _last(self, ask: Ask) -> Any:
        return {"price": plain(self._shelf.last(self._asked(ask))), "side": "BUY"}

    def _tick(self, ask: Ask) -> Any:
        return {"minimum_tick_size": self._shelf.tick(self._asked(ask).market) / ONE}


def _offset(cursor: str) -> int:
    """-1 is the end."""
    try:
        return int(base64.b64decode(cursor, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal(400, {"error": "Invalid payload"}) from None
