"""The report on a terminal: four tables, the lines of facts, and the verdict last.

It shows figures of the document of `metrics.document` and nothing else.
"""

from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dutchbook.report.daily import date
from dutchbook.report.text import count, money, number, percent, size

Doc = dict[str, Any]
ROWS_MAX: Final = 20


def render(doc: Doc, files: str = "") -> Group:
    """Tables and lines for a console; `files` names where the run's files are."""
    parts: list[RenderableType] = [_cells(doc), _open(doc), *_ends(doc), _summary(doc)]
    parts += [Text(line) for line in lines(doc)]
    parts.append(Text(f"verdict: {doc['verdict']}", style="bold"))
    if files:
        parts.append(Text(f"files: {files}"))
    return Group(*parts)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_style="bold", title_justify="left")
    for n, name in enumerate(columns):
        table.add_column(name.lstrip("<"), justify="left" if n == 0 or name[0] == "<" else "right")
    return table


def _row(table: Table, *values: str) -> None:
    """Cells as plain text: no venue's words are taken for markup."""
    table.add_row(*(Text(value) for value in values))


def _cells(doc: Doc) -> Table:
    table = _table(
        "RESULTS BY STRATEGY x CATEGORY", "strategy", "<category", "trades", "open", "hit", "net",
        "fees", "slippage", "mean", "worst", "kept", "APR",
    )  # fmt: skip
    for row in doc["cells"]:
        _row(table, row["strategy"], row["category"], *_group(row))
    _row(table, "all", "", *_group(doc["summary"]))
    return table


def _group(row: Doc) -> list[str]:
    return [
        count(row["trades"]), count(row["trades"] - row["closed"]), percent(row["hit"], 0),
        money(row["net"]), money(row["fees"], False), money(row["slippage"], False),
        money(row["mean"]), money(row["worst"]), percent(row["realised_share"], 0),
        percent(row["apr"]),
    ]  # fmt: skip


def _open(doc: Doc) -> RenderableType:
    rows = doc["open"]
    if not rows:
        return Text("OPEN/UNRESOLVED AT END: none")
    table = _table("OPEN/UNRESOLVED AT END", "trade", "<market", "size", "capital", "valued",
                   "opened", "closes")  # fmt: skip
    for row in rows[:ROWS_MAX]:
        closes = date(row["closes_at"]) if row["closes_at"] else "–"
        _row(table, row["id"], row["title"][:60], size(row["qty"]), money(row["capital"], False),
             money(row["net"]), date(row["opened_at"]), closes)  # fmt: skip
    if len(rows) > ROWS_MAX:
        _row(table, f"and {len(rows) - ROWS_MAX} more", *[""] * 6)
    return table


def _ends(doc: Doc) -> list[RenderableType]:
    table = _table("EXIT/REJECT REASONS", "reason", "<kind", "times", "won", "net")
    for row in doc["exits"]:
        _row(table, row["name"], "exit", count(row["n"]), count(row["won"]), money(row["net"]))
    for row in doc["rejects"][:ROWS_MAX]:
        _row(table, row["name"][:60], "reject", count(row["n"]), "", "")
    stages = " → ".join(f"{row['name']} {count(row['n'])}" for row in doc["funnel"])
    return [table, Text(stages)] if stages else [table]


