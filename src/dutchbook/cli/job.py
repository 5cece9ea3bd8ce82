"""`dutchbook job`: what runs by the clock, how it went, and running one now."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Jobs: list, run.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]


@app.command("list")
def list_(
    runs: Annotated[bool, typer.Option(help="the history, instead")] = False,
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Every job with its times and its last run; from a run that goes on, else from its record."""
    from datetime import UTC, datetime

    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit

    rows = _runs(config, data_dir) if runs else _jobs(config, data_dir)
    if as_json:
        emit(rows)
        return

    def when(at: int) -> str:
        return datetime.fromtimestamp(at // 10**9, UTC).strftime("%m-%d %H:%M") if at else ""

    if runs:
        table = [[when(r["began"]), r["subagent_id"], r["status"], str(r["execution_time_ms"]),
                  r["why"]] for r in rows[-50:]]  # fmt: skip
        show("runs", ["began (UTC)", "job", "how", "ms", ""], table, "none ran yet")
        return
    table = [
        [r["name"], r["schedule"], when(r["next"]),
         r["last"]["status"] if r["last"] else "", when(r["last"]["began"]) if r["last"] else ""]
        for r in rows
    ]  # fmt: skip
    show("jobs", ["job", "schedule", "next (UTC)", "last", "began"], table, "no job is here")


def _jobs(config: Path | None, data_dir: Path | None) -> list[dict[str, Any]]:
    from dutchbook.domain.errors import NotRunning
    from dutchbook.runtime.alert_setup import zone_of
    from dutchbook.runtime.clock import SystemClock
    from dutchbook.runtime.control import Request, ask
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.jobs import read, row
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.works import NAMES, roster_jobs

    root = data_dir_of(config, data_dir)
    try:
        found: list[dict[str, Any]] = ask(root, Request(ask="jobs"))["answer"]
        return found
    except NotRunning:
        settings = load(config).settings
        zone, now = zone_of(settings.schedule.tz), SystemClock().now()
        last = {run.name: run for run in read(root)}
        jobs = roster_jobs(settings, list(NAMES))
        return [row(j.name, j.text, j.when.next(now, zone), last.get(j.name)) for j in jobs]


def _runs(config: Path | None, data_dir: Path | None) -> list[dict[str, Any]]:
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.jobs import read, record

    return [record(run) for run in read(data_dir_of(config, data_dir))]


@app.command()
def run(
    name: Annotated[str, typer.Argument(help="a name of `job list`")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Run a job now, in the run that goes on, and wait; archive and backup go alone, too."""
    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import DutchbookError, NotRunning, UsageError
    from dutchbook.runtime.control import Request, ask
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.works import ALONE, NAMES, alone

    if name not in NAMES:
        raise UsageError(f"no job {name!r}", todo=f"there are {', '.join(NAMES)}")
    root = data_dir_of(config, data_dir)
    try:
        told = ask(root, Request(ask="job", args=(name, getpass.getuser())), 200.0)["answer"]
    except NotRunning:
        if name not in ALONE:
            raise
        told = alone(name, root, config)
    say(f"{name}: {told['status']} in {told['execution_time_ms']} ms {told['why']}".rstrip())
    say(", ".join(f"{key} {value}" for key, value in told["found"].items()))
    if as_json:
        emit(told)
    if told["status"] != "done":
        raise DutchbookError(f"{name} {told['status']}", why=told["why"])
