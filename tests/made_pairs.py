"""Pairs written by hand, in families: opposite, implied and alike claims; texts of settlement.

`python tests/made_pairs.py FILE` writes the claims as JSON lines for `dutchbook lab equivalence`.
"""

import json
import sys
from itertools import product
from pathlib import Path

NUMBERS = (("4,000", "5,000"), ("250", "300"), ("12", "13"))
COUNTED = ("flu cases in Norway in 2031", "rocket launches in 2031", "bills signed in 2031")


def opposites() -> list[tuple[str, str, str]]:
    """(a, b, claim): complements of open and closed ends, denials, two teams of one game."""
    rows = []
    for what, (low, high) in product(COUNTED, NUMBERS):
        rows += [
            (f"Will there be at least {low} {what}?", f"Will there be fewer than {low} {what}?",
             "opposite"),
            (f"Will there be more than {low} {what}?", f"Will there be {low} or fewer {what}?",
             "opposite"),
            (f"Will there be {low} or more {what}?", f"Will there be less than {low} {what}?",
             "opposite"),
            (f"Will there be at least {low} {what}?", f"Will there be {low} or fewer {what}?",
             "different"),
            (f"Will there be more than {low} {what}?", f"Will there be fewer than {low} {what}?",
             "different"),
            (f"Will there be at least {high} {what}?", f"Will there be fewer than {low} {what}?",
             "different"),
        ]  # fmt: skip
    for name in ("Ida Berg", "Olu Ade", "Mina Sato", "Pavel Novak", "Ana Cruz"):
        for event in (
            "resign in 2031",
            "be arrested before 2032",
            "win the 2031 Ohio governor race",
        ):
            rows.append((f"Will {name} {event}?", f"Will {name} not {event}?", "opposite"))
    for home, away in (("Boston", "Seattle"), ("Denver", "Miami"), ("Dallas", "Utah")):
        for league, claim in (("MLB", "opposite"), ("NBA", "opposite"), ("MLS", "")):
            teams = {"MLB": ("Boston", "Seattle"), "NBA": (home, away), "MLS": (home, away)}[league]
            one, two = teams
            rows.append((
                f"{one} vs {two} {league} game: Will {one} win?",
                f"{two} vs {one} {league} game: Will {two} win?",
                claim or "not same",
            ))  # fmt: skip
    return rows


def implied() -> list[tuple[str, str, str]]:
    """The first implies the second, or nearly does and must not be said to."""
    rows = []
    for what, (low, high) in product(COUNTED, NUMBERS):
        rows += [
            (f"Will there be at least {high} {what}?", f"Will there be at least {low} {what}?",
             "implies"),
            (f"Will there be more than {low} {what}?", f"Will there be at least {low} {what}?",
             "implies"),
            (f"Will there be fewer than {low} {what}?", f"Will there be fewer than {high} {what}?",
             "implies"),
            (f"Will there be between {low} and {high} {what}?",
             f"Will there be {low} or more {what}?",
             "implies"),
            (f"Will there be exactly {high} {what}?", f"Will there be more than {low} {what}?",
             "implies"),
            (f"Will there be exactly {low} {what}?",
             f"Will there be between {low} and {high} {what}?",
             "implies"),
        ]  # fmt: skip
    ends = ("before March 2031", "before June 2031", "before 2032", "by June 30, 2032")
    for n, early in enumerate(ends):
        for late in ends[n + 1 :]:
            rows.append(
                (f"Will Ida Berg resign {early}?", f"Will Ida Berg resign {late}?", "implies")
            )
    for asset, high in (("Bitcoin", "90,000"), ("Ethereum", "4,000"), ("gold", "5,000")):
        above = f"Will {asset} be above ${high} on May 20, 2031 at 5pm EDT?"
        rows += [
            (above, f"Will {asset} hit (HIGH) ${high} in May 2031?", "implies"),
            (above, f"Will {asset} hit (HIGH) ${high} in June 2031?", "not same"),
            (f"Will {asset} be below ${high} on May 20, 2031?",
             f"Will {asset} hit (LOW) ${high} in May 2031?", "implies"),
            (f"Will {asset} hit (LOW) ${high} in May 2031?",
             f"Will {asset} hit (HIGH) ${high} in May 2031?", "different"),
        ]  # fmt: skip
    for margin in ("5%", "10%"):
        rows.append((f"Will Olu Ade win the Ohio governor race by more than {margin}?",
                     "Will Olu Ade win the governorship in Ohio?", "implies"))  # fmt: skip
    return rows


