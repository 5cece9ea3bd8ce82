"""Builds series, events and markets of both venues with all fields that their REST bodies show."""

import datetime as dt
import uuid
from random import Random

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import DAY, SECOND, Ns, Usd
from dutchbook.emulators.market import grids
from dutchbook.emulators.market.cluster import Cluster
from dutchbook.emulators.market.shapes import SimEvent, SimMarket, SimSeries

MAKER = {"quadratic": 0, "quadratic_with_maker_fees": 17_500}
POSITIONS = 8
"""One of so many Polymarket markets, negative-risk ones aside, has position ids."""
RATES = {
    "Crypto": 70_000,
    "Sports": 50_000,
    "Finance": 40_000,
    "Politics": 40_000,
    "Tech": 40_000,
    "Mentions": 40_000,
    "Economics": 50_000,
    "Culture": 50_000,
    "Weather": 50_000,
    "Other": 50_000,
    "Geopolitics": 0,
}
"""Polymarket's taker rates of September 2026."""
REBATES = {"Crypto": 200_000, "Sports": 150_000}
SHARDS = {"Crypto": 2}
SOURCES = {
    "Crypto": ("CF Benchmarks", "https://www.cfbenchmarks.com/"),
    "Economics": ("Bureau of Labor Statistics", "https://www.bls.gov/"),
    "Weather": ("National Weather Service", "https://www.weather.gov/"),
}


