"""A recorded run seen through opps, verify and why: what a person reads, what a program gets."""

import json
import sys

import pytest

from dutchbook.cli import main
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    Envelope,
    FeedDown,
    GridChanged,
    InstrumentListed,
    LinkProposed,
    OperatorAsked,
    RunStarted,
    TimerFired,
)
from dutchbook.domain.instrument import MILL
from dutchbook.domain.step import Closed, Opened, Step
from dutchbook.domain.units import MILLI, ONE
from dutchbook.optimize.prove import certificate_json, prove
from dutchbook.runtime.rederive import rederive
from dutchbook.storage.reader import read_steps
from dutchbook.storage.store import Store
from unit.proof.market import NOW, POLY, A, B, World, basket, bundle, cents, market, pair, same

STREAM = {A: "kalshi.book", B: "polymarket.market.0"}
RULES = {
    A: "Resolves YES if the Fed cuts in March.",
    B: "Resolves YES if the Fed cuts by March 31.\x1b[2J",
}


class Bought(World):
    """A view whose book seqs are where the record has the books' last changes."""

    def book(self, key, outcome):
        return (int(key == B), 2, {A: 7, B: 8}[key])


def certificate(run="r1", at=8):
    """YES of A at 40 cents (a Kalshi book), NO of B at 50 (a YES bid at 50 in book 1 of B)."""
    offers = {(A, "yes"): cents((40, 10), (41, 5)), (B, "no"): cents((50, 10))}
    world = Bought([market(A), market(B)], offers)
    world.now, world.seq, world.run = NOW + at * MILLI, at, run
    return prove(basket(pair("cross_venue", ((A, "yes"), (B, "no")), same()), world), world)


def levels(key, *rows, snapshot=True):
    return BookLevels(key, int(key == B), STREAM[key], snapshot, False, list(rows))


EVENTS = [
    RunStarted("r1", "sim", 7, "0.1.0", "{}"),
    LinkProposed(same()),
    OperatorAsked("me", "approve", ("l1", "3")),
    InstrumentListed(market(A, rules=RULES[A], title="Fed cuts in \x1b[31mMar?")),
    InstrumentListed(market(B, rules=RULES[B])),
    levels(A, (BID, 300_000, ONE), (ASK, 450_000, ONE)),
    levels(A, (BID, 300_000, ONE), (ASK, 400_000, 10 * ONE), (ASK, 410_000, 5 * ONE)),
    levels(B, (BID, 500_000, 10 * ONE), (ASK, 600_000, ONE)),
    TimerFired("tick"),
]


@pytest.fixture
def run(tmp_path):
    """A data directory: two books come, an opportunity opens at seq 8 and closes at seq 9."""
    write(
        tmp_path,
        EVENTS,
        {
            8: (Opened("o8-1", certificate()),),
            9: (Closed("o8-1", "gone", NOW + 8 * MILLI, 75_000),),
        },
    )
    funnel = {"seen": 12, "matched": 3, "fresh": 3, "gross": 2, "net": 1, "depth": 1, "sized": 1}
    numbers = {"gross": 30_000, "fees": 27_464, "net": 2_536, "need": 20_000, "short": 17_464}
    rejected = [{"key": f"complement:{A}", "kind": "complement", "stage": "net", "at": NOW}]
    rejected[0] |= {"reason": "fees eat the edge", "numbers": numbers}
    status = {"funnel": funnel, "reasons": {"too thin": 1, "fees eat the edge": 4}}
    (tmp_path / "status.json").write_text(json.dumps(status | {"rejected": rejected}))
    return tmp_path


