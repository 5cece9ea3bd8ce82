"""Runs as their tables have them: a basket's profit by lots, its record, and the commands."""

import csv
import json
import sys
from typing import NamedTuple

import pytest

from dutchbook.cli import main
from dutchbook.domain.account_events import AccountSeen, OrderAcked, OrderFilled, Paid
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.events import RunStarted
from dutchbook.domain.orders import LegPlan, Order
from dutchbook.domain.step import BasketBegun, BasketMoved
from dutchbook.domain.units import DAY, ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.report import files, fromsql, metrics, recordfile, spans
from dutchbook.storage.reader import Recorded
from dutchbook.storage.sql.database import migrate, open_database
from dutchbook.storage.sql.projection import Projection

NOW = Ns(20_513 * DAY + 3_600 * SECOND)
A, B = "polymarket:0xa", "polymarket:0xb"


class Tale:
    """Steps of a journal, one after another."""

    def __init__(self):
        self.rows = []
        self.at = NOW
        self.say(RunStarted("r1", "sim", 7, "0", "", "e", (("polymarket", "us"),)))
        self.say(AccountSeen("polymarket", "us", NOW, Ns(0), Usd(1_000 * ONE), (), (), ()))

    def say(self, event=None, effects=(), notes=(), wait=SECOND):
        self.at = Ns(self.at + wait)
        n = len(self.rows) + 1
        self.rows.append(Recorded(n, self.at, event, tuple(effects), tuple(notes)))

    def order(self, name, key, outcome, action, px, qty, purpose="leg", basket=""):
        one = Order(
            name, "polymarket", "us", key, outcome, action, Px(px), Qty(qty), "ioc", self.at,
            purpose, basket=basket, strategy="bundle",
        )  # fmt: skip
        self.say(None, [SubmitOrder(one)])
        self.say(OrderAcked(name, f"v{name}"))
        return one

    def fill(self, one, px, qty, fee):
        self.say(
            OrderFilled(
                "polymarket", "us", one.id, f"v{one.id}", f"t{one.id}", one.key, one.outcome,
                one.action, Px(px), Qty(qty), Usd(fee), False, self.at,
            )
        )  # fmt: skip

    def basket(self, name, legs, promised):
        plans = tuple(LegPlan(k, o, Px(px), Qty(10 * ONE), f"{name}-{n}")
                      for n, (k, o, px) in enumerate(legs))  # fmt: skip
        begun = BasketBegun(
            name, f"o{name}", "bundle_yes", Qty(10 * ONE), Usd(ONE), Usd(10 * ONE), Usd(promised),
            plans, self.at, Usd(ONE), strategy="bundle", at=self.at,
        )  # fmt: skip
        self.say(None, (), [begun])

    def moved(self, name, stage, locked, why=""):
        self.say(None, (), [BasketMoved(name, stage, why, Usd(locked), (), {"qty": 10 * ONE})])


def paid(name, key, cash):
    """Ten YES of a market were redeemed."""
    return Paid("polymarket", "us", "redeem", name, Usd(cash), NOW, key, Qty(10 * ONE))


def tale():
    """A basket that is settled, one that breaks, one that is still open, and a person's order."""
    t = Tale()
    t.basket("b1", [(A, "yes", 450_000), (B, "yes", 500_000)], 400_000)
    t.fill(t.order("b1-0", A, "yes", "buy", 450_000, 10 * ONE, basket="b1"), 440_000, 10 * ONE,
           20_000)  # fmt: skip
    t.fill(t.order("b1-1", B, "yes", "buy", 500_000, 10 * ONE, basket="b1"), 500_000, 10 * ONE,
           30_000)  # fmt: skip
    t.moved("b1", "done", 550_000)
    t.say(paid("p1", A, 10 * ONE), wait=DAY)
    t.say(paid("p2", B, 0))
    t.basket("b2", [(A + "2", "no", 300_000), (B + "2", "no", 600_000)], 900_000)
    t.fill(t.order("b2-0", A + "2", "no", "buy", 300_000, 10 * ONE, basket="b2"), 300_000,
           10 * ONE, 10_000)  # fmt: skip
    sold = t.order("b2-9", A + "2", "no", "sell", 250_000, 10 * ONE, "unwind", "b2")
    t.fill(sold, 250_000, 10 * ONE, 10_000)
    t.moved("b2", "unwound", -520_000, "leg failed")
    t.basket("b3", [(A + "3", "yes", 400_000)], 500_000)
    t.fill(t.order("b3-0", A + "3", "yes", "buy", 400_000, 10 * ONE, basket="b3"), 400_000,
           10 * ONE, 0)  # fmt: skip
    t.moved("b3", "done", 500_000)
    t.basket("b4", [(A + "4", "yes", 400_000)], 500_000)
    t.moved("b4", "unwound", 0, "nothing filled")
    t.fill(t.order("m1", A + "5", "yes", "buy", 100_000, 10 * ONE, "manual"), 100_000, 10 * ONE, 0)
    return t


