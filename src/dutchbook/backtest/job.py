"""What the commands do: a tape once, runs over it, their variants, and what is kept of them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec

from dutchbook.backtest import pool, runs, sweep
from dutchbook.backtest.again import command
from dutchbook.backtest.check import Look, check
from dutchbook.backtest.plan import Plan, checked
from dutchbook.backtest.pool import Result, Tick, result_of
from dutchbook.backtest.run import play
from dutchbook.backtest.sources import load
from dutchbook.backtest.tape import Tape
from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import micros
from dutchbook.report import stats
from dutchbook.report.record import Count, Record, Variant, Window
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.layers import load as load_settings
from dutchbook.sim.queue import Rule

Bar = Callable[[str], AbstractContextManager[Tick]]
CHECKED_MAX = 400_000
"""Longer tapes are not checked for look-ahead along with a run: it is said, and `check` does it."""
SECTIONS = ("fresh", "arbitrage", "risk", "execution", "exits", "strategies")


def resolved(
    strategy: str, data: list[str], params: list[str], config: Path | None,
    plain: dict[str, Any], amounts: dict[str, str],
) -> Plan:  # fmt: skip
    """The plan that a command line means, with the settings that differ from the defaults.

    `amounts` are decimals: dollars, or factors. Raises UsageError, ConfigError.
    """
    loaded = load_settings(config)
    settings = {
        path: str(value)
        for path, value in loaded.shown().items()
        if loaded.origins[path] != "default" and path.partition(".")[0] in SECTIONS
    }
    values: dict[str, Any] = {
        "strategy": strategy, "data": data, "settings": settings, **plain,
    }  # fmt: skip
    for name, text in amounts.items():
        try:
            values[name] = micros(text)
        except ValueError as error:
            raise UsageError(
                f"--{name}: {error}", todo="write a plain number, as 1000 or 0.5"
            ) from None
        if values[name] < (name != "fees"):
            least = "0 or more" if name == "fees" else "above 0"
            raise UsageError(f"--{name} {text} can't be", todo=f"give a number {least}")
    if plain.get("queue", "back") not in get_args(Rule):
        raise UsageError(f"--queue {plain['queue']}", todo=f"use {' or '.join(get_args(Rule))}")
    plan = msgspec.convert(values, Plan)
    for name, given in sweep.axes(params).items():
        plan = sweep.varied(plan, name, given[0] if len(given) == 1 else given)
    checked(plan)
    return plan


class Job:
    """One plan over one tape. `stamp` begins the names of its runs; `bar` shows progress."""

    def __init__(self, plan: Plan, venue: str | None, root: Path, stamp: str, bar: Bar) -> None:
        self.plan = plan
        self.venue = venue or ""
        self.root = root
        self.stamp = stamp
        self.bar = bar
        self.log: list[str] = []
        self.digest = ""
        self.seconds = 0.0
        self.clock = SystemClock()
        with bar("reading") as tick:
            tick(0, 1)
            self.tape: Tape = load(list(plan.data), venue)
            tick(1, 1)
        runs.ready(root)
        self._say(f"tape {self.tape.name}: {len(self.tape.items)} events, {self.tape.digest}")
        for error in self.tape.errors:
            self._say(f"not read: {error}")

    def run(
        self, *, check: bool, stress: bool, random_entry: int, workers: int, cluster: str
    ) -> tuple[Path, dict[str, Any]]:
        """Play, look for look-ahead, vary, count, and write the run's directory."""
        plan, tape, root = self.plan, self.tape, self.root
        name = runs.free_name(root, self.stamp, plan.strategy)
        with interruptible():
            began = self.clock.mono()
            with self.bar(plan.strategy) as tick:
                again = command(plan, self.venue, check=check, stress=stress, random=random_entry)
                played = play(plan, tape, name=name, command=again, tick=tick)
            self.seconds = round((self.clock.mono() - began) / 1e9, 3)
            self.digest = played.digest
            record = played.record
            result = result_of(plan, record, played.digest)
            self._say(f"{played.session.seq} steps, digest {played.digest}")
            record = self._looked(record, check)
            if stress:
                record = self._stressed(record, result, workers, cluster)
            if random_entry:
                record = self._against_dice(record, random_entry, workers, cluster)
            record = runs.counted(record, plan, root, result.sharpe)
            self._remember(result, name)
            return runs.write(record, plan, root, self.log)

    def _looked(self, record: Record, wanted: bool) -> Record:
        if self.tape.record or not wanted or len(self.tape.items) > CHECKED_MAX:
            why = "a record brings its own strategies" if self.tape.record else "not asked for"
            if wanted and not self.tape.record:
                why = f"the tape has more than {CHECKED_MAX} events: dutchbook backtest check"
            self._say(f"look-ahead not checked: {why}")
            return record
        with self.bar("look-ahead") as tick:
            look: Look = check(self.plan, self.tape, points=1, tick=tick)
        if look.peek is not None:
            self.log += look.peek.text()
        honesty = msgspec.structs.replace(
            record.honesty, look_ahead="pass" if look.ok else "fail",
            look_ahead_decisions=look.decisions, look_ahead_changed=look.changed,
        )  # fmt: skip
        return msgspec.structs.replace(record, honesty=honesty)

    def _stressed(self, record: Record, base: Result, workers: int, cluster: str) -> Record:
        asked = sweep.stress(self.plan)
        results = self._all([plan for _, _, plan in asked], "stress", workers, cluster)
        variants: list[Variant] = [sweep.variant("fees", "as it is", base, base=True)]
        for (kind, label, _), result in zip(asked, results, strict=True):
            variants.append(sweep.variant(kind, label, result))
        return msgspec.structs.replace(record, variants=(*record.variants, *variants))

    def _against_dice(self, record: Record, count: int, workers: int, cluster: str) -> Record:
        """Random entry on the same tape with the same costs, as variants to stand beside."""
        dice = msgspec.structs.replace(self.plan, strategy="probe", params={})
        results = self._all(sweep.seeds(dice, count), "random entry", workers, cluster)
        nets = sorted(result.net for result in results)
        beaten = sum(net < sum(trade.net for trade in record.trades) for net in nets)
        self._say(f"random entry: median {nets[len(nets) // 2]}, beaten {beaten} of {count}")
        middle = results[[result.net for result in results].index(nets[len(nets) // 2])]
        line = sweep.variant("other", f"random entry, median of {count}", middle)
        counts = (*record.funnel, Count("random runs beaten", beaten))
        return msgspec.structs.replace(record, variants=(*record.variants, line), funnel=counts)

    def sweep(self, given: dict[str, list[Any]], workers: int, cluster: str) -> dict[str, Any]:
        """All variants of a grid, best first; each is counted as tried."""
        variants = sweep.grid(self.plan, given)
        results = self._all([plan for _, plan in variants], "sweep", workers, cluster)
        for (label, _), result in zip(variants, results, strict=True):
            self._remember(result, f"sweep {self.stamp} {label}")
        rows = [_row(label, result) for (label, _), result in zip(variants, results, strict=True)]
        tried = runs.trials(self.root, self.plan.family(), self.tape.digest)
        return {
            "data": self.tape.digest, "trials": len(tried),
            "variants": sorted(rows, key=lambda row: -row["net"]),
        }  # fmt: skip

    def walk(
        self, given: dict[str, list[Any]], folds: int, workers: int, cluster: str
    ) -> dict[str, Any]:
        """Walk forward: the best variant of each part is traded on the part after it."""
        variants = sweep.grid(self.plan, given)
        plans = [plan for _, plan in variants]
        windows: list[Window] = []
        for train, test in sweep.spans(self.tape, folds):
            trained = self._all(plans, "walk", workers, cluster, train)
            chosen = sweep.best(trained)
            tested = pool.one(plans[chosen], test)
            label = variants[chosen][0]
            windows.append(sweep.window(train, test, label, trained[chosen], tested))
        for (label, _), plan in zip(variants, plans, strict=True):
            self._count(plan, f"walk {self.stamp} {label}")
        return {
            "windows": [msgspec.to_builtins(window) for window in windows],
            "train_net": sum(window.train_net for window in windows),
            "test_net": sum(window.test_net for window in windows),
        }

    def montecarlo(self, count: int, workers: int, cluster: str) -> dict[str, Any]:
        """The same plan with many seeds; nets as quantiles in millionths."""
        results = self._all(sweep.seeds(self.plan, count), "montecarlo", workers, cluster)
        nets = [float(result.net) for result in results]
        falls = [float(result.drawdown) for result in results]
        return {
            "runs": count,
            "net_p5": stats.quantile(nets, 0.05),
            "net_p50": stats.quantile(nets, 0.5),
            "net_p95": stats.quantile(nets, 0.95),
            "drawdown_p95": stats.quantile(falls, 0.95),
            "lost_money": sum(net < 0 for net in nets) / count,
            "nets": [result.net for result in results],
            "digests": [result.digest for result in results],
        }

    def _all(
        self, plans: list[Plan], what: str, workers: int, cluster: str, tape: Tape | None = None
    ) -> list[Result]:
        with self.bar(what) as tick, interruptible():
            return pool.run_all(
                plans, tape or self.tape, workers=workers, cluster=cluster, tick=tick
            )

    def _remember(self, result: Result, name: str) -> None:
        trial = runs.Trial(
            name, result.plan.family(), self.tape.digest, result.plan.digest(), result.sharpe,
            result.net, self.clock.now(),
        )  # fmt: skip
        runs.remember(self.root, trial)

    def _count(self, plan: Plan, name: str) -> None:
        trial = runs.Trial(
            name, plan.family(), self.tape.digest, plan.digest(), None, 0, self.clock.now()
        )
        runs.remember(self.root, trial)

    def _say(self, text: str) -> None:
        self.log.append(text)


def _row(label: str, result: Result) -> dict[str, Any]:
    return {
        "label": label, "net": result.net, "fees": result.fees, "trades": result.trades,
        "drawdown": result.drawdown, "sharpe": result.sharpe, "digest": result.digest,
    }  # fmt: skip


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does, so that what was begun is cleared away."""

    def ended(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, ended)
    except ValueError:  # not the main thread: whoever started it answers signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