def write(root, events, notes=None):
    store = Store.open(root, background=False)
    for seq, event in enumerate(events, 1):
        envelope = Envelope(seq, NOW + seq * MILLI, event)
        store.append(Step(envelope, (), (notes or {}).get(seq, ())))
    store.commit()
    store.close()


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line; returns (exit code, standard output, standard error)."""

    def run_it(*words):
        monkeypatch.setattr(sys, "argv", ["dutchbook", *map(str, words)])
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run_it


def test_an_exported_certificate_verifies_alone_and_with_the_tape(run, call, tmp_path):
    """opps show ID --json > c.json && verify c.json, in both forms, with directory or file."""
    for form in (("--json",), ("--json", "--certificate"), ("--certificate",)):
        code, text, _ = call("opps", "show", "o8-1", "--data-dir", run, *form)
        assert code == 0
        path = tmp_path / "c.json"
        path.write_text(text)
        assert call("verify", path)[:2] == (0, "proved (alone): cross_venue, worst profit $0.73\n")
        assert call("verify", path, "--tape", run)[0] == 0
        [tape] = (run / "tape").glob("*.tape")
        code, text, _ = call("verify", path, "--tape", tape, "--json")
        assert (code, json.loads(text)) == (
            0,
            {"proved": True, "checked": "with tape", "problems": []},
        )


def test_an_altered_certificate_exits_1_and_names_what_is_wrong(run, call, tmp_path):
    document = json.loads(call("opps", "show", "o8-1", "--data-dir", run, "--json")[1])
    document["certificate"]["legs"][0]["fills"][0]["px"] -= 10_000
    path = tmp_path / "c.json"
    path.write_text(json.dumps(document))
    code, text, err = call("verify", path, "--json")
    assert code == 1 and not json.loads(text)["proved"]
    assert "cost is wrong" in err and "not proved" in err
    path.write_text("{")
    assert call("verify", path)[0] == 1
    assert call("verify", tmp_path / "absent.json")[0] == 2
    path.write_text("[" * 100_000)
    code, _, err = call("verify", path)
    assert code == 1 and "defect" not in err


def test_the_list_shows_one_line_and_nothing_that_a_terminal_obeys(run, call):
    code, text, _ = call("opps", "--data-dir", run)
    head, line = text.splitlines()
    assert code == 0 and head.split()[:3] == ["id", "kind", "event"]
    for part in ("o8-1", "cross_venue", "kalshi FED-MAR YES 40.0¢ x 10", "+7.30", "closed: gone"):
        assert part in line
    assert "\x1b" not in text
    [row] = json.loads(call("opps", "list", "--data-dir", run, "--json")[1])["opportunities"]
    assert (row["gross"], row["fees"], row["net"], row["size"]) == (
        100_000,
        27_000,
        73_000,
        10 * ONE,
    )
    assert (row["age"], row["edge"], row["capital"]) == (MILLI, 73_000, 9_270_000)
    assert call("opps", "--data-dir", run, "--csv")[1].count("\n") == 2
    assert call("opps", "--data-dir", run, "--sort", "luck")[0] == 2
    assert call("opps", "--data-dir", run / "none")[0] == 2


def test_show_explains_every_level_and_puts_the_rules_side_by_side(run, call):
    code, text, _ = call("opps", "show", "o8-1", "--data-dir", run)
    assert code == 0 and "\x1b" not in text
    for part in (
        "10 at 40¢ = $4 and fee $0.168",
        "= $4.17, rounded up to the next $0.01",
        f"{A} YES, {B} YES: pays $10, profit $0.73",
        "link l1 version 3: same",
        "-$9.27  kalshi:FED-MAR NO, polymarket:0xfed YES",
        "*in* *March.*",
        "*by* *March*",
        "*31.\\x1b[2J*",
    ):
        assert part in text, part
    assert call("opps", "show", "o9-9", "--data-dir", run)[0] == 2


def test_why_prints_the_funnel_and_what_would_flip_a_market(run, call):
    code, text, _ = call("why", "--data-dir", run)
    assert code == 0
    assert "seen 12 → matched 3 → fresh books 3 → gross edge>0 2 → net of fees 1" in text
    assert "fees eat the edge 4 · too thin 1" in text
    code, text, _ = call("why", "fed-mar", "--data-dir", run)
    assert "passes when its legs together get 1.7464¢ cheaper after fees" in text
    answer = json.loads(call("why", "fed-mar", "--data-dir", run, "--json")[1])
    assert answer["rejected"][0]["stage"] == "net"
    assert call("why", "nobody", "--data-dir", run)[0] == 2
    assert call("why", "--data-dir", run / "none")[0] == 2


def problems(tmp_path, events, **change):
    write(tmp_path, events)
    return rederive(certificate_json(certificate()) | change, read_steps(tmp_path))


def test_the_record_refuses_a_fill_that_was_not_on_offer(tmp_path):
    """One contract less at the best price; the level is gone; the size was there only later."""
    less = [*EVENTS]
    less[7] = levels(B, (BID, 500_000, 9 * ONE), (ASK, 600_000, ONE))
    [said] = problems(tmp_path, less)
    assert "10000000 at 500000 was not on offer, only 9000000" in said


@pytest.mark.parametrize(
    ("place", "event", "said"),
    [
        (8, FeedDown("kalshi.book", "reset"), "stale after a lost feed"),
        (8, levels(A, (ASK, 400_000, ONE), snapshot=False), "last change was seq 9"),
        (8, RunStarted("r2", "sim", 7, "0.1.0", "{}"), "the run was 'r2'"),
    ],
)
def test_the_record_refuses_what_the_books_were_not(tmp_path, place, event, said):
    events = [*EVENTS[:place], event]
    found = problems(tmp_path, events, seq=9, at=NOW + 9 * MILLI)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("place", "event", "said"),
    [
        (1, LinkProposed(same(confidence=1)), "knows no such link"),
        (2, OperatorAsked("me", "approve", ("l1", "2")), "version 3 was not approved"),
        (2, OperatorAsked("me", "revoke", ("l1",)), "version 3 was not approved"),
        (3, InstrumentListed(market(A, fees=POLY)), "terms were others: fees"),
        (3, InstrumentListed(market(A, settles=5, lot=7)), "terms were others: lot, settles"),
        (5, GridChanged(A, MILL), "terms were others: grid"),
    ],
)
def test_the_record_refuses_terms_and_links_that_were_others(tmp_path, place, event, said):
    events = [*EVENTS]
    events[place] = event
    found = problems(tmp_path, events)
    assert any(said in problem for problem in found), found


def test_the_record_refuses_an_event_described_otherwise(tmp_path):
    """The venue never said that these outcomes were all that there are."""
    proof = bundle("yes")
    events = [RunStarted("r1", "sim", 7, "0.1.0", "{}"), TimerFired("tick")]
    write(tmp_path, events)
    found = rederive(proof | {"seq": 2}, read_steps(tmp_path))
    assert "polymarket:who: the venue described this event otherwise" in found


def test_the_record_refuses_another_time_and_a_seq_that_it_does_not_reach(tmp_path):
    [said] = problems(tmp_path / "a", EVENTS, at=NOW)
    assert "was at" in said
    [said] = problems(tmp_path / "b", EVENTS[:3])
    assert said == "the record does not reach seq 8"
