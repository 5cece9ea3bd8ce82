"""`document`: every figure of a report, from a record, as one JSON document (`report.json`).

Tables, HTML and `report.json` show nothing that does not stand in it. Money, prices and sizes are
whole millionths, moments ns, shares and ratios floats; `null` means "not defined for these data".
"""

from pathlib import Path as File
from typing import Any, Final

import msgspec

from dutchbook.report import (
    daily,
    fillquality,
    foresight,
    profit,
    significance,
    stats,
    stress,
    summary,
    tradetable,
)
from dutchbook.report.record import Record
from dutchbook.report.text import clean

SCHEMA: Final = 1
SEED: Final = 7
"""Of the report's chance, where the run had no seed."""
Doc = dict[str, Any]


def document(record: Record) -> Doc:
    """All figures. The seed of the run, or 7, owns the chance of bootstrap, permutation and Monte
    Carlo: whoever makes the document of a record again gets the same one."""
    seed = SEED if record.meta.seed is None else record.meta.seed
    points = daily.curve(record)
    capital = record.meta.capital
    days = daily.Days(record, points)
    execution = fillquality.document(record)
    permutation = significance.permutation(record, seed)
    doc: Doc = {
        "schema": SCHEMA,
        "seed": seed,
        "meta": _meta(record),
        "honesty": _cleaned(summary.honesty(record, execution["fills"])),
        "summary": summary.summary(record, days, daily.drawdown(points, capital), seed),
        "equity": daily.series(points, capital),
        "in_use": daily.in_use(points, capital),
        "days": {"at": days.days, "net": days.net, "return": days.returns},
        "months": daily.months(days),
        "distribution": daily.distribution([share for share in days.returns if share]),
        "rolling": daily.rolling(days),
        "waterfall": profit.waterfall(record.trades),
        "split": profit.split(record.trades),
        "tables": profit.tables(record),
        "cells": profit.cells(record),
        "concentration": profit.concentration(record.trades),
        "foresight": foresight.document(record),
        "execution": execution,
        "funnel": [{"name": row.name, "n": row.n} for row in record.funnel],
        "rejects": _ranked(record),
        "exits": tradetable.exits(record),
        "open": tradetable.still_open(record),
        "stress": stress.document(record, seed + 10),
        "significance": {
            "permutation": permutation,
            "deflated": significance.deflated(record, days.returns),
            "walk_forward": significance.windows(record),
        },
        "benchmarks": significance.benchmarks(record, permutation["random_net"]),
        "extremes": tradetable.extremes(record),
        "trades": tradetable.table(record),
    }
    doc["verdict"] = summary.verdict(record, doc)
    tidy: Doc = _tidy(doc)
    return tidy


def write(doc: Doc, path: File) -> None:
    """`report.json`."""
    path.write_bytes(msgspec.json.encode(doc))


def _meta(record: Record) -> Doc:
    found: Doc = msgspec.to_builtins(record.meta)
    found["strategies"] = [clean(name) for name in record.meta.strategies]
    found["run"] = clean(record.meta.run)
    found["command"] = clean(record.meta.command, 400)
    found["annual_days"] = stats.YEAR_DAYS
    return found


def _cleaned(doc: Doc) -> Doc:
    """The free texts among the facts, bounded."""
    for name in ("fill_assumption", "survivorship", "unknown_marked"):
        doc[name] = clean(doc[name], 400)
    doc["notes"] = [clean(note, 400) for note in doc["notes"]]
    for gap in doc["longest_gaps"]:
        gap["what"] = clean(gap["what"])
    return doc


def _ranked(record: Record) -> list[Doc]:
    rows = [{"name": clean(row.name), "n": row.n} for row in record.rejects]
    return sorted(rows, key=lambda row: (-row["n"], row["name"]))


def _tidy(value: Any) -> Any:
    """Floats of 12 significant digits: the same document on every machine, and no long tails."""
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {name: _tidy(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(part) for part in value]
    return value
