"""A person's decisions: kept with who, when and what was read; changed texts need a new one."""

from pathlib import Path

import msgspec

from dutchbook.domain.events import LinkProposed, OperatorAsked
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.engine.view import WorldView
from dutchbook.runtime.links import Entry, read_entries, read_links, write_entries
from dutchbook.runtime.pairs import Pair, decided, find_pairs, may_be_approved, plain, review
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.graph import Graph
from dutchbook.state.world import World

RULES = "Source: the Associated Press. If the race is cancelled, the market resolves to No."
PRESS = "The source is the Associated Press. If cancelled, this market will resolve to “No”."


def market(key: str, title: str, rules: str = RULES, outcome: str = "Yes") -> Instrument:
    venue, symbol = key.split(":")
    fees = FeeSchedule("none")
    return Instrument(key, venue, symbol, "e", title, outcome, CENT, fees, rules=rules)


K = market("kalshi:KXGOV-30-D", "Will Democratic win the governorship in Ohio?")
P = market("polymarket:0x1", "Will the Democrats win the Ohio governor race in 2030?", PRESS)
OTHERS = (
    market("kalshi:KXGOV-30-R", "Will Republican win the governorship in Ohio?"),
    market("polymarket:0x2", "Will the Democrats win the Utah governor race in 2030?", PRESS),
)


def stamp() -> tuple[str, str]:
    return "ann", "2030-01-02T03:04:05+00:00"


def only(entries: tuple[Entry, ...] = (), *markets: Instrument) -> Pair:
    (pair,) = find_pairs(markets or (K, P, *OTHERS), entries)
    return pair


def test_the_one_pair_is_found_with_both_verdicts() -> None:
    pair = only()
    assert (pair.id, pair.kind, pair.standing) == (f"pair:{K.key}={P.key}", "same", "undecided")
    assert pair.settles.settles == "same_settlement"
    shown = plain(pair)
    assert shown["agree"] and shown["titles"] == [K.title, P.title]


def test_a_yes_is_kept_with_who_when_and_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "links.json"
    review([only()], (), lambda _: "y", lambda held: write_entries(path, held), stamp)
    (entry,) = read_entries(path)
    assert (entry.approved, entry.decision, entry.who, entry.at) == (True, "yes", *stamp())
    assert entry.rules == only().digest
    proposed, asked = read_links(path, "links file")
    assert isinstance(proposed, LinkProposed) and isinstance(asked, OperatorAsked)
    assert only(read_entries(path)).standing == "yes"


def test_a_changed_rule_text_withdraws_the_approval_and_asks_again(tmp_path: Path) -> None:
    """The old decision stays readable as version 1; the new one is version 2."""
    path = tmp_path / "links.json"
    review([only()], (), lambda _: "y", lambda held: write_entries(path, held), stamp)
    changed = msgspec.structs.replace(P, rules=PRESS + " A tie resolves to No.")
    pair = only(read_entries(path), K, changed)
    assert pair.standing == "changed"
    review([pair], read_entries(path), lambda _: "q", lambda held: write_entries(path, held), stamp)
    assert not read_entries(path)[0].approved
    again = decided(pair, True, *stamp())
    assert (again.version, again.approved) == (2, True)


def test_a_run_does_not_use_an_approval_of_other_texts(tmp_path: Path) -> None:
    path = tmp_path / "links.json"
    write_entries(path, (decided(only(), True, *stamp()),))
    graph, world = Graph(), World(FreshLimits())
    for event in read_links(path, "links file"):
        if isinstance(event, LinkProposed):
            assert graph.propose(event) == ""
        else:
            assert isinstance(event, OperatorAsked) and graph.ask(event) == ""
    view = WorldView(world, graph)
    assert view.approved() == []
    world.instruments.update({K.key: K, P.key: P})
    assert [link.id for link in view.approved()] == [f"pair:{K.key}={P.key}"]
    world.instruments[P.key] = msgspec.structs.replace(P, rules="Something else.")
    assert view.approved() == []


def test_no_and_skip_and_nothing_is_asked_twice(tmp_path: Path) -> None:
    kept: list[tuple[Entry, ...]] = []
    entries = review([only()], (), lambda _: "s", kept.append, stamp)
    assert entries == () and kept == []
    entries = review([only()], (), lambda _: "n", kept.append, stamp)
    assert [(e.approved, e.decision) for e in entries] == [(False, "no")]
    write_entries(tmp_path / "links.json", entries)
    asked = read_links(tmp_path / "links.json", "links file")[-1]
    assert isinstance(asked, OperatorAsked) and asked.verb == "revoke"

    def never(_: Pair) -> str:
        raise AssertionError("asked again")

    assert review([only(entries)], entries, never, kept.append, stamp) == entries


def test_a_known_difference_of_settlement_is_not_approved_by_a_yes() -> None:
    other = "The source is the Associated Press. If cancelled, this market resolves 50-50."
    pair = only((), K, msgspec.structs.replace(P, rules=other))
    assert pair.settles.parts[0].state == "cancelled"
    assert "settle differently" in may_be_approved(pair)
    assert not decided(pair, True, *stamp()).approved
    assert "cancelled: NO | 0.50" in pair.evidence


def test_what_the_texts_leave_open_is_approved_only_as_a_persons_own_verdict() -> None:
    silent = msgspec.structs.replace(P, rules="The Democrats win: this market pays.")
    entry = decided(only((), K, silent), True, *stamp())
    assert (entry.approved, entry.settles) == (True, "person")
    unread = only((), K, msgspec.structs.replace(P, rules=""))
    assert may_be_approved(unread) == "a rule text is missing"
    assert not decided(unread, True, *stamp()).approved


def test_the_commands(tmp_path: Path) -> None:
    """`lab equivalence` on a file of made pairs; a file that can't be read is named, with line."""
    import json

    from typer.testing import CliRunner

    from dutchbook.cli.lab import app
    from dutchbook.domain.errors import UsageError
    from made_pairs import implied

    path = tmp_path / "pairs.jsonl"
    rows = [{"a": {"title": a}, "b": {"title": b}, "claim": c} for a, b, c in implied()]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    done = CliRunner().invoke(app, ["equivalence", "--pairs", str(path), "--json"])
    found = json.loads(done.stdout.splitlines()[-1])
    assert (found["pairs"], found["false_same"], found["errors"]) == (len(rows), 0, [])
    path.write_text('{"a": 1}', encoding="utf-8")
    done = CliRunner().invoke(app, ["equivalence", "--pairs", str(path)])
    assert isinstance(done.exception, UsageError) and "line 1" in done.exception.what


def test_implication_puts_the_narrower_first_whatever_the_venue() -> None:
    a = market("kalshi:A", "Will Ida Berg resign before 2032?")
    b = market("polymarket:B", "Will Ida Berg resign before June 2031?", PRESS)
    pair = only((), a, b)
    assert (pair.kind, pair.members) == ("implies", (b.key, a.key))


def test_one_title_for_two_meetings_is_told_apart_by_the_close() -> None:
    """A bank decides every six weeks; only markets that close together may be one."""
    day = 86_400 * 10**9
    a = msgspec.structs.replace(market("kalshi:A", "Bank of Oslo decision: Cut?"), closes=day * 100)
    b = msgspec.structs.replace(market("polymarket:B", "Bank of Oslo decision: Cut?"), closes=day)
    near = msgspec.structs.replace(b, closes=day * 101)
    assert find_pairs((a, b)) == []
    assert find_pairs((a, b), every=True)[0].verdict.claim == "unknown"
    assert only((), a, near).kind == "same"
