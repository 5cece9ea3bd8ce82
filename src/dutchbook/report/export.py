"""Sheets as files: csv, json, parquet, xlsx. Exact: what is written reads back as it was.

Money, prices and sizes are written as decimals, moments as UTC with nine places. Texts that a
spreadsheet would take for a formula get an apostrophe in csv and xlsx (`text.cell`).
"""

import csv
import datetime as dt
import importlib
import os
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.units import ONE, SECOND, micros, plain
from dutchbook.report.sheets import Kind, Sheet
from dutchbook.report.text import cell, uncell

XLSX_ROWS_MAX: Final = 1_048_575
_DIGITS_MAX: Final = 10**15
"""Excel's numbers have 15 digits: larger amounts are written as text, never rounded."""
_START: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOMENT: Final = re.compile(r"(.{19})\.([0-9]{9})Z", re.ASCII)


class ExtraMissing(ConfigError):
    """A format needs a library that is not installed."""


def iso(at: int) -> str:
    """ns -> 2026-03-01T12:00:00.123456789Z; 0 -> ""."""
    if not at:
        return ""
    whole, part = divmod(at, SECOND)
    return f"{(_START + dt.timedelta(seconds=whole)).strftime('%Y-%m-%dT%H:%M:%S')}.{part:09d}Z"


def from_iso(text: str) -> int:
    """The other way; ValueError for anything else."""
    if not text:
        return 0
    match = _MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a moment: {text[:40]!r}")
    moment = dt.datetime.fromisoformat(match[1]).replace(tzinfo=dt.UTC)
    return int((moment - _START) // dt.timedelta(seconds=1)) * SECOND + int(match[2])


def written(value: Any, kind: Kind) -> str:
    """A value as text, exactly; None is ""."""
    if value is None:
        return ""
    if kind == "micros":
        return plain(value)
    if kind == "ns":
        return iso(value)
    if kind == "bool":
        return "true" if value else "false"
    return str(value)


def as_read(text: str, kind: Kind) -> Any:
    """What `written` was given; "" of a number is None."""
    if kind == "text":
        return text
    if kind == "ns":
        return from_iso(text)
    if text == "":
        return None
    if kind == "micros":
        return micros(text)
    return text == "true" if kind == "bool" else int(text)


def to_csv(sheet: Sheet, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow([name for name, _ in sheet.columns])
        for row in sheet.rows:
            out.writerow([_csv(v, k) for v, (_, k) in zip(row, sheet.columns, strict=True)])


def _csv(value: Any, kind: Kind) -> str:
    text = written(value, kind)
    return cell(text) if kind == "text" else text


def from_csv(path: Path, columns: tuple[tuple[str, Kind], ...]) -> list[tuple[Any, ...]]:
    """Rows of a csv file that was written here."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [
        tuple(as_read(uncell(t) if k == "text" else t, k)
              for t, (_, k) in zip(row, columns, strict=True))
        for row in rows
    ]  # fmt: skip


def to_json(sheet: Sheet, path: Path) -> None:
    """One object a line; amounts and moments are texts, so that no reader rounds them."""
    with path.open("wb") as file:
        for row in sheet.rows:
            one = {
                name: written(value, kind) if kind in ("micros", "ns") and value is not None
                else value
                for value, (name, kind) in zip(row, sheet.columns, strict=True)
            }  # fmt: skip
            file.write(msgspec.json.encode(one) + b"\n")


def to_parquet(sheet: Sheet, path: Path) -> None:
    """decimal128(38, 6), timestamp[ns, UTC], int64, bool, string."""
    pa, parquet = _pyarrow()
    types = {
        "micros": pa.decimal128(38, 6), "ns": pa.timestamp("ns", tz="UTC"), "int": pa.int64(),
        "bool": pa.bool_(), "text": pa.string(),
    }  # fmt: skip
    arrays, fields = [], []
    for n, (name, kind) in enumerate(sheet.columns):
        values = [row[n] for row in sheet.rows]
        if kind == "micros":
            values = [None if v is None else Decimal(v).scaleb(-6) for v in values]
        if kind == "ns":
            values = [v or None for v in values]
        arrays.append(pa.array(values, type=types[kind]))
        fields.append(pa.field(name, types[kind]))
    parquet.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), path)


def to_xlsx(sheet: Sheet, path: Path) -> None:
    """One worksheet; amounts are numbers where Excel holds them exactly."""
    openpyxl = _openpyxl()
    if len(sheet.rows) > XLSX_ROWS_MAX:
        raise UsageError(
            f"{len(sheet.rows)} rows do not fit into a worksheet",
            why=f"it holds {XLSX_ROWS_MAX}", todo="--format csv, or a shorter span",
        )  # fmt: skip
    book = openpyxl.Workbook(write_only=True)
    page = book.create_sheet(sheet.name)
    page.append([name for name, _ in sheet.columns])
    for row in sheet.rows:
        page.append([_xlsx(v, k) for v, (_, k) in zip(row, sheet.columns, strict=True)])
    book.save(path)


def _xlsx(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "micros" and abs(value) < _DIGITS_MAX:
        return value // ONE if value % ONE == 0 else Decimal(value).scaleb(-6)
    if kind == "int" and abs(value) < _DIGITS_MAX:
        return value
    if kind == "bool":
        return bool(value)
    text = written(value, kind)
    # Worksheets allow no control characters and 32,767 characters a cell.
    shown = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)[:32_000]
    return cell(shown) if kind == "text" else shown


def _pyarrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise _missing("parquet", "pyarrow") from error


def _openpyxl() -> Any:
    try:
        return importlib.import_module("openpyxl")
    except ImportError as error:
        raise _missing("xlsx", "openpyxl") from error


def _missing(name: str, library: str) -> ExtraMissing:
    return ExtraMissing(
        f"{name} files need {library}", why="it is part of the extra `data`",
        todo="./dutchbook setup --extra data",
    )  # fmt: skip


FORMATS: Final[dict[str, Callable[[Sheet, Path], None]]] = {
    "csv": to_csv,
    "json": to_json,
    "parquet": to_parquet,
    "xlsx": to_xlsx,
}


def place(path: Path) -> None:
    """Refuse a path at which no file can be made, before the work. Raises UsageError."""
    if path.is_dir():
        raise UsageError(f"{path} is a directory", todo=f"name a file in it: {path / 'FILE'}")
    if not path.parent.is_dir():
        raise UsageError(
            f"{path} can't be written", why=f"there is no directory {path.parent}",
            todo=f"make it first: mkdir -p {path.parent}",
        )  # fmt: skip
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise UsageError(
            f"{path} can't be written", why=f"{path.parent} may not be written to",
            todo="name another directory",
        )  # fmt: skip


def write(sheet: Sheet, path: Path, form: str) -> None:
    """Write a sheet whole or not at all. Raises UsageError, ExtraMissing."""
    if form not in FORMATS:
        raise UsageError(f"no format {form!r}", todo=f"one of {', '.join(FORMATS)}")
    place(path)
    part = path.with_name(path.name + ".part")
    try:
        FORMATS[form](sheet, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