def stamp(at: int, form: str) -> str:
    """A moment in UTC through strftime."""
    return dt.datetime.fromtimestamp(at // SECOND, dt.UTC).strftime(form)


def day_code(at: int) -> str:
    """Kalshi's way to write a day in a ticker: 26DEC31."""
    return stamp(at, "%y%b%d").upper()


class Builder:
    """Collects the catalogue; the order of calls and the seed decide everything."""

    def __init__(self, rng: Random, start: Ns) -> None:
        self.rng = rng
        self.start = start
        self.series: dict[str, SimSeries] = {}
        self.events: dict[str, SimEvent] = {}
        self.markets: dict[str, SimMarket] = {}
        self.clusters: list[Cluster] = []
        self.decoys: list[tuple[str, tuple[str, str], str]] = []
        self._polymarkets = 500_000 + rng.randrange(90_000)
        self._gamma_events = 30_000 + rng.randrange(9_000)

    def day(self, days: float) -> Ns:
        """The full hour that lies `days` after the start."""
        return Ns((self.start + int(days * DAY)) // (3600 * SECOND) * 3600 * SECOND)

    def kalshi_series(
        self,
        ticker: str,
        title: str,
        category: str,
        *,
        fee_type: str = "quadratic",
        multiplier: int = 1_000_000,
        frequency: str = "custom",
    ) -> SimSeries:
        """A series; the same ticker again gives the one that exists."""
        if ticker not in self.series:
            name, url = SOURCES.get(category, ("The Associated Press", "https://apnews.com/"))
            self.series[ticker] = SimSeries(
                ticker=ticker,
                title=title,
                category=category,
                frequency=frequency,
                fee_type=fee_type,
                fee_multiplier=multiplier,
                tags=[category],
                settlement_sources=[{"name": name, "url": url}],
                exchange_index=SHARDS.get(category, 0),
            )
        return self.series[ticker]

    def kalshi_event(
        self,
        series: SimSeries,
        suffix: str,
        title: str,
        closes: Ns,
        *,
        exclusive: bool = False,
        exhaustive: bool = False,
    ) -> SimEvent:
        """An event of a series; its ticker is the series' with the suffix."""
        symbol = f"{series.ticker}-{suffix}"
        assert f"kalshi:{symbol}" not in self.events, symbol
        event = SimEvent(
            key=f"kalshi:{symbol}",
            venue="kalshi",
            symbol=symbol,
            id=symbol,
            title=title,
            subtitle=stamp(closes, "On %b %-d, %Y"),
            category=series.category,
            series=series.ticker,
            tags=list(series.tags),
            closes=closes,
            exclusive=exclusive,
            exhaustive=exhaustive,
        )
        self.events[event.key] = event
        return event

    def kalshi_market(
        self,
        event: SimEvent,
        suffix: str,
        title: str,
        outcome: str,
        rules: str,
        *,
        structure: str = "linear_cent",
        strike: float | None = None,
        closes: Ns | None = None,
    ) -> str:
        """A market of an event; `strike` makes it one of a "greater than" ladder."""
        series = self.series[event.series]
        symbol = f"{event.symbol}-{suffix}" if suffix else event.symbol
        until = closes or event.closes
        fees = FeeSchedule(
            "kalshi",
            taker=70_000 * series.fee_multiplier // 1_000_000,
            maker=MAKER[series.fee_type] * series.fee_multiplier // 1_000_000,
            precision=Usd(10_000),
        )
        market = SimMarket(
            key=f"kalshi:{symbol}",
            venue="kalshi",
            symbol=symbol,
            id=str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
            event=event.key,
            series=series.ticker,
            title=title,
            outcome=outcome,
            subtitle=outcome,
            rules=rules,
            rules_more="The source agency's first published figure counts; later revisions do not.",
            category=series.category,
            opened=Ns(self.start - self.rng.randrange(5, 120) * DAY),
            closes=until,
            expires=Ns(until + self.rng.choice((1, 3, 7)) * DAY // 2),
            grid=grids.KALSHI[structure],
            structure=structure,
            fees=fees,
            strike_type="greater" if strike is not None else "structured",
            floor_strike=strike,
            exchange_index=series.exchange_index,
            settles_after_s=self.rng.choice((60, 300, 1800)),
        )
        return self._keep(event, market)

    def poly_event(
        self,
        slug: str,
        title: str,
        category: str,
        closes: Ns,
        *,
        neg_risk: bool = False,
        exhaustive: bool = False,
        augmented: bool = False,
    ) -> SimEvent:
        """A Polymarket event; `neg_risk` declares its markets exclusive."""
        assert f"polymarket:{slug}" not in self.events, slug
        self._gamma_events += self.rng.randrange(1, 40)
        event = SimEvent(
            key=f"polymarket:{slug}",
            venue="polymarket",
            symbol=slug,
            id=str(self._gamma_events),
            title=title,
            subtitle="",
            category=category,
            series="",
            tags=[category],
            closes=closes,
            exclusive=neg_risk,
            exhaustive=exhaustive,
            augmented=augmented,
            neg_risk_id=self._hash() if neg_risk else "",
        )
        self.events[event.key] = event
        return event

    def poly_market(
        self,
        event: SimEvent,
        slug: str,
        question: str,
        outcome: str,
        rules: str,
        *,
        tick: int = 10_000,
        other: bool = False,
        closes: Ns | None = None,
    ) -> str:
        """A Polymarket market with its two tokens; `outcome` is its group item title."""
        self._polymarkets += self.rng.randrange(1, 60)
        condition = self._hash()
        tokens = tuple(str(self.rng.randrange(10**76, 10**77)) for _ in range(2))
        if int(condition, 16) % POSITIONS == 0 and not event.exclusive:
            tokens = tuple(_position(condition, outcome) for outcome in (1, 2))
        until = closes or event.closes
        rate = RATES[event.category]
        market = SimMarket(
            key=f"polymarket:{condition}",
            venue="polymarket",
            symbol=condition,
            id=str(self._polymarkets),
            event=event.key,
            series="",
            title=question,
            outcome=outcome,
            subtitle="",
            rules=rules,
            rules_more="",
            category=event.category,
            opened=Ns(self.start - self.rng.randrange(5, 120) * DAY),
            closes=until,
            expires=until,
            grid=grids.POLYMARKET[tick],
            structure="",
            fees=FeeSchedule("polymarket", taker=rate),
            slug=slug,
            question_id=self._hash(),
            tokens=(tokens[0], tokens[1]),
            tick=tick,
            size_min=5_000_000,
            neg_risk=event.exclusive,
            other=other,
            fee_type=f"{event.category.lower()}_fees" if rate else "",
            rebate=REBATES.get(event.category, 250_000) if rate else 0,
        )
        return self._keep(event, market)

    def cluster(self, name: str, theme: str, p: list[int], heat: int = 0) -> Cluster:
        """A new cluster, still without markets."""
        made = Cluster(name=name, theme=theme, p=p, heat=heat, home=list(p))
        self.clusters.append(made)
        return made

    def _keep(self, event: SimEvent, market: SimMarket) -> str:
        assert market.key not in self.markets, market.key
        market.volume = int(10 ** self.rng.uniform(2.5, 6.5)) * 10_000
        market.open_interest = market.volume // 3 // 10_000 * 10_000
        self.markets[market.key] = market
        event.members.append(market.key)
        return market.key

    def _hash(self) -> str:
        return f"0x{self.rng.getrandbits(256):064x}"


def _position(condition: str, outcome: int) -> str:
    """A position id of Polymarket's second protocol: module, condition, outcome, zeros between."""
    part = int(condition, 16) & ((1 << 144) - 1)
    return str((1 << 248) | (part << 104) | outcome)
