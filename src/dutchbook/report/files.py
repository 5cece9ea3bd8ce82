"""A run's directory: record.json, report.json, report.html, trades.csv, equity.csv, fills."""

from pathlib import Path
from typing import Any

from dutchbook.report import export, html, metrics, recordfile, sheets
from dutchbook.report.record import Record

REPORT = "report.json"
PAGE = "report.html"


def write_run(record: Record, folder: Path) -> dict[str, Any]:
    """Write all files of a run; returns its document. Fills are parquet where pyarrow is there.

    Raises RecordError before anything is written.
    """
    recordfile.write(record, folder)
    doc = write_report(record, folder)
    for name in ("trades", "equity"):
        export.write(sheets.of_run(record, name), folder / f"{name}.csv", "csv")
    fills = sheets.of_run(record, "fills")
    try:
        export.write(fills, folder / "fills.parquet", "parquet")
    except export.ExtraMissing:
        export.write(fills, folder / "fills.csv", "csv")
    return doc


def write_report(record: Record, folder: Path) -> dict[str, Any]:
    """report.json and report.html of a record; returns the document."""
    doc = metrics.document(record)
    metrics.write(doc, folder / REPORT)
    (folder / PAGE).write_text(html.page(doc), encoding="utf-8")
    return doc
