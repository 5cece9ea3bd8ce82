"""Ladders within a venue: which rung implies which, on made titles and on recorded events."""

import json
from itertools import pairwise

from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.match.ladders import rungs
from dutchbook.runtime.links import Entry
from dutchbook.runtime.pairs import decided, find_ladders, may_be_approved
from recorded import recorded

RULES = (
    "If {} is above ${} on December 31, 2026, the market resolves to Yes. Source: CF Benchmarks."
)


def market(
    name: str, title: str, rules: str = "", event: str = "E", status: str = "open"
) -> Instrument:
    return Instrument(
        f"kalshi:{name}", "kalshi", name, event, title, "Yes", CENT, FeeSchedule("none"),
        rules=rules, status=status,  # type: ignore[arg-type]
    )  # fmt: skip


def bitcoin(level: str, event: str = "E", rules: str = RULES, **more: str) -> Instrument:
    title = f"Will Bitcoin be above ${level} on December 31, 2026?"
    return market(f"B{level}{event}", title, rules.format("Bitcoin", level), event, **more)


def steps(*markets: Instrument) -> list[tuple[str, str, str]]:
    return [(r.a.symbol, r.b.symbol, r.settles.settles) for r in rungs(markets)]


def test_a_higher_threshold_implies_the_next_lower_one_only() -> None:
    found = steps(*(bitcoin(level) for level in ("90,000", "110,000", "100,000")))
    assert found == [
        ("B100,000E", "B90,000E", "same_settlement"),
        ("B110,000E", "B100,000E", "same_settlement"),
    ]


def test_another_event_a_closed_market_or_another_subject_is_no_rung() -> None:
    assert steps(bitcoin("90,000"), bitcoin("100,000", event="F")) == []
    assert steps(bitcoin("90,000"), bitcoin("100,000", status="settled")) == []
    other = market("X", "Will Ethereum be above $100,000 on December 31, 2026?")
    assert steps(bitcoin("90,000"), other) == []


def test_rules_that_differ_in_more_than_the_threshold_are_not_one_template() -> None:
    """Another hour, or a number that is not the threshold: nobody has said that they are alike."""
    later = RULES.replace("December 31, 2026", "December 30, 2026")
    [found] = rungs([bitcoin("90,000"), bitcoin("100,000", rules=later)])
    assert found.settles.settles != "same_settlement"
    hidden = RULES + " A price of 5 counts."
    [found] = rungs([bitcoin("90,000", rules=hidden), bitcoin("100,000", rules=hidden[:-9] + "6.")])
    assert found.settles.settles != "same_settlement"


def test_an_earlier_deadline_implies_a_later_one() -> None:
    titles = [f"Will there be a ceasefire by {day}, 2026?" for day in ("June 30", "December 31")]
    rules = "Resolves to Yes if a ceasefire is announced by {}, 2026, according to Reuters."
    early, late = (
        market(f"C{n}", title, rules.format(day))
        for n, (title, day) in enumerate(zip(titles, ("June 30", "December 31"), strict=True))
    )
    [found] = rungs([late, early])
    assert (found.a.symbol, found.b.symbol) == ("C0", "C1")
    assert found.settles.settles == "unknown"
    assert all(part.state != "deadline" for part in found.settles.parts)


def test_who_wins_the_cup_was_in_the_final() -> None:
    titles = {
        "W": "Will Spain win the 2026 FIFA World Cup?",
        "F": "Will Spain reach the final of the 2026 FIFA World Cup?",
        "S": "Will Spain reach the semifinal of the 2026 FIFA World Cup?",
        "P": "Will Portugal reach the final of the 2026 FIFA World Cup?",
    }
    found = steps(*(market(name, title, event=name) for name, title in titles.items()))
    assert [(a, b) for a, b, _ in found] == [("F", "S"), ("W", "F")]


def test_a_rung_waits_for_a_person_like_every_pair() -> None:
    """Proposed with evidence; approved at these texts; withdrawn when one of them changes."""
    markets = [bitcoin("90,000"), bitcoin("100,000")]
    [pair] = find_ladders(markets)
    assert (pair.kind, pair.members, pair.standing) == (
        "implies", ("kalshi:B100,000E", "kalshi:B90,000E"), "undecided"
    )  # fmt: skip
    assert "one template of rules" in pair.settles.agree
    assert may_be_approved(pair) == ""
    entry: Entry = decided(pair, True, "ann", "2026-11-01")
    assert (entry.kind, entry.members, entry.approved) == ("implies", pair.members, True)
    assert find_ladders(markets, [entry])[0].standing == "yes"
    changed = [markets[0], bitcoin("100,000", rules=RULES + " Otherwise No.")]
    assert find_ladders(changed, [entry])[0].standing == "changed"


def test_on_recorded_events_every_rung_is_one_by_the_venues_own_strikes() -> None:
    """Kalshi's floor strikes are not read by the rules: they say which markets are neighbours."""
    from dutchbook.lab.census_report import _events
    from dutchbook.venues.kalshi.catalogue import Catalogue
    from dutchbook.venues.kalshi.config import Config

    catalogue, ladders = Catalogue(Config()), {}
    for name in ("events_mlb_props_nested.json", "events_sports_nested.json"):
        for event in _events(json.loads(recorded(f"kalshi/recorded/{name}").read_bytes())):
            catalogue.event(json.dumps(event).encode(), name)
            for one in event["markets"]:
                if one.get("floor_strike") is not None and one["status"] == "active":
                    whom = json.dumps(one.get("custom_strike"), sort_keys=True)
                    ladder = ladders.setdefault((event["event_ticker"], whom), [])
                    ladder.append((one["floor_strike"], f"kalshi:{one['ticker']}"))
    truth = {
        (high[1], low[1]) for ladder in ladders.values() for low, high in pairwise(sorted(ladder))
    }
    found = rungs(catalogue.instruments.values())
    mine = {(one.a.key, one.b.key) for one in found}
    assert len(truth) > 250
    assert mine == truth
    assert {one.settles.settles for one in found} == {"same_settlement"}
