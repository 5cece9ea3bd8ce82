"""Risk and hedges of a running account: what is read, what comes back, what the terminal shows."""

import json
from types import SimpleNamespace

import pytest
from bench.orders_world import NOW, crowded
from typer.testing import CliRunner

from dutchbook.cli import ask as asking
from dutchbook.cli.position import app
from dutchbook.domain.account_events import OrderFilled
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import LinkProposed, OperatorAsked
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, Px, Qty, Usd
from dutchbook.execution.config import Config
from dutchbook.execution.desk import Desk
from dutchbook.runtime.answers import answer
from dutchbook.runtime.riskview import MARKETS_MAX, holdings_of
from dutchbook.state.graph import Graph


class Running:
    """A live run as far as it is read here: every market at 28 bid, 30 offered, YES and NO."""

    def __init__(self, *groups, links=(), listed=()):
        gate, self.account, view, _ = crowded(0)
        self.desk = Desk(self.account, gate, Config(), {"kalshi": "us"})
        keys = [key for group in groups for key in group.members]
        graph = Graph()
        for link in links:
            graph.propose(LinkProposed(link))
            graph.ask(OperatorAsked("ann", "approve", (link.id, str(link.version))))
        view.bids = lambda key, outcome, levels: [(Px(280_000), Qty(ONE))]
        world = SimpleNamespace(instruments={}, groups={group.key: group for group in groups})
        for key in (*keys, *listed):
            world.instruments[key] = view.instrument(key)
        trading = SimpleNamespace(account=self.account)
        self.engine = SimpleNamespace(world=world, graph=graph, view=view, trading=trading)
        self.house = SimpleNamespace(settings=SimpleNamespace(seed=3))
        self.seq = 10

    def buys(self, key, outcome="yes", qty=10, px=300_000):
        self.seq += 1
        self.desk.at(NOW, self.seq)
        market = self.engine.view.instrument(key)
        order = self.desk.order(market, outcome, "buy", px, qty * ONE, "leg")
        self.account.record(SubmitOrder(order), NOW)
        fill = OrderFilled("kalshi", "us", order.id, "", order.id, key, outcome, "buy", Px(px),
                           Qty(qty * ONE), Usd(0), False, NOW)  # fmt: skip
        self.account.apply(fill, NOW, self.seq)
        return self

    def ask(self, name):
        found = answer(self, name)
        return found() if callable(found) else found


def event(name="00", count=3, **claims):
    """The event that the markets kalshi:Xnn0, kalshi:Xnn1 ... of the busy account are in."""
    keys = tuple(f"kalshi:{letter}{name}0" for letter in "XYZW"[:count])
    return EventGroup(f"kalshi:E{name}", "kalshi", f"event {name}", keys, **claims)


def test_one_event_exclusive_and_exhaustive():
    """YES of two of three outcomes at 30 each; mids of 29 scale to a third each."""
    run = Running(event(exclusive=True, exhaustive=True))
    found = run.buys("kalshi:X000").buys("kalshi:Y000").ask("risk")
    assert (found["cost"], found["worst_loss"], found["best_profit"]) == (6 * ONE, 6 * ONE, 4 * ONE)
    (row,) = found["events"]
    assert row["event"] == "event 00" and row["markets"] == ("kalshi:X000", "kalshi:Y000")
    assert [tail["var"] for tail in found["tails"]] == [6 * ONE, 6 * ONE]
    assert found["mean"] == round((0.58 * 10 - 6) * ONE) and found["draws"] == 0


def test_events_stand_by_themselves_and_add_up():
    run = Running(event("00", exclusive=True), event("01", exclusive=True))
    found = run.buys("kalshi:X000", qty=20).buys("kalshi:X010").ask("risk")
    assert [row["event"] for row in found["events"]] == ["event 00", "event 01"]
    assert [row["worst_loss"] for row in found["events"]] == [6 * ONE, 3 * ONE]
    assert found["worst_loss"] == 9 * ONE and found["equity"] == 100_000 * ONE


