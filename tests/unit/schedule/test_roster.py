"""Jobs on a virtual clock: a whole day, a changed clock, a restart, what goes wrong."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from dutchbook.domain.errors import DutchbookError, NotRunning, UsageError
from dutchbook.domain.units import SECOND, Ns
from dutchbook.runtime.alert_settings import Jobs as Plan
from dutchbook.runtime.clock import VirtualClock
from dutchbook.runtime.jobs import KEPT, LINES_MAX, History, Jobs, Result, read
from dutchbook.runtime.settings import Settings
from dutchbook.runtime.works import NAMES, roster_jobs
from dutchbook.schedule.roster import Job, Roster, Run
from dutchbook.schedule.when import when

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600 * SECOND


def ns(*parts, zone=BERLIN):
    return Ns(int(datetime(*parts, tzinfo=zone).timestamp()) * SECOND)


class Plant:
    """Runs jobs in a folder; may be stopped and begun anew."""

    def __init__(self, root, jobs, start, zone=BERLIN, missed="once", notify="failures"):
        self.root, self.jobs, self.zone, self.missed, self.notify = root, jobs, zone, missed, notify
        self.clock = VirtualClock(start)
        self.told = []
        self.work = {job.name: self.fine for job in jobs}

    async def fine(self):
        return Result({"n": 1})

    def begin(self):
        history = History(self.root)
        roster = Roster(self.jobs, self.zone, self.clock.now(), history.runs, self.missed)
        self.made = Jobs(roster, self.work, history, self.clock, "paper", self.told.append,
                         self.notify)  # fmt: skip
        self.task = asyncio.create_task(self.made.go())

    async def end(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def runs(self, name=""):
        return [run for run in read(self.root) if name in ("", run.name)]


def local(at):
    return datetime.fromtimestamp(at // SECOND, BERLIN).strftime("%H:%M")


async def test_a_day_of_the_schedule_with_a_lost_hour_and_a_restart(tmp_path):
    """29 March 2026 in Berlin has 23 hours; the process is away from 11:58 to 12:17."""
    jobs = roster_jobs(Settings(), list(NAMES))
    assert [job.name for job in jobs] == list(NAMES)
    plant = Plant(tmp_path, jobs, ns(2026, 3, 28, 23, 59, 30))
    plant.begin()
    await plant.clock.advance(Ns(ns(2026, 3, 29, 11, 58) - plant.clock.now()), settle=6)
    await plant.end()
    plant.clock._now = ns(2026, 3, 29, 12, 17)
    plant.begin()
    await plant.clock.advance(Ns(ns(2026, 3, 30, 0, 0, 30) - plant.clock.now()), settle=6)
    await plant.end()
    runs = [run for run in plant.runs() if run.due < ns(2026, 3, 30)]
    assert {run.status for run in runs} == {"done"}
    count = Counter(run.name for run in runs)
    assert count == {
        "price-sync": 46, "arbitrage-scan": 23 * 12 - 3, "risk-check": 23, "archive": 1,
        "position-reconcile": 4, "market-refresh": 2, "backup": 4, "daily-report": 1,
        "hot-wash": 1,
    }  # fmt: skip
    at = {name: [local(r.due) for r in runs if r.name == name] for name in count}
    assert at["risk-check"][:4] == ["00:00", "01:00", "03:00", "04:00"]
    assert at["position-reconcile"] == ["00:00", "06:00", "12:00", "18:00"]
    assert at["archive"] == ["23:00"] and at["daily-report"] == ["09:00"]
    # What was due while nothing ran is done once, at once; the times in between are passed over.
    late = {run.name: local(run.began) for run in runs if run.began - run.due > 60 * SECOND}
    assert set(late) == {"price-sync", "arbitrage-scan", "risk-check", "position-reconcile",
                         "market-refresh", "backup"}  # fmt: skip
    assert set(late.values()) == {"12:17"}
    assert at["arbitrage-scan"].count("12:00") == 1 and "12:05" not in at["arbitrage-scan"]


async def test_a_day_of_25_hours_with_a_restart_in_the_hour_that_comes_twice(tmp_path):
    """25 October 2026 in Berlin: what is hourly goes by what passes, the rest happens once."""
    plant = Plant(tmp_path, roster_jobs(Settings(), list(NAMES)), ns(2026, 10, 24, 23, 59, 30))
    plant.begin()
    await plant.clock.advance(Ns(3 * HOUR + 15 * 60 * SECOND), settle=6)  # 02:14:30, again at hand
    await plant.end()
    plant.begin()
    await plant.clock.advance(Ns(ns(2026, 10, 26, 0, 0, 30) - plant.clock.now()), settle=6)
    await plant.end()
    runs = [run for run in plant.runs() if run.due < ns(2026, 10, 26)]
    assert {run.status for run in runs} == {"done"}
    assert len({(run.name, run.due) for run in runs}) == len(runs)
    assert Counter(run.name for run in runs) == {
        "price-sync": 50, "arbitrage-scan": 300, "risk-check": 25, "archive": 1,
        "position-reconcile": 4, "market-refresh": 2, "backup": 4, "daily-report": 1,
        "hot-wash": 1,
    }  # fmt: skip


def one(text="*/5 * * * *", **words):
    return [Job("j", when(text), text, **words)]


async def test_missed_runs_may_be_left_out(tmp_path):
    plant = Plant(tmp_path, one(), ns(2026, 5, 1, 9, 59), missed="skip")
    plant.begin()
    await plant.clock.advance(Ns(120 * SECOND))
    await plant.end()
    plant.clock._now = ns(2026, 5, 1, 11, 2)
    plant.begin()
    await plant.clock.advance(Ns(240 * SECOND))
    await plant.end()
    assert [(local(r.due), r.status) for r in plant.runs()] == [
        ("10:00", "done"), ("10:05", "missed"), ("11:05", "done"),
    ]  # fmt: skip


async def test_a_job_never_overlaps_itself(tmp_path):
    plant = Plant(tmp_path, one(timeout=Ns(3_600 * SECOND)), ns(2026, 5, 1, 9, 59))
    under_way = []

    async def slow():
        under_way.append(1)
        assert len(under_way) == 1
        over = asyncio.Event()
        plant.clock.after(Ns(720 * SECOND), over.set)
        await over.wait()
        under_way.pop()
        return Result()

    plant.work["j"] = slow
    plant.begin()
    await plant.clock.advance(Ns(HOUR))
    await plant.end()
    how = Counter(run.status for run in plant.runs())
    assert how == {"done": 4, "overlap": 8}


async def test_failures_are_tried_again_three_times_and_told(tmp_path):
    plant = Plant(tmp_path, one("0 * * * *"), ns(2026, 5, 1, 9, 59))

    async def bad():
        raise DutchbookError("the disk is full")

    plant.work["j"] = bad
    plant.begin()
    await plant.clock.advance(Ns(300 * SECOND))
    await plant.end()
    assert [(r.status, r.attempt) for r in plant.runs()] == [
        ("retry", 1), ("retry", 2), ("retry", 3), ("failed", 4),
    ]  # fmt: skip
    gaps = [b.began - a.ended for a, b in pairwise(plant.runs())]
    assert gaps == [10 * SECOND, 20 * SECOND, 40 * SECOND]
    (draft,) = plant.told
    assert draft.text == "[PAPER] 🗓 Job  j failed the disk is full." and draft.priority == "MEDIUM"


async def test_a_job_that_hangs_is_ended_at_its_time(tmp_path):
    job = one("0 * * * *", timeout=Ns(60 * SECOND), retries=0)
    plant = Plant(tmp_path, job, ns(2026, 5, 1, 9, 59), zone=UTC)
    ended = []

    async def hangs():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    plant.work["j"] = hangs
    plant.begin()
    await plant.clock.advance(Ns(180 * SECOND))
    await plant.end()
    (run,) = plant.runs()
    assert (run.status, run.ended - run.began, ended) == ("timeout", 60 * SECOND, [True])


async def test_a_retry_that_a_crash_cut_off_is_tried_at_the_next_start(tmp_path):
    plant = Plant(tmp_path, one("0 * * * *"), ns(2026, 5, 1, 9, 59))
    tries = []

    async def bad_once():
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("defect")
        return Result()

    plant.work["j"] = bad_once
    plant.begin()
    await plant.clock.advance(Ns(62 * SECOND))
    await plant.end()
    plant.begin()
    await plant.clock.advance(Ns(5 * SECOND))
    await plant.end()
    assert [run.status for run in plant.runs()] == ["retry", "done"]


async def test_what_was_due_before_a_job_ever_ran_is_missed_too(tmp_path):
    """A weekly job; the process ends a day after its first start and comes back after its time."""
    plant = Plant(tmp_path, one("0 9 * * 1"), ns(2026, 5, 1, 12))  # a Friday
    plant.begin()
    await plant.clock.advance(Ns(24 * HOUR))
    await plant.end()
    assert plant.runs() == [] and [run.status for run in History(tmp_path).runs] == ["added"]
    plant.clock._now = ns(2026, 5, 5, 10)
    plant.begin()
    await plant.clock.advance(Ns(HOUR))
    await plant.end()
    assert [(run.status, run.due) for run in plant.runs()] == [("done", ns(2026, 5, 4, 9))]


def test_a_monthly_job_is_not_forgotten_among_thousands_of_others(tmp_path):
    """The history is shortened to what counts; nothing more is due twice, or passed over."""
    monthly = Job("monthly", when("0 9 1 * *"), "0 9 1 * *")
    asked = Run("monthly", ns(2026, 5, 2), ns(2026, 5, 2), ns(2026, 5, 2), "done", by="ann")
    due = Run("monthly", ns(2026, 5, 1, 9), ns(2026, 5, 1, 9), ns(2026, 5, 1, 9), "done")
    history = History(tmp_path)
    history._write(history.path, [due, asked])
    minutes = [ns(2026, 5, 10) + 60 * SECOND * n for n in range(LINES_MAX)]
    history._write(history.path, [Run("often", at, at, at, "done") for at in minutes])
    with history.path.open("ab") as file:
        file.write(b'{"name":"torn')
    runs = History(tmp_path).runs
    assert (runs[0], len(runs)) == (due, KEPT + 1)
    assert [run.due for run in runs[1:]] == minutes[-KEPT:]
    assert read(tmp_path) == runs and len(history.path.read_bytes().splitlines()) == KEPT + 1
    assert history.path.stat().st_mode & 0o777 == 0o600
    away = ns(2026, 6, 1, 9, 30)
    assert Roster([monthly], BERLIN, away, runs).next_of("monthly") == ns(2026, 6, 1, 9)
    assert Roster([monthly], BERLIN, away, runs[1:]).next_of("monthly") == ns(2026, 7, 1, 9)


async def test_start_and_end_are_told_where_that_is_wanted(tmp_path):
    plant = Plant(tmp_path, one("0 * * * *"), ns(2026, 5, 1, 9, 59), notify="all")
    plant.begin()
    await plant.clock.advance(Ns(90 * SECOND))
    await plant.end()
    assert [draft.text for draft in plant.told] == [
        "[PAPER] 🗓 Job  j began", "[PAPER] 🗓 Job  j done",
    ]  # fmt: skip


async def test_a_person_runs_one_now_and_hears_when_the_run_ends_first(tmp_path):
    plant = Plant(tmp_path, one("0 0 1 1 *"), ns(2026, 5, 1, 9, 59))
    plant.begin()
    run = await plant.made.run("j", "ann")
    assert (run.status, run.by, run.found) == ("done", "ann", {"n": 1})
    with pytest.raises(UsageError, match="no job"):
        await plant.made.run("nothing", "ann")
    plant.work["j"] = asyncio.Event().wait
    asked = asyncio.create_task(plant.made.run("j", "ann"))
    await plant.clock.advance(Ns(SECOND))
    with pytest.raises(UsageError, match="running already"):
        await plant.made.run("j", "bob")
    await plant.end()
    with pytest.raises(NotRunning, match="the run ended"):
        await asked


def test_the_settings_name_every_job_of_the_specification():
    names = {name.replace("_", "-") for name in Plan.__struct_fields__}
    assert names - set(NAMES) == {"whale-monitor", "train"}
