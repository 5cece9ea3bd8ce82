"""The pretend Polymarket's Gamma REST: events and markets by page, cursor, id and slug."""

import base64
import binascii
from collections.abc import Callable
from typing import Any, Final, TypeVar

from starlette.applications import Starlette

from dutchbook.emulators.market.shapes import SimEvent, SimMarket
from dutchbook.emulators.polymarket import bodies
from dutchbook.emulators.polymarket.clob import Windows
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.emulators.wire.log import WireLog
from dutchbook.emulators.wire.rest import Ask, Path, Refusal, application

KEYSET_MAX: Final = 100
OFFSET_MAX: Final = 500
T = TypeVar("T")


class Gamma:
    """Answers from the shelf."""

    def __init__(self, shelf: Shelf, windows: Windows, extra: list[Path] | None = None) -> None:
        self._shelf = shelf
        self._extra = extra or []
        self._windows = windows
        self._events = [e for e in shelf.feed.events.values() if e.venue == "polymarket"]
        self._markets = list(shelf.markets.values())

    def app(self, log: WireLog) -> Starlette:
        events, markets = "gamma events", "gamma markets"
        paths = [
            Path("/events", lambda ask: self._slice(ask, self._found_events(ask)), gate=events),
            Path("/events/keyset", self._events_page, gate=events),
            Path("/events/slug/{slug}", self._event(lambda e: e.symbol, "slug"), gate=events),
            Path("/events/{id}", self._event(lambda e: e.id, "id"), gate=events),
            Path("/markets", lambda ask: self._slice(ask, self._found_markets(ask)), gate=markets),
            Path("/markets/keyset", self._markets_page, gate=markets),
            Path("/markets/slug/{slug}", self._market(lambda m: m.slug, "slug"), gate=markets),
            Path("/markets/{id}", self._market(lambda m: m.id, "id"), gate=markets),
            Path("/tags", self._tags, gate="gamma"),
            Path("/sports", lambda ask: [], gate="gamma"),
            *self._extra,
        ]
        return application("gamma", paths, self._windows, log, _error("not found", 404).body)

    def _found_events(self, ask: Ask) -> list[SimEvent]:
        if ask.query.get("closed", "false").lower() == "true":
            return []
        slug, number = ask.query.get("slug"), ask.query.get("id")
        return [e for e in self._events if slug in (None, e.symbol) and number in (None, e.id)]

    def _found_markets(self, ask: Ask) -> list[SimMarket]:
        if ask.query.get("closed", "false").lower() == "true":
            return []
        query = ask.query
        slug, number, cid = query.get("slug"), query.get("id"), query.get("condition_ids")
        token = query.get("clob_token_ids")
        return [
            m
            for m in self._markets
            if slug in (None, m.slug)
            and number in (None, m.id)
            and cid in (None, m.symbol)
            and (token is None or token in m.tokens)
        ]

    def _body(self, row: SimEvent | SimMarket) -> dict[str, Any]:
        if isinstance(row, SimEvent):
            return bodies.gamma_event(self._shelf, row)
        return bodies.gamma_market_with_event(self._shelf, row)

    def _slice(self, ask: Ask, rows: list[Any]) -> Any:
        start, limit = _whole(ask, "offset", 0), min(_whole(ask, "limit", 20), OFFSET_MAX)
        return [self._body(row) for row in rows[start : start + limit]]

    def _events_page(self, ask: Ask) -> Any:
        return self._page(ask, "events", self._found_events(ask))

    def _markets_page(self, ask: Ask) -> Any:
        return self._page(ask, "markets", self._found_markets(ask))

    def _page(self, ask: Ask, name: str, rows: list[Any]) -> Any:
        """A cursor page; `next_cursor` is absent on the last one."""
        limit = _whole(ask, "limit", 20)
        if not 0 < limit <= KEYSET_MAX:
            raise _error(f"limit must be between 1 and {KEYSET_MAX}", 422)
        start = _position(ask.query.get("after_cursor"))
        body: dict[str, Any] = {name: [self._body(row) for row in rows[start : start + limit]]}
        if start + limit < len(rows):
            body["next_cursor"] = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
        return body

    def _event(self, name: Callable[[SimEvent], str], field: str) -> Callable[[Ask], Any]:
        def one(ask: Ask) -> Any:
            return self._body(_only(self._events, name, ask.names[field]))

        return one

    def _market(self, name: Callable[[SimMarket], str], field: str) -> Callable[[Ask], Any]:
        def one(ask: Ask) -> Any:
            return self._body(_only(self._markets, name, ask.names[field]))

        return one

    def _tags(self, ask: Ask) -> Any:
        names = dict.fromkeys(tag for event in self._events for tag in event.tags)
        return [
            {"id": str(n), "label": tag, "slug": tag.lower().replace(" ", "-")}
            for n, tag in enumerate(names, 1)
        ]


def _only(rows: list[T], name: Callable[[T], str], wanted: str) -> T:
    row = next((row for row in rows if name(row) == wanted), None)
    if row is None:
        raise _error("not found", 404)
    return row


def _error(text: str, status: int) -> Refusal:
    kind = "not found error" if status == 404 else "validation error"
    return Refusal(status, {"type": kind, "error": text})


def _whole(ask: Ask, name: str, default: int) -> int:
    text = ask.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _error(f"{name} must be a whole number", 422)
    return int(text)


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError):
        raise _error("invalid cursor", 422) from None
