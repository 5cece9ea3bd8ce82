"""Terms of settlement: what each clause is read as, and that silence is never agreement."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.match.claim import claim
from dutchbook.match.rules import read_rules
from dutchbook.match.settlement import settlement
from dutchbook.match.terms import Stated
from made_pairs import implied, opposites, settlements
from recorded import recorded

READ = [
    ("If the game ends in a tie, the market will resolve to $0.50.", ("tie", "0.50", "")),
    ("If the match is cancelled, all markets resolve to a fair price.",
     ("cancelled", "fair price", "")),
    ("If the game is not started within 48 hours, it will resolve to a fair market price.",
     ("postponed too long", "fair price", "48 h")),
    ("If postponed, the market will remain open and close after the game (within two weeks).",
     ("postponed", "waits", "336 h")),
    ("If a winner has not been declared by July 31, 2031, this market will resolve to “Other”.",
     ("undecided", "NO", "2031-07-31")),
    ("If it becomes impossible for a team to win, the market will resolve to “No”.",
     ("eliminated", "NO", "")),
    ("If a player withdraws after the match has started, that player will resolve to No.",
     ("retired", "NO", "")),
    ("If nobody resigns by May 1, 2031, this market will resolve to “None before May”.",
     ("nobody by then", "NO", "2031-05-01")),
    ("An announcement of a departure by then will immediately resolve this market to “Yes”.",
     ("announced", "YES", "")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ)
def test_one_clause(text: str, expected: tuple[str, str, str]) -> None:
    assert read_rules(text).pays == (expected,)


def test_two_clauses_that_contradict_are_unclear() -> None:
    text = "If it is cancelled, it resolves to No. If it is cancelled, it resolves 50-50."
    assert read_rules(text).pays[0][1] == "unclear"
    assert settlement(text, text).settles == "unknown"


def test_index_average_and_hour_part_from_a_candle_at_noon() -> None:
    """The same price in two titles; five terms of settlement say it is not."""
    a = "The simple average of CF Benchmarks' BRTI in the minute before 5 PM EDT is above 60000."
    b = "The Binance 1 minute candle at 12:00 PM ET has a close above 60000."
    verdict = settlement(a, b)
    assert verdict.settles == "differs"
    assert [part.state for part in verdict.parts] == ["source", "method", "hour"]


@given(st.text(max_size=3_000), st.text(max_size=3_000))
def test_any_text_is_read_and_symmetric(a: str, b: str) -> None:
    one, two = settlement(a, b), settlement(b, a)
    assert one.settles == two.settles
    assert [(p.state, p.a, p.b) for p in one.parts] == [(p.state, p.b, p.a) for p in two.parts]


def test_made_settlements() -> None:
    """Every made pair of rule texts gets its verdict and names where the two part."""
    rows = settlements()
    assert len(rows) >= 80
    for a, b, expected, state in rows:
        verdict = settlement(a, b)
        assert verdict.settles == expected, (a, b, verdict)
        named = [part.state for part in verdict.parts] + list(verdict.open)
        assert state in named or not state, (a, b, verdict)


def test_made_claims() -> None:
    """Nothing made is falsely same, opposite or implied; nine of ten are told what they are."""
    rows = opposites() + implied()
    assert len(rows) >= 150
    told = 0
    for a, b, expected in rows:
        verdict = claim(Stated(a), Stated(b))
        if verdict.claim in ("same", "opposite", "implies"):
            assert verdict.claim == expected, (a, b, verdict.why)
        if expected == "implies" and verdict.claim == "implies":
            assert verdict.first == "a", (a, b)
        told += verdict.claim == expected or expected == "not same"
    assert told / len(rows) >= 0.9


def test_recorded_rules_are_never_the_same_as_a_text_with_another_payout() -> None:
    """A recorded text against itself with a fair price made 50-50: it differs or is unknown."""
    import json

    from dutchbook.match.rules import RULES_MAX

    text = recorded("kalshi/recorded/events_sports_nested.json").read_text(encoding="utf-8")
    rules = {
        "\n".join((market["rules_primary"], market.get("rules_secondary", "")))
        for event in json.loads(text)
        for market in event["markets"]
    }
    assert rules
    for one in sorted(rules):
        other, changed = re.subn(r"a fair (?:market )?price", "$0.50", one)
        if changed and len(one) < RULES_MAX:
            assert settlement(one, other).settles == "differs", one
