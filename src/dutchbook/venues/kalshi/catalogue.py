"""What Kalshi lists, as we know it: series fees, events and markets, and what changed."""

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import Event, EventListed, GridChanged, InstrumentListed, StatusChanged
from dutchbook.domain.instrument import EventGroup, FeeSchedule, Instrument
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.kalshi import markets, wire
from dutchbook.venues.kalshi.config import Config
from dutchbook.venues.kalshi.errors import bad
from dutchbook.venues.kalshi.markets import UNKNOWN_FEES, EventBody, Fees

LIVE = ("unopened", "open", "paused")


class Catalogue:
    """Instruments by ticker and groups by event ticker, changed only by whole, valid bodies."""

    def __init__(self, config: Config, stream: str = "kalshi.rest") -> None:
        self.config = config
        self.stream = stream
        self.fees: dict[str, Fees] = {}
        self.overrides: dict[str, tuple[str | None, int | None]] = {}
        self.categories: dict[str, str] = {}
        self.series_of: dict[str, str] = {}
        self.instruments: dict[str, Instrument] = {}
        self.groups: dict[str, EventGroup] = {}
        self.keys: dict[str, str] = {}

    def series(self, raw: bytes | msgspec.Raw, path: str) -> list[Event]:
        """Learn a series' fees."""
        try:
            ticker, fees = markets.read_series(raw, path)
            # Kept even where it is no schedule that we know: its markets are then not listed.
            self.fees[ticker] = fees
            markets.fee_schedule(fees, f"{path}.fee_type".lstrip("."), ticker)
        except RemoteProtocolError as error:
            return [bad(self.stream, error)]
        return []

    def event(
        self, raw: bytes | msgspec.Raw, path: str, beside: list[msgspec.Raw] | None = None
    ) -> list[Event]:
        """Learn an event with its nested markets; a bad market is counted, the others stand.

        `beside`: its markets where the body has them next to the event, not inside it.
        """
        try:
            body = markets.read_event(raw, path)
            where = f"{path}.fee_multiplier_override"
            times = markets.multiplier(body.fee_multiplier_override, where, body.event_ticker)
        except RemoteProtocolError as error:
            return [bad(self.stream, error)]
        name = body.event_ticker
        self.overrides[name] = (body.fee_type_override, times)
        self.categories[name] = body.category
        self.series_of[name] = body.series_ticker or name.split("-")[0]
        listed: list[Event] = []
        members = []
        at = f"{path}.markets" if body.markets else "markets"
        for n, inner in enumerate(body.markets or beside or ()):
            made = self.market(inner, f"{at}[{n}]", body)
            listed += made
            keys = [one.instrument.key for one in made if isinstance(one, InstrumentListed)]
            members += keys or ([known] if (known := self._known(inner)) else [])
        group = markets.group(body, tuple(members))
        if members and self.groups.get(name) != group:
            self.groups[name] = group
            listed.insert(0, EventListed(group))
        return listed

    def market(
        self, raw: bytes | msgspec.Raw, path: str, event: EventBody | None = None
    ) -> list[Event]:
        """Learn one market: its listing if that is new or changed, its end if it has one."""
        try:
            body = markets.read_market(raw, path)
            if body.market_type != "binary" or not self.wants(body.ticker):
                return []
            if event is not None and body.event_ticker != event.event_ticker:
                where, what = f"{path}.event_ticker", "a market of another event"
                raise RemoteProtocolError("kalshi", where, what, market=body.ticker)
            fees = self.schedule(body.event_ticker)
            category = self.categories.get(body.event_ticker, "")
            made = markets.instrument(body, fees, category, path)
            ended = markets.resolved(body, path)
        except RemoteProtocolError as error:
            return [bad(self.stream, error)]
        before = self.instruments.get(body.ticker)
        if before is not None and msgspec.structs.replace(made, volume=before.volume) == before:
            return []  # volume alone is no news
        self.instruments[body.ticker] = made
        self.keys[body.ticker] = made.key
        return [InstrumentListed(made), *ended]

    def schedule(self, event: str) -> FeeSchedule:
        """The fees of an event's markets. Raises RemoteProtocolError for an unknown fee type."""
        series = self.series_of.get(event) or event.split("-")[0]
        base = self.fees.get(series, UNKNOWN_FEES)
        kind, times = self.overrides.get(event, (None, None))
        fees = markets.override(kind, times, base)
        return markets.fee_schedule(fees, "fee_type_override", event)

    def wants(self, ticker: str) -> bool:
        """Whether the settings ask for this market."""
        config = self.config
        if config.tickers and ticker not in config.tickers:
            return False
        if ticker.startswith("KXMVE") and not config.combos:
            return False
        return not config.series or ticker.split("-")[0] in config.series

    def live(self) -> list[str]:
        """The tickers whose books are worth having, in order of discovery, up to the limit."""
        names = [name for name, one in self.instruments.items() if one.status in LIVE]
        return names[: self.config.markets_max]

    def on_event(self, event: Event) -> None:
        """Keep what a life-cycle message changed."""
        if isinstance(event, StatusChanged):
            self._replace(event.key, status=event.status)
        elif isinstance(event, GridChanged):
            self._replace(event.key, grid=event.grid)

    def closes(self, ticker: str, at: int, now: Ns) -> list[Event]:
        """A market's closing time (seconds) moved; one that is not ahead means closed."""
        made = self._replace(f"kalshi:{ticker}", closes=Ns(at * SECOND))
        if made is None:
            return []
        if at * SECOND > now or made.status not in LIVE:
            return [InstrumentListed(made)]
        self._replace(made.key, status="closed")
        return [InstrumentListed(made), StatusChanged(made.key, "closed")]

    def fee_change(self, msg: wire.EventFeeMsg) -> list[Event]:
        """An event's own fees changed: its markets are listed anew. Raises RemoteProtocolError."""
        name = msg.event_ticker
        if name not in self.groups:
            return []
        before = self.overrides.get(name, (None, None))
        where = "msg.fee_multiplier_override"
        times = markets.multiplier(msg.fee_multiplier_override, where, name)
        self.overrides[name] = (msg.fee_type_override, times)
        try:
            fees = self.schedule(name)
        except RemoteProtocolError:
            self.overrides[name] = before
            raise
        out: list[Event] = []
        for ticker, one in list(self.instruments.items()):
            if one.event == f"kalshi:{name}" and one.fees != fees:
                made = msgspec.structs.replace(one, fees=fees)
                self.instruments[ticker] = made
                out.append(InstrumentListed(made))
        return out

    def _replace(self, key: str, **changes: object) -> Instrument | None:
        ticker = key.removeprefix("kalshi:")
        before = self.instruments.get(ticker)
        if before is None:
            return None
        made = msgspec.structs.replace(before, **changes)
        self.instruments[ticker] = made
        return made

    def _known(self, raw: msgspec.Raw) -> str | None:
        try:
            return self.keys.get(markets.read_market(raw, "").ticker)
        except RemoteProtocolError:
            return None
