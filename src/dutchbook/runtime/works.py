"""What the jobs of a run do, each through the run's own commands, so that the record has it."""

import asyncio
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dutchbook.alerts import text
from dutchbook.alerts.notice import Draft
from dutchbook.alerts.words import clean, moment, tag, usd
from dutchbook.domain.errors import DutchbookError
from dutchbook.domain.units import DAY, MILLI, ONE, SECOND, Ns
from dutchbook.engine.sweeps import SCAN, SYNC
from dutchbook.runtime import upkeep_jobs
from dutchbook.runtime.control import Request
from dutchbook.runtime.jobs import History, Jobs, Result, Work, record
from dutchbook.runtime.settings import Settings
from dutchbook.schedule.roster import Job, Roster
from dutchbook.schedule.when import when
from dutchbook.state.invariants import invariants

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live

NAMES: Final = (
    "price-sync", "arbitrage-scan", "market-refresh", "archive", "risk-check",
    "position-reconcile", "hot-wash", "daily-report", "weekly-report", "backup",
)  # fmt: skip
ALONE: Final = ("archive", "backup")
"""What needs no run."""
ABSENT: Final = ("whale_monitor", "train")
"""Jobs of the specification whose part is missing; see LIMITS.md."""
WHO: Final = "schedule"
REFRESH: Final = "refresh"


def jobs_of(live: "Live") -> Jobs:
    """The jobs of a run, with their times from the settings."""
    settings, works = live.house.settings, Works(live)
    table = works.table()
    roster = Roster(
        roster_jobs(settings, list(table)), live.zone, live.clock.now(),
        (history := History(live.house.data_dir)).runs, settings.schedule.missed,
    )  # fmt: skip
    return Jobs(roster, table, history, live.clock, settings.mode, live.alerting.offer,
                settings.schedule.notify)  # fmt: skip


def roster_jobs(settings: Settings, names: list[str]) -> list[Job]:
    """Each job with its time; one with an empty string is never due by itself."""
    plan, timeout = settings.schedule, Ns(settings.schedule.timeout_s * SECOND)
    found = []
    for name in names:
        line = getattr(plan.jobs, name.replace("-", "_"))
        if name == "daily-report" and not line:
            line = settings.alerts.digest.replace("daily", "at")
        if line:
            found.append(Job(name, when(line), line, timeout, plan.retries))
    return found


class Works:
    """The works themselves. Each returns counts, and raises DutchbookError where it failed."""

    def __init__(self, live: "Live") -> None:
        self.live = live

    def table(self) -> dict[str, Work]:
        """By name; what needs an account is there only where one trades."""
        found: dict[str, Work] = {
            "price-sync": self.price_sync, "arbitrage-scan": self.arbitrage_scan,
            "market-refresh": self.market_refresh, "archive": self.archive,
        }  # fmt: skip
        if self.live.engine.trading is not None:
            found |= {
                "risk-check": self.risk_check, "position-reconcile": self.position_reconcile,
                "daily-report": self.daily_report, "weekly-report": self.weekly_report,
            }  # fmt: skip
            if self.live.house.settings.storage.enabled:
                found |= {"hot-wash": self.hot_wash, "backup": self.backup}
        return found

    async def _ask(self, verb: str, *args: str) -> dict[str, Any]:
        return await self.live.control.command(Request(WHO, verb, args))

    async def price_sync(self) -> Result:
        """REST copies of the books that matter now, held against ours."""
        reply = await self._ask(SYNC)
        asked = _number(reply, SYNC)
        before = self.live.engine.world.count
        agreed, failed = before.checks_agreed, before.checks_failed
        await self._pause(Ns(5 * SECOND))
        count = self.live.engine.world.count
        found = {"asked": asked, "agreed": count.checks_agreed - agreed,
                 "failed": count.checks_failed - failed}  # fmt: skip
        return Result(found)

    async def _pause(self, span: Ns) -> None:
        over = asyncio.Event()
        self.live.clock.after(span, over.set)
        await over.wait()

    async def arbitrage_scan(self) -> Result:
        """Every basket of the universe made anew and put through the funnel."""
        reply = await self._ask(SCAN)
        held = self.live.engine.open.values()
        found = {"baskets": _number(reply, SCAN), "opportunities": len(held),
                 "expected_profit": sum(one.proved for one in held)}  # fmt: skip
        return Result(found, tuple(f"{one.id} {usd(one.proved)}" for one in list(held)[:20]))

    async def market_refresh(self) -> Result:
        """Every venue's catalogue is read anew."""
        before = len(self.live.engine.world.instruments)
        for driver in self.live.drivers.values():
            if not driver.ask(driver.rest, driver.venue.on_wake, REFRESH):
                raise DutchbookError(f"{driver.venue.name} can't be asked for its markets")
        until = self.live.clock.now() + 60 * SECOND
        while any(d.waiting() for d in self.live.drivers.values()):
            if self.live.clock.now() > until:
                raise DutchbookError("the venues' catalogues did not come within 60 s")
            await self._pause(Ns(200 * MILLI))
        return Result({"before": before, "markets": len(self.live.engine.world.instruments)})

    async def risk_check(self) -> Result:
        """The account's own invariants, and what it could lose at worst."""
        from dutchbook.runtime.answers import answer

        trading = self.live.engine.trading
        assert trading is not None
        wrong = invariants(trading.account)
        reckon = answer(self.live, "risk")
        told = await asyncio.to_thread(reckon) if callable(reckon) else reckon
        worst, equity = int(told["worst_loss"]), int(told["equity"])
        heat = self.live.house.settings.risk.heat_share
        if worst * ONE > equity * heat:
            wrong.append(
                f"{usd(worst)} could be lost of {usd(equity)}, more than the limit on heat"
            )
        if wrong:
            line = (
                f"{tag(self.live.house.settings.mode)} ⚠ Risk check  {clean('; '.join(wrong), 500)}"
            )
            self.live.alerting.offer(Draft("risk_warning", "risk-check", line, "risk check"))
        found = {"equity": equity, "worst_loss": worst, "breaches": len(wrong)}
        return Result(found, tuple(wrong[:20]))

    async def position_reconcile(self) -> Result:
        """A complete report of every venue is asked for and compared, besides the 30 s ones."""
        trading = self.live.engine.trading
        assert trading is not None
        seen = {venue: one.asked for venue, one in trading.account.seen.items()}
        await self._ask("reconcile")
        until = self.live.clock.now() + 30 * SECOND
        venues = list(self.live.house.accounts)
        while any(_asked(trading.account.seen.get(v)) <= seen.get(v, -1) for v in venues):
            if self.live.clock.now() > until:
                raise DutchbookError("not every venue reported within 30 s")
            await self._pause(Ns(100 * MILLI))
        bad = [venue for venue in venues if not trading.account.reconciled.get(venue, False)]
        if bad:
            raise DutchbookError(f"our books and those of {', '.join(bad)} differ")
        return Result({"venues": len(venues)})

    async def daily_report(self) -> Result:
        return self._report(Ns(DAY), "daily", "Daily")

    async def weekly_report(self) -> Result:
        return self._report(Ns(7 * DAY), "weekly", "Weekly")

    def _report(self, span: Ns, kind: Any, word: str) -> Result:
        found = day_of(self.live, span)
        line = text.daily(self.live.house.settings.mode, found, self.live.zone, word)
        self.live.alerting.offer(Draft(kind, f"{kind}:{found.at}", line, f"{word} report"))
        return Result({"gain": found.gain, "trades": found.trades, "won": found.won}, (line,))

    async def hot_wash(self) -> Result:
        """The whole report of the day that ended, as a page; a process of its own makes it."""
        root, now = self.live.house.data_dir, self.live.clock.now()
        return await upkeep_jobs.hot_wash(root, moment(now, self.live.zone).strftime("%Y-%m-%d"))

    async def archive(self) -> Result:
        return await asyncio.to_thread(upkeep_jobs.archive, self.live.house.data_dir)

    async def backup(self) -> Result:
        url, root = self.live.house.settings.storage.url, self.live.house.data_dir
        return await asyncio.to_thread(upkeep_jobs.backup, root, url, self.live.clock.now())