def test_an_approved_link_joins_events_and_reaches_further():
    groups = event("00", exclusive=True), event("01", exclusive=True)
    link = Link("l", "same", ("kalshi:X000", "kalshi:X010"), 1)
    run = Running(*groups, links=[link]).buys("kalshi:X000").buys("kalshi:X010", "no")
    held = holdings_of(run, run.account)
    assert set(held.reach) == {*groups[0].members, *groups[1].members}
    (row,) = run.ask("risk")["events"]
    assert row["event"] == "event 00 + event 01" and row["worst_loss"] == -4 * ONE
    assert row["misfit"] == 0


def test_a_market_that_nobody_quotes_or_lists_counts_at_cost():
    run = Running(event()).buys("kalshi:G990", px=300_000).buys("kalshi:X000", "no", px=300_000)
    run.engine.view.bids = lambda key, outcome, levels: []
    run.engine.view.offers = run.engine.view.bids
    found = run.ask("risk")
    assert found["unpriced"] == ["kalshi:G990", "kalshi:X000"]
    assert found["mean"] == 0 and found["worst_loss"] == 6 * ONE


def test_hedges_name_the_other_side():
    run = Running(event(exclusive=True)).buys("kalshi:X000")
    (first,) = run.ask("hedges")
    assert first["kind"] == "complement" and first["title"] == "event 00"
    assert first["before"] == 3 * ONE and first["covers"] == ("kalshi:X000",)
    assert first["reduced"] == first["before"] - first["after"] > 6 * ONE
    (leg,) = first["legs"]
    assert (leg["key"], leg["outcome"], leg["qty"]) == ("kalshi:X000", "no", 10 * ONE)


def test_reading_is_bounded():
    keys = tuple(f"kalshi:M{n:04d}" for n in range(MARKETS_MAX + 50))
    run = Running(listed=keys)
    read = []
    real = run.engine.view.offers
    run.engine.view.offers = lambda *place: read.append(place) or real(*place)
    run.engine.world.groups["kalshi:E00"] = EventGroup("kalshi:E00", "kalshi", "", keys, True)
    run.buys("kalshi:M0000")
    answer(run, "hedges")
    assert len(read) == 2 * MARKETS_MAX


def test_with_nothing_held_there_is_nothing_to_lose():
    run = Running(event())
    assert run.ask("hedges") == []
    found = run.ask("risk")
    assert found["events"] == [] and found["worst_loss"] == 0
    assert [tail["es"] for tail in found["tails"]] == [0, 0]


@pytest.fixture
def terminal(monkeypatch):
    """The commands against a run in this process; the answer goes through JSON as on the wire."""
    run = Running(event(exclusive=True)).buys("kalshi:X000").buys("kalshi:Y000")
    run.engine.world.instruments["kalshi:Y000"] = run.engine.view.instrument("kalshi:Y000")
    monkeypatch.setattr(
        asking, "question", lambda c, d, name: json.loads(json.dumps(run.ask(name)))
    )
    return CliRunner()


def test_the_terminal_shows_risk(terminal):
    shown = terminal.invoke(app, ["risk"], env={"COLUMNS": "140"})
    assert shown.exit_code == 0
    for word in ("event 00", "VaR 95", "ES 99", "$6.00", "all"):
        assert word in shown.stdout
    plain = json.loads(terminal.invoke(app, ["risk", "--json"]).stdout.splitlines()[-1])
    assert plain["worst_loss"] == 6 * ONE and len(plain["tails"]) == 2


def test_the_terminal_shows_hedges_of_all_or_of_one(terminal):
    shown = terminal.invoke(app, ["hedge"], env={"COLUMNS": "160"})
    assert shown.exit_code == 0 and "complement" in shown.stdout
    one = terminal.invoke(app, ["hedge", "kalshi:Y000", "--json"])
    rows = json.loads(one.stdout.splitlines()[-1])
    assert rows and all("kalshi:Y000" in row["covers"] for row in rows)
    none = terminal.invoke(app, ["hedge", "kalshi:Z000"])
    assert isinstance(none.exception, UsageError)