SOURCE = {
    "league": ("Outcome verified by the governing body.", "The resolution source is the governing "
               "body or event organizer."),
    "press": ("Outcome verified from the Associated Press.", "Source: the Associated Press."),
    "index": ("The price is the average of CF Benchmarks' BRTI.", "The source is the Binance one "
              "candle close."),
}  # fmt: skip
CLAUSES: dict[str, dict[str, tuple[str, ...]]] = {
    "tie": {
        "0.50": ("If the game ends in a tie, the market will resolve to $0.50 for each team.",
                 "If the game is drawn, this market will resolve 50-50."),
        "NO": ("If it is a tie, the market resolves to No.", "In the event of a tie this market "
               "will resolve to “No”."),
        "tie-break": ("Ties go to the name that is first alphabetically.", "In case of a tie, the "
                      "name that comes first in alphabetical order wins."),
    },
    "cancelled": {
        "fair price": ("If the game is cancelled, the market resolves to a fair market price.",
                       "Should it be cancelled, this market will settle at a fair price."),
        "0.50": ("If the match is canceled, all markets resolve to $0.50.", "If the match is "
                 "canceled entirely, this market will resolve 50/50."),
        "last price": ("If the event is cancelled, it settles at the last traded price.", "Upon "
                       "cancellation the last traded price is paid."),
        "NO": ("If the match is cancelled, the market resolves to No.", "If cancelled, this market "
               "will resolve to “Other”."),
    },
    "postponed": {
        "two days": ("If the game is postponed, the market will remain open (within two days).",
                     "If postponed, this market stays open for a game within 48 hours."),
        "two weeks": ("If this match is delayed, the market will remain open (within two weeks).",
                      "A delayed match keeps the market: it stays open within 14 days."),
    },
    "absent": {
        "fair price": ("If the player is scratched, the market resolves to a fair price.",
                       "If the player does not play, this market will settle at a fair price."),
        "NO": ("If the player is inactive, the market resolves to No.",
               "If the player does not play, the market will resolve to \"No\"."),
    },
}  # fmt: skip


def settlements() -> list[tuple[str, str, str, str]]:
    """(rules of a, rules of b, verdict, the state in which they part or that is unsaid)."""
    first, second = SOURCE["league"]
    rows = [(*SOURCE["index"], "differs", "source"), (*SOURCE["press"], "same_settlement", "")]
    for state, pays in CLAUSES.items():
        for one, two in product(pays, pays):
            verdict, parted = ("same_settlement", "") if one == two else ("differs", state)
            rows.append((f"{first} {pays[one][0]}", f"{second} {pays[two][1]}", verdict, parted))
        for pay in pays.values():
            rows.append((f"{first} {pay[0]}", second, "unknown", state))
            rows.append((first, f"{second} {pay[1]}", "unknown", state))
            rows.append((f"{first} {pay[0]}", "", "unknown", "no terms understood"))
    for one, two in product(CLAUSES["tie"], CLAUSES["cancelled"]):
        a = f"{first} {CLAUSES['tie'][one][0]} {CLAUSES['cancelled'][two][0]}"
        b = f"{second} {CLAUSES['cancelled'][two][1]} {CLAUSES['tie'][one][1]}"
        rows.append((a, b, "same_settlement", ""))
        rows.append((a, f"{SOURCE['press'][1]} {b.removeprefix(second)}", "differs", "source"))
    return rows


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8") as file:
        for a, b, claim in opposites() + implied():
            row = {"a": {"title": a}, "b": {"title": b}, "claim": claim, "source": "made"}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        for a, b, verdict, _ in settlements():
            texts = {"a": {"title": "", "rules": a}, "b": {"title": "", "rules": b}}
            file.write(json.dumps({**texts, "settles": verdict, "source": "made"}) + "\n")