def tables(place, rows):
    engine = open_database(f"sqlite:///{place}")
    migrate(engine)
    fold = Projection()
    for row in rows:
        fold.fold(row)
    fold.write(engine)
    return engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data directory with tables in it."""
    root = tmp_path_factory.mktemp("data")
    (root / "journal").mkdir()
    tables(root / "dutchbook.db", tale().rows).dispose()
    return root


@pytest.fixture
def engine(folder):
    made = open_database(f"sqlite:///{folder / 'dutchbook.db'}")
    yield made
    made.dispose()


def test_a_run_becomes_a_record(engine):
    """+$0.55 settled, -$0.52 broken, $0.50 locked, a person's order at cost."""
    record = fromsql.read(engine, "paper", NOW, Ns(NOW + 3 * DAY))
    recordfile.check(record)
    found = {t.id: (t.ending, t.net, t.fees, t.leg_risk, t.broken) for t in record.trades}
    assert found == {
        "b1": ("settled", 550_000, 50_000, 0, False),
        "b2": ("unwound", -520_000, 20_000, 500_000, True),
        "b3": ("open", 500_000, 0, 0, False),
        "m1": ("open", 0, 0, 0, False),
    }
    by = {trade.id: trade for trade in record.trades}
    assert by["b1"].settlement == 550_000 and by["b1"].edge == 40_000
    assert [(leg.px, leg.exit_px) for leg in by["b1"].legs] == [(442_000, ONE), (503_000, 0)]
    ends = {market.key: market.resolution for market in record.markets}
    assert ends[A] == "yes" and ends[B] == "no" and ends[A + "3"] == "unknown"
    assert record.meta.capital == 1_000 * ONE
    assert [(row.name, row.n) for row in record.rejects] == [("nothing bought: nothing filled", 1)]
    doc = metrics.document(record)
    assert doc["summary"]["net"] == doc["summary"]["equity_change"] == 530_000
    assert doc["summary"]["unexplained"] == 0
    assert doc["honesty"]["beyond_top"] is None and doc["summary"]["broken"] == 1


def test_a_span_begins_with_what_was_earned_before_as_capital(engine):
    record = fromsql.read(engine, "paper", Ns(NOW + DAY + 12 * SECOND), Ns(NOW + 3 * DAY))
    assert record.meta.capital == 1_000 * ONE + 550_000
    assert {trade.id for trade in record.trades} == {"b2", "b3", "m1"}
    assert metrics.document(record)["summary"]["unexplained"] == 0


def test_days_weeks_and_months_are_sums_of_days(engine):
    whole = Ns(0), Ns(NOW + 9 * DAY)
    days = spans.calendar(engine, "day", *whole)
    assert [row["from"] for row in days] == ["2026-03-01", "2026-03-02"]
    assert sum(row["realised"] for row in days) == 30_000
    for each, names in (("week", ["2026-02-23", "2026-03-02"]), ("month", ["2026-03"])):
        rows = spans.calendar(engine, each, *whole)
        assert [row["from"] for row in rows] == names
        for name in spans.COUNTS:
            assert sum(row[name] for row in rows) == sum(row[name] for row in days)
    assert spans.calendar(engine, "day", Ns(NOW + 5 * DAY), Ns(NOW + 9 * DAY)) == []


def test_lots_of_the_tables_sum_to_the_ledger(engine):
    lots, differs = spans.lots_of(engine)
    assert differs == 0 and lots.cost() == 5 * ONE
    assert sum(one.gain for one in lots.disposals) == 30_000


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def dutchbook(capsys, monkeypatch):
    """Run a command as `python -m dutchbook` would, without a new process."""

    def run(*args, folder=None):
        more = ["--data-dir", str(folder)] if folder else []
        monkeypatch.setattr(sys, "argv", ["dutchbook", *args, *more])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


def test_the_commands_of_a_run(dutchbook, folder, tmp_path):
    page = tmp_path / "p.html"
    period = dutchbook("report", "period", "--since", "2026-03-01", "--until", "2026-03-04",
                       "--html", str(page), "--json", folder=folder)  # fmt: skip
    assert period.returncode == 0, period.stderr
    assert json.loads(period.stdout.splitlines()[-1])["summary"]["net"] == 530_000
    assert "+$0.53" in page.read_text()
    tax = dutchbook("report", "tax", "--year", "2026", "--out", str(tmp_path / "t.csv"), "--json",
                    folder=folder)  # fmt: skip
    answer = json.loads(tax.stdout.splitlines()[-1])
    assert (tax.returncode, answer["gain"], answer["rows"]) == (0, 30_000, 3), tax.stderr
    out = dutchbook("export", "ledger", "--out", str(tmp_path / "l.csv"), folder=folder)
    assert out.returncode == 0, out.stderr
    with (tmp_path / "l.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(float(r["amount"]) * ONE) for r in rows if r["asset"] == "USD") == 0
    days = dutchbook("report", "daily", "--since", "2026-03-01", "--json", folder=folder)
    assert len(json.loads(days.stdout.splitlines()[-1])["rows"]) == 2


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("report", "show", "nowhere"), 2, "holds no record"),
        (("report", "daily", "--last", "30x", "--data-dir", "nowhere"), 2, "no span of days"),
        (("report", "daily", "--since", "3/1/2026"), 2, "is no day"),
        (("export", "trades", "--out", "x", "--data-dir", "nowhere"), 2, "there is no record"),
    ],
)
def test_commands_say_what_is_wrong_by_their_exit_code(dutchbook, args, code, words):
    done = dutchbook(*args)
    assert done.returncode == code and words in done.stderr and "Traceback" not in done.stderr


def test_tables_of_another_version_are_not_read(dutchbook, tmp_path):
    (tmp_path / "journal").mkdir()
    done = dutchbook("report", "daily", folder=tmp_path)
    assert done.returncode == 4 and "dutchbook db upgrade" in done.stderr


def test_show_makes_the_report_of_a_directory_anew(dutchbook, engine, tmp_path):
    record = fromsql.read(engine, "paper", NOW, Ns(NOW + 3 * DAY))
    files.write_run(record, tmp_path)
    (tmp_path / "report.html").unlink()
    done = dutchbook("report", "show", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "verdict: " in done.stdout and (tmp_path / "report.html").is_file()
    calibration = dutchbook("report", "calibration", str(tmp_path), "--json")
    assert json.loads(calibration.stdout)["deciles"]["n"] == 2
