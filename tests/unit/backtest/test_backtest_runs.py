"""Runs as a person makes them: commands, what is written, bad data, sweeps, counted variants."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from dutchbook.backtest import again, pool, runs, sources, sweep
from dutchbook.backtest.generated import generated
from dutchbook.backtest.job import resolved
from dutchbook.backtest.parts import state_at
from dutchbook.backtest.plan import Plan, known, session_of
from dutchbook.backtest.run import play
from dutchbook.backtest.sources import load
from dutchbook.cli.backtest import app
from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.units import SECOND, Ns
from dutchbook.report import daily, recordfile
from recorded import recorded
from report_story import Story

ROOT = Path(__file__).resolve().parents[3]
TAPE = generated(5, Ns(8 * SECOND))
DICE = Plan("probe", ("sim:5:8s",), {"probe": {"one_in": 30, "hold_s": 2}})


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Runs a command in a folder; its last line as JSON, or what it said where it failed."""
    monkeypatch.chdir(tmp_path)

    def run(*args, code=0):
        done = CliRunner().invoke(app, args)
        if code:
            assert done.exception.code == code
            return str(done.exception)
        assert done.exit_code == 0, done.exception
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_a_run_is_written_whole_listed_shown_and_compared(tmp_path, command):
    data = ("--data", "sim:5:8s", "--json")
    first = command("run", "probe", *data, "-p", "one_in=30", "-p", "hold_s=2")
    assert first["summary"]["trades"] > 0 and first["honesty"]["look_ahead"] == "pass"
    folder = tmp_path / first["folder"]
    names = {path.name for path in folder.iterdir()}
    assert {"record.json", "report.json", "report.html", "trades.csv", "equity.csv", "run.log",
            "config.resolved.toml"} <= names  # fmt: skip
    record = recordfile.read(folder)
    equity = daily.equity(record.equity[-1])
    assert equity == sum(trade.net for trade in record.trades), "every dollar has its trade"
    second = command("run", "probe", *data, "-p", "one_in=30", "--latency", "1s")
    assert second["digest"] != first["digest"]
    listed = command("list", "--json")["runs"]
    assert [row["trials"] for row in listed] == [1, 2]
    found = command("compare", listed[0]["run"], "last", "--json")
    assert found["same_data"] and {row["name"] for row in found["settings"]} == {
        "latency", "params",
    }  # fmt: skip
    assert runs.plan_in(folder).params == {"probe": {"one_in": 30, "hold_s": 2}}
    assert command("show", listed[0]["run"], "--json")["run"] == listed[0]["run"]


def test_what_is_asked_wrong_is_said(tmp_path, command):
    assert "no strategy 'nobody'" in command("run", "nobody", "--data", "sim:5:1s", code=2)
    assert "no file gone.csv" in command("run", "probe", "--data", "gone.csv", code=2)
    assert "no run in" in command("show", code=2)
    assert not (tmp_path / "runs").exists()


def test_bad_rows_are_named_and_a_file_of_nothing_else_is_refused(tmp_path):
    head = "market_slug,asset_id,market_id,event_type,price,side,size,hash,timestamp"
    good = "g,1,9,book,0.{},{},50,h{},17514127820{:02d}"
    rows = [head, good.format("40", "BUY", 1, 1), good.format("45", "SELL", 1, 1),
            "g,1,9,book,0.4,WRONG,5,h,1751412782099", "torn,row"]  # fmt: skip
    path = tmp_path / "games.csv"
    path.write_text("\n".join(rows) + "\n")
    tape = sources.load([str(path)])
    assert [error.split(": ")[0] for error in tape.errors] == ["games.csv"] * 2
    assert "line 4" in tape.errors[0] and "line 5" in tape.errors[1]
    record = play(DICE, tape).record
    assert "2 rows could not be read" in " ".join(record.honesty.notes)
    path.write_text(f"{head}\ntorn,row\n")
    with pytest.raises(UsageError, match=r"no book in games\.csv.*line 2"):
        sources.load([str(path)])


def test_a_bad_candle_is_named(tmp_path):
    folder = recorded("kalshi/fed_decision")
    for name in ("fed_hourly_candles_wide.csv", "kalshi_markets.csv"):
        lines = (folder / name).read_text().splitlines()[: 60 if "candles" in name else None]
        if "candles" in name:
            lines[3] = lines[3].replace("-04:00", "", 1)
            lines[5] = lines[4]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    tape = sources.load([str(tmp_path)])
    assert "line 4" in tape.errors[0] and "no time zone" in tape.errors[0]
    assert "line 6" in tape.errors[1] and "told before" in tape.errors[1]
    assert "assumed book" in play(DICE, tape).record.honesty.fill_assumption