def _summary(doc: Doc) -> Table:
    s, fills = doc["summary"], doc["execution"]["fills"]
    orders, scores = doc["execution"]["orders"], doc["foresight"]["scores"]
    band = doc["stress"]["orders"]
    deflated = doc["significance"]["deflated"]
    rows = [
        ("days", number(s["days"], 1)),
        ("trades (ended, won)", f"{count(s['trades'])} ({count(s['closed'])}, {count(s['won'])})"),
        ("net", _with(money(s["net"]), s["net_interval"], money)),
        ("return on capital", percent(s["return"], 2)),
        ("per $-day locked", percent(s["per_dollar_day"], 3)),
        ("APR on locked money", percent(s["apr"])),
        ("Sharpe (a year)", _with(number(s["sharpe"]), s["sharpe_interval"], number)),
        ("max drawdown", f"{percent(s['drawdown']['share'])} ({money(s['drawdown']['usd'], False)},"
                         f" {number(s['drawdown']['days'], 1)} d)"),
        ("hit rate", _with(percent(s["hit"]), s["hit_interval"], percent)),
        ("promised kept", percent(s["realised_share"], 0)),
        ("capital in use (mean, most)", f"{percent(doc['in_use']['mean_share'], 0)},"
                                        f" {percent(doc['in_use']['most_share'], 0)}"),
        ("fill ratio", percent(orders["fill_ratio"])),
        ("maker share", percent(fills["maker_share"])),
        ("beyond top, beyond depth", f"{percent(fills['beyond_top'])},"
                                     f" {percent(fills['beyond_depth'])} of size"),
        ("Brier (mid's, skill)", f"{number(scores['brier'], 3)} ({number(scores['brier_mid'], 3)},"
                                 f" {number(scores['brier_skill'], 3)})"),
        ("best three events", percent(doc["concentration"]["top3"], 0)),
        ("shuffled max drawdown P50, P95", f"{money(band['p50'], False)},"
                                           f" {money(band['p95'], False)}"),
        ("risk of ruin", percent(band["ruin"])),
        ("deflated Sharpe", f"{number(deflated['value'])} ({count(deflated['trials'])} trials)"),
        ("p-value of entries", number(doc["significance"]["permutation"]["p_value"], 3)),
        *((f"benchmark: {row['name']}", money(row["net"])) for row in doc["benchmarks"][1:]),
    ]  # fmt: skip
    table = _table("SUMMARY", "figure", "value")
    for name, value in rows:
        _row(table, name, value)
    return table


def _with(text: str, band: list[float] | None, write: Any) -> str:
    return f"{text} [{write(band[0])} … {write(band[1])}]" if band else text


def lines(doc: Doc) -> list[str]:
    """The three lines before the verdict: what ran, what came of it, what it cost."""
    m, s, h = doc["meta"], doc["summary"], doc["honesty"]
    deflated = doc["significance"]["deflated"]
    latency = "" if m["latency_ns"] is None else f", latency {m['latency_ns'] / 1e6:g} ms"
    fees = f", fees {m['fee_model']}" if m["fee_model"] else ""
    seed = "" if m["seed"] is None else f" · seed {m['seed']}"
    data = f" · data {m['data_hash'][:12]}" if m["data_hash"] else ""
    stresses = [
        f"{bar['label']} → {money(bar['net'])}"
        for bar in doc["stress"]["bars"][1:]
        if bar["kind"] in ("fees", "latency", "depth")
    ]
    low, high = s["sharpe_interval"] or (None, None)
    boot = f" [{number(low, 1)} … {number(high, 1)} boot 95 %]" if low is not None else ""
    fall = s["drawdown"]
    return [
        f"{', '.join(m['strategies']) or m['run']} · {date(m['began_at'])}…{date(m['ended_at'])}"
        f" · {number(s['days'], 0)} d{seed} · fills: {h['fill_assumption']}{latency}{fees}{data}",
        f"net {money(s['net'])} ({percent(s['return'], 1, True)} on"
        f" {money(s['capital_start'], False)})"
        f" | per $-day locked {percent(s['per_dollar_day'], 3)} ({percent(s['apr'])} APR)"
        f" | maxDD {percent(-fall['share'] if fall['share'] else 0.0)}"
        f" ({number(fall['days'], 0)} d) | Sharpe {number(s['sharpe'], 1)}{boot}"
        f" | {count(s['trades'])} trades, {percent(s['hit'], 0)} won",
        " | ".join([
            f"fees {money(-s['fees'])}",
            f"slippage {money(-s['slippage'])}",
            f"leg risk {money(-s['leg_risk'])} ({s['broken']} broken legs)",
            *stresses,
            f"look-ahead {h['look_ahead'].upper()}",
            f"deflated Sharpe {number(deflated['value'])} ({deflated['trials']} trials)",
        ]),
    ]  # fmt: skip
