"""Tax reports from FIFO lots: our own table, and the forms that tax tools and Form 8949 take.

dutchbook knows no law. It says what was bought and given up, when, and for how much; whether that
is a capital gain, a wager or a contract of another kind is for the reader and their adviser.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import ONE, SECOND, plain
from dutchbook.report.daily import date
from dutchbook.report.lots import Disposal, Lots
from dutchbook.report.sheets import Kind, Sheet

_START: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
Columns = tuple[tuple[str, Kind], ...]


def _texts(*names: str) -> Columns:
    return tuple((name, "text") for name in names)


def within(lots: Lots, since: int, until: int) -> list[Disposal]:
    """Disposals in [since, until); 0 is no bound."""
    return [one for one in lots.disposals if one.at >= since and (not until or one.at < until)]


def totals(lots: Lots, since: int, until: int) -> dict[str, int]:
    """Exact sums of the span in millionths."""
    rows = within(lots, since, until)
    earned = [one for one in lots.income if one.at >= since and (not until or one.at < until)]
    return {
        "disposals": len(rows),
        "proceeds": sum(row.proceeds for row in rows),
        "cost": sum(row.cost for row in rows),
        "gain": sum(row.gain for row in rows),
        "long_term": sum(row.gain for row in rows if is_long(row)),
        "income": sum(one.usd for one in earned),
        "open_cost": lots.cost(),
    }


def is_long(one: Disposal) -> bool:
    """Held for more than a year: given up later than the same day of the next year (UTC)."""
    start, end = _day(one.acquired_at), _day(one.at)
    leap = start.month == 2 and start.day == 29
    year_later = (
        dt.date(start.year + 1, 3, 1) if leap else start.replace(year=start.year + 1)
    )  # fmt: skip
    return end >= year_later if leap else end > year_later


def _day(at: int) -> dt.date:
    return dt.date.fromisoformat(date(at))


def generic(lots: Lots, since: int, until: int) -> Sheet:
    """Every lot that was given up, and every income, with all we know."""
    columns: Columns = (
        ("acquired_at", "ns"), ("disposed_at", "ns"), ("venue", "text"), ("market", "text"),
        ("outcome", "text"), ("how", "text"), ("quantity", "micros"), ("proceeds", "micros"),
        ("cost", "micros"), ("gain", "micros"), ("term", "text"), ("bought_ref", "text"),
        ("ref", "text"),
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for one in within(lots, since, until):
        market, _, outcome = one.asset.rpartition("|")
        term = "long" if is_long(one) else "short"
        rows.append((one.acquired_at, one.at, one.venue, market, outcome, one.what, one.qty,
                     one.proceeds, one.cost, one.gain, term, one.bought_ref, one.ref))  # fmt: skip
    rows += [
        (0, one.at, one.venue, "", "", one.what, 0, one.usd, 0, one.usd, "income", "", one.ref)
        for one in lots.income
        if one.at >= since and (not until or one.at < until)
    ]
    return Sheet("tax", columns, sorted(rows, key=lambda row: row[1]))


def form_8949(lots: Lots, since: int, until: int) -> Sheet:
    """The columns of Form 8949; dollars and cents, the gain being their difference."""
    columns = _texts(
        "Part", "(a) Description of property", "(b) Date acquired", "(c) Date sold or disposed of",
        "(d) Proceeds", "(e) Cost or other basis", "(f) Code", "(g) Adjustment", "(h) Gain or loss",
    )  # fmt: skip
    rows = []
    for one in within(lots, since, until):
        market, _, outcome = one.asset.rpartition("|")
        got, paid = _cents(one.proceeds), _cents(one.cost)
        rows.append((
            "II" if is_long(one) else "I", f"{plain(one.qty)} {outcome.upper()} {market}",
            _us(one.acquired_at), _us(one.at), _dollars(got), _dollars(paid), "", "",
            _dollars(got - paid),
        ))  # fmt: skip
    return Sheet("form-8949", columns, rows)


def cointracking(lots: Lots, since: int, until: int) -> Sheet:
    """Each disposal as a profit or loss of a derivative, each income as such."""
    columns = _texts(
        "Type", "Buy Amount", "Buy Currency", "Sell Amount", "Sell Currency", "Fee",
        "Fee Currency", "Exchange", "Trade-Group", "Comment", "Date",
    )  # fmt: skip
    rows: list[tuple[str, ...]] = []
    for one in within(lots, since, until):
        note = f"{one.what} {plain(one.qty)} {one.asset}"
        if one.gain >= 0:
            head = ("Derivatives / Futures Profit", plain(one.gain), "USD", "", "")
        else:
            head = ("Derivatives / Futures Loss", "", "", plain(-one.gain), "USD")
        rows.append((*head, "", "", one.venue, "dutchbook", note, _plain_time(one.at)))
    for paid in lots.income:
        if paid.at >= since and (not until or paid.at < until):
            rows.append(("Other Income", plain(paid.usd), "USD", "", "", "", "", paid.venue,
                         "dutchbook", paid.what, _plain_time(paid.at)))  # fmt: skip
    return Sheet("cointracking", columns, sorted(rows, key=lambda row: row[-1]))


def cointracker(lots: Lots, since: int, until: int) -> Sheet:
    """Purchases and disposals as they were, contracts named KEY|OUTCOME; it makes its own lots."""
    columns = _texts(
        "Date", "Received Quantity", "Received Currency", "Sent Quantity", "Sent Currency",
        "Fee Amount", "Fee Currency", "Tag",
    )  # fmt: skip
    found: list[tuple[int, tuple[str, ...]]] = []
    for bought in lots.bought:
        if bought.at >= since and (not until or bought.at < until):
            row = (plain(bought.qty), bought.asset, plain(bought.cost), "USD")
            found.append((bought.at, row))
    for one in within(lots, since, until):
        found.append((one.at, (plain(one.proceeds), "USD", plain(one.qty), one.asset)))
    for paid in lots.income:
        if paid.at >= since and (not until or paid.at < until):
            found.append((paid.at, (plain(paid.usd), "USD", "", "")))
    rows = [
        (f"{_us(at)} {_clock(at)}", *row, "", "", "")
        for at, row in sorted(found, key=lambda pair: pair[0])
    ]
    return Sheet("cointracker", columns, rows)


def _cents(micros: int) -> int:
    """Millionths to cents, half away from zero."""
    whole = (abs(micros) + ONE // 200) // (ONE // 100)
    return -whole if micros < 0 else whole


def _dollars(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _us(at: int) -> str:
    return _day(at).strftime("%m/%d/%Y")


def _clock(at: int) -> str:
    return (_START + dt.timedelta(seconds=at // SECOND)).strftime("%H:%M:%S")


def _plain_time(at: int) -> str:
    return f"{date(at)} {_clock(at)}"


FORMS: Final[dict[str, Callable[[Lots, int, int], Sheet]]] = {
    "generic": generic,
    "cointracking": cointracking,
    "cointracker": cointracker,
    "8949": form_8949,
}


def sheet(lots: Lots, form: str, since: int = 0, until: int = 0) -> Sheet:
    """The rows of [since, until) in a form. Raises UsageError."""
    if form not in FORMS:
        raise UsageError(f"no tax format {form!r}", todo=f"one of {', '.join(FORMS)}")
    return FORMS[form](lots, since, until)