def test_parameters_that_can_not_be_are_refused():
    with pytest.raises(ConfigError, match="one_in"):
        play(Plan("probe", params={"probe": {"one_in": "often"}}), TAPE)
    with pytest.raises(UsageError, match="Invalid enum value"):
        sweep.varied(DICE, "queue", "front")
    with pytest.raises(UsageError, match="twice"):
        sweep.axes(["a=1", "a=2"])


def test_a_sweep_is_the_same_whoever_plays_it():
    plans = [plan for _, plan in sweep.grid(DICE, sweep.axes(["one_in=20,60", "latency=0ms,1s"]))]
    alone = pool.run_all(plans, TAPE, workers=1)
    told = []
    assert pool.run_all(plans, TAPE, workers=2, tick=lambda n, of: told.append((n, of))) == alone
    assert told[0] == (0, 4) and told[-1] == (4, 4)
    assert len({result.digest for result in alone}) == 4


def test_a_failing_variant_fails_the_sweep():
    plans = [DICE, Plan("probe", params={"probe": {"one_in": "often"}})]
    with pytest.raises(ConfigError):
        pool.run_all(plans, TAPE, workers=1)


def test_a_ray_cluster_plays_the_same():
    pytest.importorskip("ray", reason="ray is not installed (extra: cluster)")
    plans = sweep.seeds(DICE, 2)
    assert pool.run_all(plans, TAPE, cluster="local") == pool.run_all(plans, TAPE, workers=1)


def test_without_ray_a_cluster_is_refused_with_what_to_install():
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"dutchbook\[cluster\]"):
            pool.run_all([DICE], TAPE, cluster="local")


def test_variants_are_counted_once_each_and_by_family(tmp_path):
    for plan, run in ((DICE, "a"), (DICE, "b"), (sweep.varied(DICE, "one_in", 9), "c")):
        runs.remember(
            tmp_path, runs.Trial(run, plan.family(), "d", plan.digest(), 0.1, 5, 1)
        )  # fmt: skip
    runs.remember(tmp_path, runs.Trial("x", "maker", "d", "p", None, 0, 1))
    with (tmp_path / runs.INDEX).open("ab") as torn:
        torn.write(b'{"run": "half')
    assert [trial.run for trial in runs.trials(tmp_path, "probe", "d")] == ["a", "c"]
    record = runs.counted(play(DICE, TAPE).record, DICE, tmp_path, 0.3)
    assert record.trials.n == 1, "another tape: nothing was tried on it yet"


def test_a_part_of_a_tape_begins_with_what_held_then():
    middle = Ns(TAPE.span[0] + 4 * SECOND)
    late = sweep.part(TAPE, middle, Ns(TAPE.span[1] + 1))
    end = Ns(TAPE.span[1] + 1)

    def books(items):
        return {
            (event.key, event.token): (sorted(event.levels), event.stream)
            for event in state_at(items, end)
            if type(event).__name__ == "BookLevels"
        }

    assert books(late.items) == books(TAPE.items) != {}
    assert play(DICE, late).record.trades


def test_walk_forward_trades_on_what_comes_after():
    pairs = sweep.spans(TAPE, 2)
    assert len(pairs) == 2
    for train, test in pairs:
        assert train.span[1] <= test.span[0]
    results = pool.run_all([DICE, sweep.varied(DICE, "one_in", 500)], pairs[0][0], workers=1)
    best = sweep.best(results)
    assert results[best].net == max(result.net for result in results)


def test_random_entry_shows_no_edge():
    """Whoever throws dice pays the spread: the p-value of its entries is not small."""
    from dutchbook.report import significance

    played = play(Plan("probe", params={"probe": {"one_in": 15, "hold_s": 2}}, seed=3), TAPE)
    assert len(played.record.trades) >= 20
    found = significance.permutation(played.record, 7)
    assert found["p_value"] > 0.05
    assert sum(trade.net for trade in played.record.trades) < 0


