"""Lists that come in pages: whole and complete, or refused with a reason. Never half."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from dutchbook.domain.units import Ns
from dutchbook.venues.base import Call, Out
from dutchbook.venues.kalshi.errors import BROKEN, broken
from dutchbook.venues.kalshi.records import FillBody, OrderBody, PositionBody, SettlementBody
from dutchbook.venues.kalshi.requests import Answer, Requests

PAGES_MAX: Final = 10_000
LIMIT: Final = 1_000
LIMIT_LEAST: Final = 100


class _Orders(Struct):
    orders: list[OrderBody]
    cursor: str | None


class _Fills(Struct):
    fills: list[FillBody]
    cursor: str | None


class _Positions(Struct):
    market_positions: list[PositionBody]
    cursor: str | None


class _Settlements(Struct):
    settlements: list[SettlementBody]
    cursor: str | None


KINDS: Final[dict[str, tuple[type[Any], str, tuple[str, ...]]]] = {
    "/portfolio/orders": (_Orders, "orders", ("order_id",)),
    "/portfolio/fills": (_Fills, "fills", ("trade_id", "order_id")),
    "/portfolio/positions": (_Positions, "market_positions", ("ticker",)),
    "/portfolio/settlements": (_Settlements, "settlements", ("ticker", "settled_time")),
}
"""Path -> the shape of a page, the name of its list, what makes an item itself.

The list and the cursor must both be there: an answer without them is no proof of "nothing".
"""


class Listing(Struct, frozen=True):
    """A complete list (`why` ""), or the reason why there is none. `evidence` is over all pages."""

    items: list[Any]
    why: str = ""
    evidence: str = ""


Told = Callable[[Listing, Ns], list[Out]]


class Pages:
    """One list under way: asks page after page, then tells once."""

    def __init__(
        self, requests: Requests, path: str, query: tuple[tuple[str, str], ...], told: Told
    ) -> None:
        self.requests = requests
        self.path = path
        self.query = query
        self.limit = LIMIT
        self.told = told
        self.kind, self.name, self.keys = KINDS[path]
        self.items: dict[tuple[Any, ...], Any] = {}
        self.cursors: dict[str, None] = {}
        self.hash = hashlib.blake2b(digest_size=16)

    def ask(self, cursor: str = "") -> Call:
        """The request for a page."""
        query = (*self.query, ("limit", str(self.limit)))
        return self.requests.get(
            self.path, self._page, (*query, ("cursor", cursor)) if cursor else query
        )

    def _page(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status == 400 and not self.cursors and self.limit == LIMIT:
            self.limit = LIMIT_LEAST  # a limit above the most is refused, and the most has changed
            return [self.ask()]
        if answer.status != 200:
            return self._failed(answer.why(), now)
        try:
            page = msgspec.json.decode(answer.body, type=self.kind)
        except BROKEN as error:
            return self._failed(str(broken(error, answer.body)), now)
        self.hash.update(answer.body)
        for item in getattr(page, self.name):
            key = tuple(getattr(item, name) for name in self.keys)
            if key in self.items:
                return self._failed("an item is in the list twice: it moved between pages", now)
            self.items[key] = item
        if not page.cursor:
            return self.told(Listing(list(self.items.values()), "", self.hash.hexdigest()), now)
        if page.cursor in self.cursors or len(self.cursors) >= PAGES_MAX:
            return self._failed("a cursor repeats, or there is no end of pages", now)
        self.cursors[page.cursor] = None
        return [self.ask(page.cursor)]

    def _failed(self, why: str, now: Ns) -> list[Out]:
        return self.told(Listing([], f"{self.path}: {why}"[:300]), now)
