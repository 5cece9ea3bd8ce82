"""What Prometheus reads: `dutchbook_*`, with few labels and never a market or a person in one."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import ONE, Ns
from dutchbook.gateway.readmodel import ReadModel

CUSTOM_MAX: Final = 100
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)


class Metrics:
    """One registry per gateway; the run's own figures are read from the read model when asked."""

    def __init__(self, model: ReadModel, now: Callable[[], Ns]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "dutchbook_http_requests", "Requests by route, method and status",
            ("route", "method", "status"), registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "dutchbook_http_request_seconds", "From the first byte read to the last one written",
            ("route",), registry=self.registry, buckets=BUCKETS,
        )  # fmt: skip
        self.refused = Counter(
            "dutchbook_http_refused", "Requests refused before a route, by reason", ("reason",),
            registry=self.registry,
        )  # fmt: skip
        self.webhooks = Counter(
            "dutchbook_webhooks", "Webhooks by source and outcome", ("source", "outcome"),
            registry=self.registry,
        )  # fmt: skip
        self._custom: dict[str, Gauge] = {}
        self._kinds: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.registry.register(_Run(model, now))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        kind = self._kinds.get((route, method, status))
        if kind is None:
            kind = self._kinds[route, method, status] = (
                self.requests.labels(route, method, str(status)), self.seconds.labels(route)
            )  # fmt: skip
        kind[0].inc()
        kind[1].observe(seconds)

    def custom(self, name: str, value: float) -> None:
        """Set a gauge of an outside process, `dutchbook_custom_NAME`. Raises UsageError."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name[:60]!r} can't name a metric", todo="a-z, 0-9 and _, up to 40")
        gauge = self._custom.get(name)
        if gauge is None:
            if len(self._custom) >= CUSTOM_MAX:
                raise UsageError(f"there are {CUSTOM_MAX} metrics already", todo="use one of them")
            gauge = self._custom[name] = Gauge(
                f"dutchbook_custom_{name}", "Set by an outside process", registry=self.registry
            )
        gauge.set(value)

    def text(self) -> bytes:
        return generate_latest(self.registry)


class _Run(Collector):
    """The run as the read model has it, at the moment of the scrape."""

    def __init__(self, model: ReadModel, now: Callable[[], Ns]) -> None:
        self.model = model
        self.now = now

    def collect(self) -> Iterable[Metric]:
        model, mode = self.model, self.model.mode
        up = GaugeMetricFamily("dutchbook_up", "1 while a run is followed", labels=["mode"])
        up.add_metric([mode], float(model.following(self.now())))
        yield up
        age = GaugeMetricFamily(
            "dutchbook_price_age_seconds", "Age of a venue's last data", labels=["venue", "mode"]
        )
        ages: dict[str, float] = {}
        for feed in model.feeds(self.now()):
            venue = feed.stream.partition(".")[0]
            ages[venue] = min(ages.get(venue, 1e9), feed.age_ms / 1_000)
        for venue, seconds in ages.items():
            age.add_metric([venue, mode], seconds)
        yield age
        by_kind: dict[str, int] = {}
        for one in model.held.values():
            by_kind[one.certificate.kind] = by_kind.get(one.certificate.kind, 0) + 1
        open_ = GaugeMetricFamily(
            "dutchbook_opportunities_open", "Opportunities that hold", labels=["strategy", "mode"]
        )
        for kind, count in sorted(by_kind.items()):
            open_.add_metric([kind, mode], count)
        yield open_
        for name, help_, value in (
            ("opportunities", "Opportunities of this run", model.status.get("opportunities", 0)),
            ("markets", "Markets that are known", len(model.instruments)),
            ("queue_depth", "Events that wait for the engine", model.status.get("backlog", 0)),
            ("journal_seq", "Steps on record", model.status.get("journal_seq", 0)),
        ):
            yield GaugeMetricFamily(f"dutchbook_{name}", help_, value=value)
        yield from self._account(mode)

    def _account(self, mode: str) -> Iterable[Metric]:
        account = self.model.account
        if account is None:
            return
        cash = GaugeMetricFamily("dutchbook_cash_usd", "Cash", labels=["venue", "mode"])
        for venue, value in account.money["cash"].items():
            cash.add_metric([venue, mode], value / ONE)
        yield cash
        for name, help_, value in (
            ("equity_usd", "Cash, and holdings at cost", account.money["equity"] / ONE),
            ("realised_pnl_usd", "Realised profit", account.money["realised"] / ONE),
            ("open_orders", "Orders that may still fill", len(account.orders)),
            ("halted", "1 while anything is stopped", float(bool(account.money["halts"]))),
        ):
            metric = GaugeMetricFamily(f"dutchbook_{name}", help_, labels=["mode"])
            metric.add_metric([mode], value)
            yield metric