def heeds_ctrl_c():
    """As in a terminal: what a shell starts in the background is told to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_nothing_half_written(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    args = ("run", "arbitrage", "--data", "sim:5:900s", "--json")
    for how in (signal.SIGINT, signal.SIGTERM):
        began = subprocess.Popen(
            [sys.executable, "-m", "dutchbook", "backtest", *args],
            cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=heeds_ctrl_c,
        )  # fmt: skip
        time.sleep(2.5)
        began.send_signal(how)
        began.communicate(timeout=30)
        assert began.returncode != 0
    left = list((tmp_path / "runs").iterdir()) if (tmp_path / "runs").exists() else []
    assert [path for path in left if path.is_dir()] == []


def test_a_write_that_fails_leaves_no_directory(tmp_path, monkeypatch):
    record = play(DICE, TAPE, name="r1").record

    def fails(*_args):
        raise OSError("disk is full")

    monkeypatch.setattr(os, "rename", fails)
    with pytest.raises(OSError, match="disk is full"):
        runs.write(record, DICE, tmp_path, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"cash": "0"}, "--cash 0"),
        ({"cash": "-4"}, "--cash -4"),
        ({"fees": "-1"}, "--fees -1"),
        ({"depth": "0"}, "--depth 0"),
        ({"queue": "front"}, "--queue front"),
        ({"param": ["nonsense"]}, "'nonsense' sets no parameter"),
        ({"cash": "1e30"}, "--cash: not a plain decimal"),
        ({"cash": "9" * 24}, "--cash: not a plain decimal"),
        ({"strategy": "nobody"}, "no strategy 'nobody'"),
        ({"strategy": "maker,nobody"}, "no strategy 'nobody'"),
        ({"latency": "-5ms"}, "'-5ms' is no span"),
        ({"latency": "drawn:soon"}, "'soon' is no span"),
        ({"feed": "9999999999s"}, "'9999999999s' is no span"),
        ({"seed": -1}, "no seed -1"),
        ({"seed": 2**63}, f"no seed {2**63}"),
    ],
)
def test_what_a_plan_can_not_be_is_said_with_its_option_before_any_data_is_read(words, why):
    amounts = {"cash": "1", "fees": "0", "depth": "1", **words}
    strategy = amounts.pop("strategy", "maker")
    params = amounts.pop("param", [])
    others = {name: amounts.pop(name) for name in ("queue", "latency", "feed", "seed")
              if name in amounts}  # fmt: skip
    with pytest.raises(UsageError, match=re.escape(why)) as caught:
        resolved(strategy, ["sim:7"], params, None, others, amounts)
    assert caught.value.todo


@pytest.mark.parametrize(
    "option", [("--random", "-3"), ("--workers", "-1"), ("--workers", "x"), ("--random", "1e9")]
)
def test_numbers_of_processes_and_runs_have_bounds(option, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["run", "probe", "--data", "sim:5:1s", *option])
    assert done.exit_code == 2 and option[0] in done.output
    assert not (tmp_path / "runs").exists()


def test_several_strategies_are_named_once_each():
    assert Plan("maker, maker,probe").names() == ["maker", "probe"]
    names = Plan("maker,arbitrage,bundle").names()
    assert names[0] == "maker" and names.count("bundle") == 1 and "implication" in names


def test_a_run_names_the_command_that_makes_it_again(command, tmp_path):
    """Every option that changes a figure is in it, in words that a shell takes apart rightly."""
    first = command("run", "probe", "--data", "sim:5:8s", "-p", "one_in=30", "-p", "hold_s=2",
                    "--cash", "1234.5", "--fees", "2", "--depth", "0.5", "--feed", "20ms",
                    "--queue", "share", "--latency", "drawn:300ms", "--seed", "11", "--no-check",
                    "--random", "1", "--workers", "1", "--json")  # fmt: skip
    words = shlex.split(recordfile.read(tmp_path / first["folder"]).meta.command)
    assert words[:3] == ["dutchbook", "backtest", "run"]
    again = command(*words[2:], "--workers", "1", "--json")
    assert again["digest"] == first["digest"] and again["run"] != first["run"]
    one, two = (recordfile.read(tmp_path / run["folder"]) for run in (first, again))
    assert two.meta.command == one.meta.command and two.variants == one.variants


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"cities": ["a b", "c"], "n": [1, 2]}, ["cities=a b,c", "n=1,2"]),
        ({"on": True, "text": "7", "word": "it's"}, ["on=true", 'text="7"', "word=it's"]),
    ],
)
def test_parameters_come_back_from_the_command_as_they_were(params, shown):
    words = shlex.split(again.command(Plan("probe", ("a b.csv",), {"probe": params})))
    given = [words[n + 1] for n, word in enumerate(words) if word == "--param"]
    assert given == shown and words[words.index("--data") + 1] == "a b.csv"
    read = {name: one[0] if len(one) == 1 else one for name, one in sweep.axes(given).items()}
    assert read == params


def test_what_is_shown_again_has_the_figures_that_were_written(command, tmp_path):
    """Also where the seed of the report's chance is not the usual one."""
    first = command("run", "probe", "--data", "sim:5:8s", "-p", "one_in=30", "-p", "hold_s=2",
                    "--seed", "11", "--no-check", "--json")  # fmt: skip
    folder = tmp_path / first["folder"]
    written = json.loads((folder / "report.json").read_text())
    assert written["seed"] == 11
    assert command("show", "last", "--json")["summary"] == first["summary"] == written["summary"]
    page = (folder / "report.html").read_text()
    command("report", "last", "--json")
    assert json.loads((folder / "report.json").read_text()) == written
    assert (folder / "report.html").read_text() == page


