"""Exports read back as they were, and no cell of them is a formula."""

import csv
import json
import sys
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import ONE
from dutchbook.report import export, files, sheets
from dutchbook.report.sheets import Sheet
from dutchbook.report.text import cell, clean, uncell
from report_story import Story, hostile

COLUMNS = (("at", "ns"), ("px", "micros"), ("n", "int"), ("maker", "bool"), ("why", "text"))
BAD = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "%0a=1", "|calc", "\n=1",
       hostile(1), "plain", "", "-5", "a,b\"c\nd", "-12.5"]  # fmt: skip
ROWS = [(1_772_323_200_123_456_789 + n, (n - 4) * 123_457, n, n % 2 == 0, text)
        for n, text in enumerate(BAD)]  # fmt: skip
SHEET = Sheet("odd", COLUMNS, [*ROWS, (0, None, 3, True, "none")])


def test_csv_reads_back(tmp_path):
    export.write(SHEET, tmp_path / "x.csv", "csv")
    assert export.from_csv(tmp_path / "x.csv", COLUMNS) == SHEET.rows
    with (tmp_path / "x.csv").open(newline="") as file:
        texts = [row[4] for row in csv.reader(file)][1:]
    for text in texts:
        start = text.lstrip(" ")[:1]
        assert start not in ("=", "+", "@", "\t", "\r", "|", "%", "\n") or not text.strip()
        assert start != "-" or float(text) < 0


def test_json_lines_read_back(tmp_path):
    export.write(SHEET, tmp_path / "x.json", "json")
    lines = [json.loads(line) for line in (tmp_path / "x.json").read_text().splitlines()]
    back = [
        tuple(
            export.as_read(line[name], kind) if kind in ("micros", "ns") and line[name] is not None
            else line[name]
            for name, kind in COLUMNS
        )
        for line in lines
    ]  # fmt: skip
    assert back == SHEET.rows


def test_parquet_reads_back_to_the_nanosecond(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export.write(SHEET, tmp_path / "x.parquet", "parquet")
    table = parquet.read_table(tmp_path / "x.parquet")
    assert [str(field.type) for field in table.schema] == [
        "timestamp[ns, tz=UTC]", "decimal128(38, 6)", "int64", "bool", "string",
    ]  # fmt: skip
    ats = table.column("at").cast("int64").to_pylist()
    prices = [None if v is None else int(v * ONE) for v in table.column("px").to_pylist()]
    rest = [table.column(name).to_pylist() for name in ("n", "maker", "why")]
    assert list(zip([at or 0 for at in ats], prices, *rest, strict=True)) == SHEET.rows


def test_xlsx_reads_back_and_holds_no_formula(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    large = Sheet("odd", COLUMNS, [*SHEET.rows, (1, 10**15 + 1, 10**17, False, "large")])
    export.write(large, tmp_path / "x.xlsx", "xlsx")
    page = openpyxl.load_workbook(tmp_path / "x.xlsx").active
    read = list(page.iter_rows(min_row=2))
    assert all(c.data_type != "f" for row in read for c in row)
    for row, (at, px, n, maker, text) in zip(read, large.rows, strict=True):
        got = [c.value for c in row]
        assert export.from_iso(got[0] or "") == at
        assert (None if px is None else Decimal(str(got[1])) * ONE) == px
        assert int(got[2]) == n and got[3] is maker
        shown = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
        assert uncell(got[4] or "") == shown.replace("\r", " ")


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_cells_come_back_and_are_harmless(text):
    made = cell(text)
    assert uncell(made) == text
    assert made == text or made[0] == "'"
    assert not made.startswith(("=", "@", "\t", "\r"))
    shown = clean(text, 20)
    assert len(shown) <= 20 and all(c.isprintable() or c == "\n" for c in shown)
    assert "://" not in shown


@settings(max_examples=200)
@given(st.integers(0, 2**62))
def test_moments_come_back(at):
    assert export.from_iso(export.iso(at)) == at


@pytest.mark.parametrize("text", ["2026-03-01", "2026-03-01T00:00:00Z", "x" * 29])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="not a moment"):
        export.from_iso(text)


@pytest.mark.parametrize(("form", "library"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_without_the_extra_the_error_names_it(form, library, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(export.ExtraMissing, match=r"setup --extra data") as told:
        export.write(SHEET, tmp_path / "x", form)
    assert told.value.code == 4 and list(tmp_path.iterdir()) == []


def test_unknown_words_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match="no format"):
        export.write(SHEET, tmp_path / "x", "docx")
    with pytest.raises(UsageError, match="can't be exported"):
        sheets.of_run(Story(3).record(), "audit")


def test_a_failing_export_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "x.csv").write_text("old")
    broken = Sheet("odd", (("px", "micros"),), [("no number",)])
    with pytest.raises(TypeError):
        export.write(broken, tmp_path / "x.csv", "csv")
    assert (tmp_path / "x.csv").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_run_directory_has_all_files_and_they_agree(tmp_path):
    record = Story(30, 10).record()
    doc = files.write_run(record, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"record.json", "report.json", "report.html", "trades.csv", "equity.csv"} <= names
    assert names & {"fills.parquet", "fills.csv"}
    sheet = sheets.of_run(record, "trades")
    rows = export.from_csv(tmp_path / "trades.csv", sheet.columns)
    assert rows == sheet.rows
    net = [name for name, _ in sheet.columns].index("net")
    assert sum(row[net] for row in rows) == doc["summary"]["net"]


@pytest.mark.parametrize("name", sheets.RUN)
def test_every_sheet_of_a_run_comes_back(name, tmp_path):
    sheet = sheets.of_run(Story(12, 10, nasty=True).record(), name)
    export.write(sheet, tmp_path / "x.csv", "csv")
    assert export.from_csv(tmp_path / "x.csv", sheet.columns) == sheet.rows


def test_a_place_where_no_file_can_be_is_said_before_the_work(tmp_path):
    sheet = Sheet("t", (("a", "int"),), [(1,)])
    with pytest.raises(UsageError, match="there is no directory") as caught:
        export.write(sheet, tmp_path / "gone" / "t.csv", "csv")
    assert caught.value.todo == f"make it first: mkdir -p {tmp_path / 'gone'}"
    with pytest.raises(UsageError, match="is a directory"):
        export.write(sheet, tmp_path, "csv")
    export.write(sheet, tmp_path / "t.csv", "csv")
    with pytest.raises(UsageError, match="there is no directory"):
        export.write(sheet, tmp_path / "t.csv" / "u.csv", "csv")
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
