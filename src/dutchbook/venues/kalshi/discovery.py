"""The whole catalogue over REST: limits, series, then events page by page; again every 12 h."""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import InstrumentListed
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Bucket, Out, Wake
from dutchbook.venues.kalshi import limits
from dutchbook.venues.kalshi.asker import Asker, Job, safe
from dutchbook.venues.kalshi.catalogue import Catalogue
from dutchbook.venues.kalshi.errors import BROKEN, bad, broken

LOOKUPS_MAX = 4  # questions about single markets at a time
WAITING_MAX = 10_000  # single markets to be asked about
PAGES_MAX = 100_000

_S = TypeVar("_S")


class SeriesPage(msgspec.Struct):
    series: list[msgspec.Raw]
    cursor: str | None = None


class OneSeries(msgspec.Struct):
    series: msgspec.Raw


class EventsPage(msgspec.Struct):
    events: list[msgspec.Raw]
    cursor: Annotated[str, Meta(max_length=10_000)] | None = None


class OneMarket(msgspec.Struct):
    market: msgspec.Raw


class OneEvent(msgspec.Struct):
    event: msgspec.Raw
    markets: list[msgspec.Raw] | None = None


class MarketNames(msgspec.Struct):
    ticker: str
    event_ticker: str


class Discovery:
    """Asks, and feeds the catalogue; `ready` once every page has been read."""

    def __init__(self, asker: Asker, catalogue: Catalogue) -> None:
        self.asker = asker
        self.catalogue = catalogue
        self.config = catalogue.config
        self.bucket: Bucket = limits.BASIC
        self.ready = False
        self.running = False
        self.pages = 0
        self.series_left: list[str] = []
        self.seen: dict[str, None] = {}
        self.waiting: dict[str, None] = {}
        self.looking = 0

    def start(self, now: Ns) -> list[Out]:
        """Begin a pass, unless one is under way."""
        if self.running:
            return []
        self.running = True
        self.pages = 0
        self.seen = {}
        named = dict.fromkeys(self.config.series)
        named.update(dict.fromkeys(name.split("-")[0] for name in self.config.tickers))
        self.series_left = list(named)
        if self.config.key_id and not self.ready:
            return [self.asker.ask(Job("limits", "/account/limits"), now)]
        return self._series(now)

    def answer(self, job: Job, body: bytes, now: Ns) -> list[Out]:
        """What a 200 says. A body that cannot be read is counted, and asked for again."""
        try:
            return getattr(self, f"_on_{job.kind}")(job, body, now)  # type: ignore[no-any-return]
        except RemoteProtocolError as error:
            return [bad(self.catalogue.stream, error), *self.refused(job, 0, now)]

    def refused(self, job: Job, status: int, now: Ns) -> list[Out]:
        """A refusal or a loss: later again; a single market that is not there is let go."""
        if job.kind == "limits" and (status in (401, 403, 404) or job.attempt):
            return self._series(now)  # not to be had: the Basic tier holds
        if job.kind in ("market", "event") and (status in (400, 404) or job.attempt > 5):
            self.looking -= 1
            return self._look(now)
        if job.kind == "one_series" and status == 404:
            return self._next_series(now)
        return [self.asker.again(job, now)]

    def look_up(self, ticker: str, now: Ns) -> list[Out]:
        """Ask about one market that is new or has changed, soon and within limits."""
        if self.catalogue.wants(ticker) and len(self.waiting) < WAITING_MAX:
            self.waiting[ticker] = None
        return self._look(now)

    def _look(self, now: Ns) -> list[Out]:
        out: list[Out] = []
        while self.waiting and self.looking < LOOKUPS_MAX:
            ticker = next(iter(self.waiting))
            del self.waiting[ticker]
            self.looking += 1
            job = Job("market", f"/markets/{safe(ticker)}", about=(ticker,))
            out.append(self.asker.ask(job, now))
        return out

    def _series(self, now: Ns) -> list[Out]:
        if self.series_left:
            return self._next_series(now)
        return [self.asker.ask(Job("series", "/series"), now)]

    def _next_series(self, now: Ns) -> list[Out]:
        if not self.series_left:
            return self._events(tuple(self._scopes()), "", now)
        name = self.series_left.pop(0)
        return [self.asker.ask(Job("one_series", f"/series/{safe(name)}", about=(name,)), now)]

    def _scopes(self) -> list[str]:
        named = dict.fromkeys(self.config.series)
        named.update(dict.fromkeys(name.split("-")[0] for name in self.config.tickers))
        return list(named) or [""]

    def _events(self, scopes: tuple[str, ...], cursor: str, now: Ns) -> list[Out]:
        query = [
            ("limit", str(self.config.events_per_page)),
            ("with_nested_markets", "true"),
            ("status", "open"),
        ]
        if scopes[0]:
            query.append(("series_ticker", scopes[0]))
        if cursor:
            query.append(("cursor", cursor))
        return [self.asker.ask(Job("events", "/events", tuple(query), scopes), now)]

    def _on_limits(self, job: Job, body: bytes, now: Ns) -> list[Out]:
        self.bucket = limits.read_bucket(_decode(body, limits.Limits))
        return self._series(now)

    def _on_series(self, job: Job, body: bytes, now: Ns) -> list[Out]:
        page = _decode(body, SeriesPage)
        out: list[Out] = []
        for n, raw in enumerate(page.series):
            out += self.catalogue.series(raw, f"series[{n}]")
        if page.cursor and self._more():
            return [*out, self.asker.ask(Job("series", "/series", (("cursor", page.cursor),)), now)]
        return [*out, *self._events(tuple(self._scopes()), "", now)]

    def _on_one_series(self, job: Job, body: bytes, now: Ns) -> list[Out]:
        out: list[Out] = list(self.catalogue.series(_decode(body, OneSeries).series, "series"))
        return [*out, *self._next_series(now)]

    def _on_events(self, job: Job, body: bytes, now: Ns) -> list[Out]:
        page = _decode(body, EventsPage)
        out: list[Out] = []
        for n, raw in enumerate(page.events):
            out += self.catalogue.event(raw, f"events[{n}]")
            self._note(raw)
        if page.cursor and self._more():
            return [*out, *self._events(job.about, page.cursor, now)]
        if len(job.about) > 1:
            return [*out, *self._events(job.about[1:], "", now)]
        return [*out, *self._done(now)]

    def _more(self) -> bool:
        self.pages += 1
        return self.pages < PAGES_MAX

    def _note(self, raw: msgspec.Raw) -> None:
        try:
            body = msgspec.json.decode(raw, type=_EventNames)
        except BROKEN:
            return
        self.seen[f"kalshi:{body.event_ticker}"] = None

    def _done(self, now: Ns) -> list[Out]:
        """A whole pass: markets that were open and were not in it are asked about singly."""
        again = self.ready
        self.ready, self.running = True, False
        out: list[Out] = [Wake("refresh", Ns(now + self.config.refresh))]
        if again:
            known = self.catalogue.instruments
            gone = [name for name in self.catalogue.live() if known[name].event not in self.seen]
            self.waiting.update(dict.fromkeys(gone[:WAITING_MAX]))
            out += self._look(now)
        return out

    def _on_market(self, job: Job, body: bytes, now: Ns) -> list[Out]:
        raw = _decode(body, OneMarket).market
        try:
            names = msgspec.json.decode(raw, type=MarketNames)
        except BROKEN as error:
            raise broken(error, raw, "market") from None
        event = names.event_ticker
        if event in self.catalogue.groups and names.ticker in self.catalogue.instruments:
            self.looking -= 1
            return [*self.catalogue.market(raw, "market"), *self._look(now)]
        query = (("with_nested_markets", "true"),)
        return [self.asker.ask(Job("event", f"/events/{safe(event)}", query, job.about), now)]

    def _on_event(self, job: Job, body: bytes, now: Ns) -> list[Out]:
        one = _decode(body, OneEvent)
        self.looking -= 1
        out: list[Out] = list(self.catalogue.event(one.event, "event", one.markets))
        return [*out, *self._look(now)]


class _EventNames(msgspec.Struct):
    event_ticker: str


def listed(outs: list[Out]) -> list[str]:
    """The tickers that were just listed."""
    return [out.instrument.symbol for out in outs if isinstance(out, InstrumentListed)]


def _decode(body: bytes, kind: type[_S]) -> _S:
    try:
        return msgspec.json.decode(body, type=kind)
    except BROKEN as error:
        raise broken(error, body) from None
