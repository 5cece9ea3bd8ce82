"""`dutchbook backtest`: strategies over recorded or generated markets, in virtual time."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from dutchbook.cli.figures import plain

app = typer.Typer(no_args_is_help=True, help="Strategies over recorded or generated markets.")

Data = Annotated[list[str], typer.Option("--data", help="recorded files, a folder, or sim:7")]
Runs = Annotated[Path, typer.Option(help="where runs are kept")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object on the last line")]
Config = Annotated[Path | None, typer.Option(help="settings file")]
Param = Annotated[list[str], typer.Option("--param", "-p", help="NAME=VALUE; repeat for more")]
Latency = Annotated[str, typer.Option(help="250ms, drawn:250ms (of the seed) or recorded")]
Feed = Annotated[str, typer.Option(help="how much later than recorded books are seen")]
Queue = Annotated[str, typer.Option(help="back: last in the queue; share: cancels move us on")]
Cash = Annotated[str, typer.Option(help="$ at each venue")]
Fees = Annotated[str, typer.Option(help="fees of the day, times this")]
Depth = Annotated[str, typer.Option(help="shown sizes, times this")]
Seed = Annotated[int, typer.Option(help="of drawn latencies and of all chance in the report")]
Venue = Annotated[str, typer.Option(help="kalshi or polymarket, where it can't be told")]
Workers = Annotated[int, typer.Option(min=0, max=1_000, help="processes; 0: one a core")]
Cluster = Annotated[str, typer.Option(help="Ray address, or local; empty: none")]


@app.callback()
def backtest() -> None:
    """The same engine as live, over tapes, against pretend venues."""


@app.command("run")
def run_(
    strategy: Annotated[str, typer.Argument(help="its name, several with commas, or arbitrage")],
    data: Data = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    latency: Latency = "250ms",
    feed: Feed = "0ms",
    queue: Queue = "back",
    cash: Cash = "10000",
    fees: Fees = "1",
    depth: Depth = "1",
    seed: Seed = 7,
    venue: Venue = "",
    runs: Runs = Path("runs"),
    check: Annotated[bool, typer.Option(help="look-ahead check after it")] = True,
    stress: Annotated[bool, typer.Option(help="again with other fees, latency, depth")] = False,
    random_entry: Annotated[
        int,
        typer.Option(
            "--random", min=0, max=10_000, help="so many runs of random entry, to compare with"
        ),
    ] = 0,
    workers: Workers = 0,
    cluster: Cluster = "",
    config: Config = None,
    open_: Annotated[bool, typer.Option("--open", help="show the report in a browser")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a strategy over a tape and write the report of it to runs/ID."""
    from dutchbook.backtest.job import Job, resolved
    from dutchbook.cli.bars import bar

    plan = resolved(
        strategy, data, param, config,
        {"latency": latency, "feed": feed, "queue": queue, "seed": seed},
        {"cash": cash, "fees": fees, "depth": depth},
    )  # fmt: skip
    job = Job(plan, venue or None, runs, _stamp(), bar)
    folder, document = job.run(
        check=check, stress=stress, random_entry=random_entry, workers=workers, cluster=cluster
    )
    _show(folder, document, as_json, {"digest": job.digest, "seconds": job.seconds})
    if open_:
        typer.launch(str(folder / "report.html"))


@app.command("list")
def list_(runs: Runs = Path("runs"), as_json: AsJson = False) -> None:
    """The runs so far, oldest first."""
    from dutchbook.backtest.runs import listed
    from dutchbook.cli.out import emit, report
    from dutchbook.report import recordfile

    rows: list[dict[str, Any]] = []
    broken: list[str] = []
    for folder in listed(runs):
        try:
            record = recordfile.read(folder)
        except recordfile.RecordError as error:
            broken.append(folder.name)
            report(error)
            continue
        meta = record.meta
        rows.append({
            "run": folder.name, "strategies": list(meta.strategies), "data": meta.data_hash,
            "trades": len(record.trades), "net": sum(trade.net for trade in record.trades),
            "look_ahead": record.honesty.look_ahead, "trials": record.trials.n,
        })  # fmt: skip
    if as_json:
        emit({"runs": rows, "broken": broken})
        return
    for row in rows:
        net = row["net"] / 1e6
        print(f"{row['run']:44} {row['trades']:>6} trades  {net:>+12,.2f}  {row['look_ahead']}")
    if not rows and not broken:
        print(f"no run in {runs}: dutchbook backtest run STRATEGY --data FILES")