def test_data_that_can_not_be_is_refused():
    with pytest.raises(UsageError, match="no venue 'mars'"):
        load(["sim:7"], "mars")
    with pytest.raises(UsageError, match="lasts no time"):
        load(["sim:7:0s"])


def test_an_unknown_strategy_is_told_the_names_once_each():
    names = known()
    assert len(names) == len({*names}) and {"maker", "bundle", "probe"} <= {*names}
    tape = generated(7, Ns(SECOND))
    for name in names:
        session_of(Plan(name), tape)
    with pytest.raises(UsageError, match="no strategy 'makr'"):
        session_of(Plan("makr"), tape)


def test_people_read_dollars_and_programs_millionths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["sweep", "maker", "-a", "spread=20000", "--data", "sim:5:20s", "--workers", "1"]
    found = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout.splitlines()[-1])
    net = found["variants"][0]["net"]
    assert net
    shown = f"{'-' * (net < 0)}${abs(net) / 1e6:,.2f}"
    assert f"net {shown}  " in CliRunner().invoke(app, words).stdout


def test_a_parameter_that_there_is_not_is_answered_with_those_that_there_are():
    with pytest.raises(ConfigError, match="nosuch") as told:
        session_of(Plan("maker", params={"maker": {"nosuch": 1}}), TAPE)
    assert "spread_volatile" in str(told.value)


def test_a_stress_that_was_played_is_told_with_its_value():
    """The verdict asks for 2x fees and 1 s of latency by value, not by name."""
    from dutchbook.report.metrics import document

    plan = Plan("probe", ("sim:5:2s",), {"probe": {"one_in": 30, "hold_s": 1}})
    tape = generated(5, Ns(2 * SECOND))
    asked = sweep.stress(plan)
    played = pool.run_all([one for _, _, one in asked], tape, workers=1)
    found = [sweep.variant(kind, label, one)
             for (kind, label, _), one in zip(asked, played, strict=True)]  # fmt: skip
    assert [(v.kind, v.value) for v in found] == [
        ("fees", 500_000), ("fees", 2_000_000), ("latency", 0), ("latency", SECOND),
        ("depth", 500_000),
    ]  # fmt: skip
    drawn = replace(plan, latency="drawn:1s")
    assert sweep.variant("latency", "drawn", pool.one(drawn, tape)).value is None
    record = Story(40, 20).record()
    rich = tuple(replace(one, net=10**9) for one in found)
    verdict = document(replace(record, variants=rich))["verdict"]
    assert verdict.startswith("edge survives 2× fees and 1 s latency")


def test_a_damaged_run_is_named_and_the_others_are_listed(tmp_path, command):
    command("run", "probe", "--data", "sim:5:1s", "--no-check", "--json")
    (tmp_path / "runs/0-torn").mkdir()
    (tmp_path / "runs/0-torn/record.json").write_text("{")
    found = command("list", "--json")
    assert len(found["runs"]) == 1 and found["broken"] == ["0-torn"]
    said = command("show", "0-torn", code=1)
    assert "0-torn/record.json is no record" in said and "To do: remove its directory" in said


@pytest.mark.parametrize("place", ["/proc/nothing", "file", "file/under"])
def test_a_place_that_can_not_hold_runs_is_refused_before_the_work(tmp_path, command, place):
    (tmp_path / "file").write_text("")
    said = command("run", "probe", "--data", "sim:5:1s", "--runs", place, code=2)
    assert f"runs can't be kept in {place}" in said and "--runs" in said


@pytest.mark.parametrize("given", ["one_in=0", "one_in=-5", f"one_in={10**26}", "hold_s=-1"])
def test_dice_that_can_not_be_thrown_are_refused(command, given):
    said = command("run", "probe", "--data", "sim:5:1s", "-p", given, code=4)
    assert "parameters of probe" in said


def test_the_seed_of_a_run_is_that_of_its_dice(command):
    """Else random entry would be one draw, whatever seed is given."""
    data = ("--data", "sim:5:4s", "--no-check", "-p", "one_in=30", "--json")
    seeds = [command("run", "probe", *data, "--seed", str(n))["digest"] for n in (1, 2, 1)]
    assert seeds[0] == seeds[2] != seeds[1]
    found = command("montecarlo", "probe", "--data", "sim:5:4s", "-n", "3", "--workers", "1",
                    "-p", "one_in=30", "--json")  # fmt: skip
    assert len({*found["digests"]}) == 3
