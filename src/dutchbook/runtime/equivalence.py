"""Reads labelled pairs and logged strike pairs, and reports how the verdicts do on them."""

import csv
import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import UsageError
from dutchbook.match.claim import claim
from dutchbook.match.measure import Labelled, measure, measure_settlement, wilson
from dutchbook.match.terms import Stated

LINE_MAX: Final = 200_000
LABELS: Final = ("same", "opposite", "implies", "different", "unknown", "not same")

SETTLES: Final = ("same_settlement", "differs", "unknown")


class Row(msgspec.Struct, frozen=True):
    """One line of a file of pairs, in the form of the labelled sets or in our own."""

    kalshi_title: str = ""
    polymarket_title: str = ""
    kalshi_id: str = ""
    polymarket_id: str = ""
    kalshi_rules: str | None = ""
    polymarket_rules: str | None = ""
    kalshi_subtitle: str | None = ""
    polarity: str = ""
    source: str = ""
    label: str = ""
    a: Stated | None = None
    b: Stated | None = None
    claim: str = ""
    settles: str = ""


def read_pairs(path: Path) -> list[Labelled]:
    """The labelled pairs of a file; UsageError names the line that can't be read."""
    decoder = msgspec.json.Decoder(Row)
    pairs: list[Labelled] = []
    try:
        with path.open("rb") as file:
            for n, line in enumerate(file, 1):
                if not line.strip():
                    continue
                try:
                    pairs.append(_labelled(decoder.decode(line[:LINE_MAX])))
                except (msgspec.DecodeError, ValueError) as error:
                    raise UsageError(f"{path}, line {n}: {error}") from error
    except OSError as error:
        raise UsageError(f"no pairs in {path}", why=str(error)) from error
    return pairs


def _labelled(row: Row) -> Labelled:
    if row.a and row.b:
        if row.claim not in ("", *LABELS) or row.settles not in ("", *SETTLES):
            raise ValueError(f"claim is one of {LABELS}, settles one of {SETTLES}")
        return Labelled(row.a, row.b, row.claim, row.source, row.settles)
    if not (row.kalshi_title and row.polymarket_title and row.label):
        raise ValueError("neither kalshi_title, polymarket_title, label nor a, b, claim")
    a = Stated(row.kalshi_title, row.kalshi_subtitle or "", row.kalshi_id, row.kalshi_rules or "")
    b = Stated(row.polymarket_title, "", row.polymarket_id, row.polymarket_rules or "")
    label = "same" if row.label == "true_match" else "not same"
    if label == "same" and row.polarity == "inverted":
        label = "opposite"
    return Labelled(a, b, label, row.source)


def report(data: Path | None, pairs: Path | None) -> dict[str, Any]:
    """Figures on one file, or on every set that lies in the data."""
    if pairs is not None:
        given = read_pairs(pairs)
        found = measure(pair for pair in given if pair.label)
        settled = [pair for pair in given if pair.settles]
        more = {"settlement": measure_settlement(settled)} if settled else {}
        return {"file": str(pairs), "fitted": False, **found, **more}
    folder = (data or Path()) / "crossvenue"
    labelled = folder / "labelled_pairs.jsonl"
    if data is None or not labelled.exists():
        raise UsageError(
            "no labelled pairs to measure on",
            why=f"{labelled} is absent" if data else "neither --pairs nor --data was given",
            todo="name a file with --pairs, or the folder of recorded data with --data",
        )
    every = read_pairs(labelled)
    document: dict[str, Any] = {
        "fitted": False,
        "how": "rules written by hand; those of `held out` were not read while writing them",
        **measure(pair for pair in every if pair.part == "held out"),
        "seen": measure(pair for pair in every if pair.part == "seen"),
        "all": measure(every),
    }
    live = folder / "live_false_positives.jsonl"
    if live.exists():
        document["live_false_positives"] = measure(read_pairs(live))
    strikes = sorted((folder / "strike_pairs").glob("*.csv.gz"))
    if strikes:
        document["strike_pairs"] = _strikes(strikes)
    return document


def _strikes(paths: list[Path]) -> dict[str, Any]:
    """Verdicts on logged strike pairs, none of which is of one strike, date and hour."""
    counts: dict[str, int] = {}
    same: list[dict[str, str]] = []
    known: dict[tuple[str, str, str], str] = {}
    for key in _strike_rows(paths):
        if key not in known:
            title, other, symbol = key
            verdict = claim(Stated(title), Stated(other, symbol=symbol))
            known[key] = verdict.claim
            if verdict.claim == "same":
                same.append({"a": title, "b": other, "symbol": symbol})
        counts[known[key]] = counts.get(known[key], 0) + 1
    total, wrong = sum(counts.values()), counts.get("same", 0)
    low, high = wilson(wrong, total)
    return {
        "pairs": total,
        "distinct": len(known),
        "verdicts": counts,
        "false_same": wrong,
        "false_same_share_95": [round(low, 5), round(high, 5)],
        "errors": same,
    }


def _strike_rows(paths: list[Path]) -> Iterator[tuple[str, str, str]]:
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                title, other = row.get("titulo_a") or "", row.get("titulo_b") or ""
                if title and other:
                    yield title, other, (row.get("url_b") or "").rsplit("/", 1)[-1]