@app.command("show")
def show(
    run: Annotated[str, typer.Argument(help="a run, its beginning, or last")] = "last",
    runs: Runs = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """The tables of a run again."""
    from dutchbook.backtest.runs import find

    folder = find(runs, run)
    _show(folder, _document(folder), as_json, {})


@app.command("report")
def report(
    run: Annotated[str, typer.Argument(help="a run, its beginning, or last")] = "last",
    runs: Runs = Path("runs"),
    open_: Annotated[bool, typer.Option("--open", help="show it in a browser")] = False,
    as_json: AsJson = False,
) -> None:
    """Write report.html and report.json of a run anew from its record."""
    from dutchbook.backtest.runs import find
    from dutchbook.cli.out import emit
    from dutchbook.report import files, recordfile

    folder = find(runs, run)
    files.write_report(recordfile.read(folder), folder)
    page = str(folder / files.PAGE)
    emit({"run": folder.name, "report": page}) if as_json else print(page)
    if open_:
        typer.launch(page)


@app.command("compare")
def compare(
    first: Annotated[str, typer.Argument(help="a run")],
    second: Annotated[str, typer.Argument(help="another")],
    runs: Runs = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Two runs side by side: what was set otherwise, and what came of it."""
    from dutchbook.backtest.compare import difference
    from dutchbook.backtest.runs import find
    from dutchbook.cli.out import emit, safe

    found = difference(find(runs, first), find(runs, second))
    if as_json:
        emit(found)
        return
    print(f"{'':28} {found['a'][:26]:>26} {found['b'][:26]:>26}")
    for row in (*found["settings"], *found["figures"]):
        a, b = (safe(plain(row["name"], row[side]))[-26:] for side in "ab")
        print(f"{row['name']:28} {a:>26} {b:>26}")
    if not found["same_data"]:
        print("the data differ: figures of different tapes do not compare")


@app.command("check")
def check_(
    strategy: Annotated[str, typer.Argument(help="its name")],
    data: Data = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    latency: Latency = "250ms",
    points: Annotated[int, typer.Option(min=1, max=50, help="places to cut the tape at")] = 4,
    seed: Seed = 7,
    venue: Venue = "",
    runs: Runs = Path("runs"),
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Does it know what comes later? Fails if a decision changes when the tape ends earlier."""
    import msgspec

    from dutchbook.backtest.check import check
    from dutchbook.backtest.job import resolved
    from dutchbook.backtest.sources import load
    from dutchbook.cli.bars import bar
    from dutchbook.cli.out import emit
    from dutchbook.domain.errors import DutchbookError
    from dutchbook.runtime.clock import SystemClock
    from dutchbook.runtime.looked import Looked, remember

    plan = resolved(strategy, data, param, config, {"latency": latency, "seed": seed}, {})
    tape = load(list(plan.data), venue or None)
    with bar("look-ahead") as tick:
        look = check(plan, tape, points=points, tick=tick)
    now = SystemClock().now()
    remember(runs, Looked(strategy, look.ok, look.decisions, now))
    if as_json:
        emit(msgspec.to_builtins(look) | {"ok": look.ok})
    else:
        verdict = "PASS" if look.ok else "FAIL"
        print(f"look-ahead: {verdict} ({look.changed}/{look.decisions} decisions changed)")
        for line in look.peek.text() if look.peek else ():
            print(line)
    if look.peek is not None:
        raise DutchbookError(
            f"{strategy} decides on what it can't know yet",
            why=f"step {look.peek.seq} rests on {look.peek.event}", todo=look.peek.text()[-1],
        )  # fmt: skip


@app.command("sweep")
def sweep(
    strategy: Annotated[str, typer.Argument(help="its name")],
    axis: Annotated[list[str], typer.Option("--axis", "-a", help="NAME=VALUE,VALUE,...")],
    data: Data = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    latency: Latency = "250ms",
    seed: Seed = 7,
    walk: Annotated[
        int,
        typer.Option(
            min=0, max=1_000, help="folds of a walk-forward: best of each part, on the next one"
        ),
    ] = 0,
    venue: Venue = "",
    runs: Runs = Path("runs"),
    workers: Workers = 0,
    cluster: Cluster = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Every combination of parameters over one tape; each counts as a variant that was tried."""
    from dutchbook.backtest.job import Job, resolved
    from dutchbook.backtest.sweep import axes
    from dutchbook.cli.bars import bar
    from dutchbook.cli.out import emit

    plan = resolved(strategy, data, param, config, {"latency": latency, "seed": seed}, {})
    job = Job(plan, venue or None, runs, _stamp(), bar)
    found = (
        job.walk(axes(axis), walk, workers, cluster)
        if walk
        else job.sweep(axes(axis), workers, cluster)
    )
    if as_json:
        emit(found)
        return
    for row in found["windows"] if walk else found["variants"]:
        print("  ".join(f"{name} {plain(name, value)}" for name, value in row.items()))


@app.command("montecarlo")
def montecarlo(
    strategy: Annotated[str, typer.Argument(help="its name")],
    data: Data = [],  # noqa: B006
    param: Param = [],  # noqa: B006
    count: Annotated[int, typer.Option("--count", "-n", min=2, max=10_000)] = 100,
    latency: Latency = "drawn:250ms",
    seed: Seed = 7,
    venue: Venue = "",
    runs: Runs = Path("runs"),
    workers: Workers = 0,
    cluster: Cluster = "",
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """The same plan with many seeds: how much of the result is luck of the latencies (or dice)."""
    from dutchbook.backtest.job import Job, resolved
    from dutchbook.cli.bars import bar
    from dutchbook.cli.out import emit

    plan = resolved(strategy, data, param, config, {"latency": latency, "seed": seed}, {})
    found = Job(plan, venue or None, runs, _stamp(), bar).montecarlo(count, workers, cluster)
    if as_json:
        emit(found)
        return
    for name, value in found.items():
        if not isinstance(value, list):
            print(f"{name.replace('_', ' '):24} {plain(name, value)}")


def _stamp() -> str:
    return time.strftime("%Y%m%d-%H%M%S")


def _document(folder: Path) -> dict[str, Any]:
    from dutchbook.report import metrics, recordfile

    return metrics.document(recordfile.read(folder))


def _show(folder: Path, document: dict[str, Any], as_json: bool, more: dict[str, Any]) -> None:
    from dutchbook.cli.out import emit

    if as_json:
        emit({
            "run": folder.name, "folder": str(folder), **more, "summary": document["summary"],
            "honesty": document["honesty"], "verdict": document["verdict"],
        })  # fmt: skip
        return
    from rich.console import Console

    from dutchbook.report.terminal import render

    names = ",".join(sorted(path.name for path in folder.iterdir()))
    Console().print(render(document, f"{folder}/{{{names}}}"))