def alone(name: str, root: Path, config: Path | None) -> dict[str, Any]:
    """A job of ALONE as a process of its own; its line of history, as a row."""
    from dutchbook.runtime.clock import SystemClock
    from dutchbook.runtime.layers import load

    settings, clock = load(config).settings, SystemClock()
    job = Job(name, when("every 1d"), "", Ns(settings.schedule.timeout_s * SECOND), 0)
    history = History(root)
    roster = Roster([job], UTC, clock.now(), [], "skip")

    async def work() -> Result:
        if name == "archive":
            return await asyncio.to_thread(upkeep_jobs.archive, root)
        url = settings.storage.url
        return await asyncio.to_thread(upkeep_jobs.backup, root, url, clock.now())

    jobs = Jobs(roster, {name: work}, history, clock, settings.mode, lambda draft: None, "off")
    return record(asyncio.run(jobs.run(name, "person")))


def day_of(live: "Live", span: Ns) -> text.Day:
    """The figures of the last `span` ns, from the account; baskets count when they end."""
    trading = live.engine.trading
    assert trading is not None
    account, now = trading.account, live.clock.now()
    over = [b for b in account.baskets.values() if b.over and b.moved_at > now - span]
    gains: dict[str, int] = {}
    fees = qty = 0
    for basket in over:
        name = basket.begun.strategy or basket.begun.kind
        gains[name] = gains.get(name, 0) + basket.locked
        fees += sum(account.orders[o].fees for o in basket.orders if o in account.orders)
        qty += basket.begun.qty
    best = max(gains, key=lambda name: gains[name], default="")
    drift = sum(b.locked - b.begun.promised for b in over) * ONE // qty if qty else None
    gain = sum(b.locked for b in over)
    settles = [m.settles or m.closes for key, _ in account.keys_held()
               if (m := live.engine.world.instruments.get(key)) is not None]  # fmt: skip
    return text.Day(
        now, gain, account.equity() - gain, len(over), sum(b.locked > 0 for b in over), fees,
        best, gains.get(best, 0), sum(account.guaranteed.values()),
        Ns(max(settles, default=0)), drift,
    )  # fmt: skip


def _asked(seen: Any) -> int:
    return seen.asked if seen is not None else -1


def _number(reply: dict[str, Any], verb: str) -> int:
    """The count that a sweep's note begins with."""
    for name, note in reply["notes"]:
        if name == "Found" and note[2] == verb:
            return int(str(note[3]).split()[0])
    return 0
