"""A made run for the tests of reports: so many trades in so many days, all from a seed."""

import random

from dutchbook.domain.units import DAY, ONE, SECOND
from dutchbook.report.record import (
    VERSION,
    Count,
    Fill,
    Forecast,
    Gap,
    Honesty,
    Leg,
    Market,
    Meta,
    Order,
    Path,
    Point,
    Record,
    Trade,
    Trials,
    Variant,
    Window,
)

BEGAN = 20_513 * DAY  # 2026-03-01
HOUR = 3_600 * SECOND
CATEGORIES = ("politics", "sports", "economics", "weather")
STRATEGIES = ("cross_venue", "bundle", "longshot")


def hostile(n: int) -> str:
    """A title as an enemy would write it."""
    return (
        f'=HYPERLINK("https://evil.example/{n}","x")<script>alert({n})</script>'
        f"</script><!--{{{{ 7*7 }}}}\u202e]]>"
    )


class Story:
    """Makes the parts; `record` puts them together."""

    def __init__(
        self, trades: int = 60, days: int = 30, seed: int = 1, nasty: bool = False
    ) -> None:
        self.chance = random.Random(seed)
        self.days, self.nasty = days, nasty
        self.end = BEGAN + days * DAY
        self.markets = [self.market(n) for n in range(max(4, trades // 12))]
        self.paths = [self.path(market) for market in self.markets]
        self.mids = {path.key: path for path in self.paths}
        self.fills: list[Fill] = []
        self.orders: list[Order] = []
        self.trades = [self.trade(n) for n in range(trades)]

    def market(self, n: int) -> Market:
        chance = self.chance
        venue = ("kalshi", "polymarket")[n % 2]
        resolution = chance.choice(["yes", "no", "no", "unknown"])
        title = f"Will the number {n} be above {chance.randint(1, 99)} on day {n % 28 + 1}?"
        return Market(
            f"{venue}:M{n}", venue, hostile(n) if self.nasty else title,
            rules=(hostile(n) + "\n=1+1") if self.nasty else f"Resolves to YES if {n} is above it. "
            "The source is the bureau's release, see https://bureau.example/data. " * 3,
            category=CATEGORIES[n % 4], event=f"event-{n // 3}", closes_at=BEGAN + 40 * DAY,
            resolved_at=0 if resolution == "unknown" else self.end,
            resolution=resolution,
            settled_px={"yes": ONE, "no": 0}.get(resolution, 480_000),
        )  # fmt: skip

    def path(self, market: Market) -> Path:
        mid, ats, mids = self.chance.randint(150_000, 850_000), [], []
        for n in range(self.days * 4):
            mid = min(980_000, max(20_000, mid + self.chance.randint(-30_000, 30_000)))
            ats.append(BEGAN + n * 6 * HOUR)
            mids.append(mid)
        return Path(market.key, tuple(ats), tuple(mids))

    def trade(self, n: int) -> Trade:
        chance = self.chance
        market = self.markets[n % len(self.markets)]
        other = self.markets[(n * 7 + 1) % len(self.markets)]
        decided = BEGAN + chance.randint(1, self.days * 24 - 30) * HOUR + n
        closed = decided + chance.randint(1, 60) * HOUR
        is_open = closed >= self.end
        qty = chance.randint(5, 200) * ONE
        mid = next(m for at, m in zip(self.mids[market.key].ats, self.mids[market.key].mids,
                                      strict=True) if at >= decided - 7 * HOUR)  # fmt: skip
        broken = n % 23 == 5
        gross = qty * chance.randint(-9_000, 34_000) // ONE
        fees, slip = qty * 6_000 // ONE, qty * chance.randint(-500, 2_500) // ONE
        risk = qty * 9_000 // ONE if broken else 0
        net = gross - fees - slip - risk
        ending = "open" if is_open else ("unwound" if broken else ("sold", "settled")[n % 2])
        result = chance.choice((0, ONE))
        legs = (
            Leg(market.key, "yes", qty, mid, None if is_open else result),
            Leg(other.key, "no", qty, ONE - mid - 20_000, None if is_open else ONE - result),
        )[: 1 + n % 2]
        for leg in legs:
            self.fill(n, leg, decided)
        return Trade(
            f"b-{n:05d}", STRATEGIES[n % 3], ("cross-venue", "bundle", "longshot")[n % 3],
            market.category, tuple(dict.fromkeys(leg.key.split(":")[0] for leg in legs)),
            market.event, decided, decided + SECOND, 0 if is_open else closed, ending, legs, qty,
            capital=qty * 9 // 10, gross=gross, fees=fees, slippage=slip, leg_risk=risk, net=net,
            settlement=net if ending == "settled" else 0, expected=qty * 20_000 // ONE,
            edge=chance.randint(5_000, 60_000), closes_at=decided + chance.randint(1, 120) * DAY,
            broken=broken, why={"unwound": "leg failed", "sold": "half gained"}.get(ending, ""),
            decay=tuple((s * SECOND, 30_000 - n_ * 6_000) for n_, s in
                        enumerate((1, 5, 30, 60, 300, 3600))),
        )  # fmt: skip

    def fill(self, n: int, leg: Leg, at: int) -> None:
        chance, name = self.chance, f"{n}-{leg.outcome}"
        filled = leg.qty if chance.random() < 0.85 else leg.qty // 3
        venue = leg.key.split(":")[0]
        self.orders.append(
            Order(f"o-{name}", f"b-{n:05d}", leg.key, venue, leg.outcome, "buy", leg.px, leg.qty,
                  filled, at, "filled" if filled == leg.qty else "canceled")
        )  # fmt: skip
        self.fills.append(
            Fill(f"f-{name}", f"b-{n:05d}", f"o-{name}", STRATEGIES[n % 3], venue, leg.key,
                 leg.outcome, "buy", leg.px, filled, filled * 6_000 // ONE, chance.random() < 0.3,
                 at + SECOND, px_seen=max(0, leg.px - chance.randint(-2_000, 6_000)),
                 beyond_top=filled // 4 if n % 5 == 0 else 0, mid=leg.px,
                 mids_after=tuple((s * SECOND, leg.px + chance.randint(-12_000, 9_000))
                                  for s in (60, 300, 1_800)))
        )  # fmt: skip

    def equity(self) -> list[Point]:
        points, done = [], sorted((t.closed_at, t.net) for t in self.trades if t.closed_at)
        for n in range(self.days * 4 + 1):
            at = BEGAN + n * 6 * HOUR
            realised = sum(net for when, net in done if when <= at)
            live = [t for t in self.trades if t.opened_at <= at < (t.closed_at or self.end + 1)]
            locked = sum(t.net for t in live if len(t.legs) == 2)
            marked = sum(t.net for t in live if len(t.legs) == 1)
            used = sum(t.capital for t in live)
            points.append(Point(at, realised, locked, marked, used))
        return points

    def forecasts(self, n: int) -> list[Forecast]:
        found = []
        for k in range(n):
            truth = self.chance.random()
            outcome = int(self.chance.random() < truth)
            claimed = min(ONE, max(0, int((truth + self.chance.gauss(0, 0.05)) * ONE)))
            mid = min(ONE, max(0, int((truth + self.chance.gauss(0, 0.12)) * ONE)))
            market = self.markets[k % len(self.markets)]
            settled = outcome if k % 9 else None
            found.append(Forecast(market.key, BEGAN + k, claimed, mid, settled, "longshot"))
        return found

    def record(self, forecasts: int = 400) -> Record:
        net = sum(trade.net for trade in self.trades)
        n = len(self.trades)
        reason = hostile(99) if self.nasty else "fees eat edge"
        return Record(
            VERSION,
            Meta(
                "20260331-0900-cross_venue", "backtest", BEGAN, self.end, 10_000 * ONE,
                strategies=("cross_venue", "bundle", "longshot"), seed=7, version="0.1.0",
                command="dutchbook backtest run cross_venue --data sim:7", git="4915f44",
                config_hash="5f0c9e", data_hash="9c1e77", engine="0.1.0", cash_rate=42_000,
                fee_model="kalshi-2026.07/poly-2026.04", latency_ns=250_000_000,
            ),
            Honesty(
                "depth walk, latency 250 ms", "only markets that were listed at the start",
                "last mid", (Gap(BEGAN + DAY, BEGAN + DAY + 90 * SECOND, "kalshi.book down"),),
                "pass", 214, 0, ("made by a seed: nobody traded this",),
            ),
            tuple(self.trades), tuple(self.fills), tuple(self.orders), tuple(self.equity()),
            tuple(self.forecasts(forecasts)), tuple(self.markets), tuple(self.paths),
            funnel=tuple(Count(name, n) for name, n in (("seen", 412_000), ("matched", 5_800),
                         ("fresh", 4_100), ("gross edge", 1_700), ("net of fees", 600),
                         ("sent", 300), ("filled", 280))),
            rejects=(Count(reason, 1_100), Count("stale book", 900), Count("cash", 12)),
            variants=(
                Variant("fees", "fees x 1", net, n, base=True, value=ONE),
                Variant("fees", "fees x 2", net * 6 // 10, n, 90 * ONE, value=2 * ONE),
                Variant("latency", "latency 1 s", net // 3, n, 120 * ONE, value=SECOND),
                Variant("depth", "depth x 0.5", net // 2, n, value=ONE // 2),
            ),
            trials=Trials(12, (0.05, 0.11, 0.02, 0.14)),
            windows=tuple(
                Window(BEGAN + k * 6 * DAY, BEGAN + (k + 1) * 6 * DAY, BEGAN + (k + 1) * 6 * DAY,
                       BEGAN + (k + 2) * 6 * DAY, "min_edge 0.02", 60 * ONE, (22 - 9 * k) * ONE, 31)
                for k in range(4)
            ),
        )  # fmt: skip
