"""Recorded settled markets, read as observations: bought what, at which price, and did it win."""

import csv
import gzip
import hashlib
import importlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import ONE, SECOND
from dutchbook.strategies.calibration import Role, Source, band_of, horizon_of


class Settled(msgspec.Struct, frozen=True, gc=False):
    """`n` trades bought `outcome` at `px` on average, `won` of them (a share) were paid a dollar.

    `cluster`: what wins and loses together. `horizon` "" where the record has no time to close.
    Which trades stand together, and how many, may not depend on what came later: a market that
    is about to lose passes 97 cents quickly, so a mean per market is no fair sample of trades.
    """

    role: Role
    outcome: Outcome
    category: str
    cluster: str
    horizon: str
    band: int
    px: float
    won: float
    n: float


NAMED: Final = (
    "[0,0.05)", "[0.05,0.20)", "[0.20,0.40)", "[0.40,0.60)", "[0.60,0.80)", "[0.80,0.95)",
    "[0.95,1]",
)  # fmt: skip
"""What the recorded trades call the bands of `calibration.BANDS`."""
TRADES: Final = "bias/bands/05-phase3-prefix-agg.parquet"
UPDOWN: Final = "polymarket/updown_results/results.csv.gz"
FED_PRICES: Final = "kalshi/fed_decision/fed_hourly_candles_wide.csv"
FED_RESULTS: Final = "kalshi/fed_decision/kalshi_markets.csv"
SPORTS: Final = "kalshi/recorded/markets_settled.json"


def read_settled(data: Path) -> tuple[list[Settled], list[Source]]:
    """All observations under `data`, and what each file gave.

    Files that are absent are left out; UsageError if none is there, or one can't be read.
    """
    found: list[Settled] = []
    sources: list[Source] = []
    for names, what, reader in READERS:
        if not all((data / name).exists() for name in names):
            continue
        try:
            mine = list(reader(data))
        except (KeyError, ValueError, OSError, EOFError) as error:
            raise UsageError(f"can't read {names[0]}", why=f"{type(error).__name__}: {error}"
                             ) from error  # fmt: skip
        found += mine
        for name in names:
            digest = hashlib.sha256((data / name).read_bytes()).hexdigest()
            sources.append(Source(name, digest, len(mine), what))
    if not found:
        raise UsageError(
            f"no settled markets under {data}",
            why=f"none of {', '.join(names[0] for names, _, _ in READERS)} is there",
            todo="name the folder of recorded data with --data",
        )
    return found, sources


def _trades(data: Path) -> Iterator[Settled]:
    """Kalshi trades by series, who bought, side and price band; without time to the close."""
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UsageError(
            "fitting reads a Parquet file", why=str(error), todo="install the extra: data"
        ) from None
    for row in parquet.read_table(data / TRADES).to_pylist():
        if 0 < row["avg_price"] < 1:
            yield Settled(
                row["role"], row["side"], row["group"], row["series_prefix"], "",
                NAMED.index(row["price_band"]), row["avg_price"], row["win_rate"], row["n"],
            )  # fmt: skip


def _updown(data: Path) -> Iterator[Settled]:
    """Coins up or down: each market once, at the price shown when a bot first looked at it.

    All coins of a day are one cluster: they rise and fall together.
    """
    seen: set[str] = set()
    with gzip.open(data / UPDOWN, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["market_id"] in seen or row["outcome_real"] not in ("YES", "NO"):
                continue
            seen.add(row["market_id"])
            end, looked = _moment(row["end_date"]), _moment(row["prediction_timestamp"])
            if end <= looked:
                continue
            span = horizon_of(round((end - looked) * SECOND))
            day = f"coins {row['end_date'][:10]}"
            px = float(row["precio_yes_mercado"])
            yield from _both("Crypto", day, span, px, row["outcome_real"] == "YES")


def _fed(data: Path) -> Iterator[Settled]:
    """Fed decisions: the first hour's mean price of each outcome in each band and span.

    Only hours with trades. A meeting is a cluster; a row is of the first one not yet over then.
    """
    seen: set[tuple[str, str, str, int]] = set()
    results: dict[tuple[str, str], bool] = {}
    ends: dict[float, str] = {}
    with (data / FED_RESULTS).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["result"] in ("yes", "no"):
                event, _, name = row["ticker"].rpartition("-")
                results[event, name] = row["result"] == "yes"
                ends[_moment(row["close_time"])] = event
    with (data / FED_PRICES).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = _moment(row["timestamp"])
            end = min((end for end in ends if end > at), default=0.0)
            if not end:
                continue
            span = horizon_of(round((end - at) * SECOND))
            for name in ("C26", "C25", "H0", "H25", "H26"):
                px, won = float(row[f"mean_{name}"]), results.get((ends[end], name))
                if won is None or float(row[f"volume_{name}"]) <= 0 or not 0 < px < 1:
                    continue
                visit = (ends[end], name, span, band_of(round(px * ONE)))
                if visit not in seen:
                    seen.add(visit)
                    yield from _both("Economics", ends[end], span, px, won)


def _sports(data: Path) -> Iterator[Settled]:
    """Games: the price of the day before; how long before the end is not recorded."""
    for row in json.loads((data / SPORTS).read_bytes())["markets"]:
        px = float(row["previous_price_dollars"])
        if row["result"] in ("yes", "no") and 0 < px < 1:
            yield from _both("Sports", row["event_ticker"], "", px, row["result"] == "yes")


def _both(category: str, cluster: str, span: str, px: float, won: bool) -> Iterator[Settled]:
    """A price that was shown is one of both outcomes."""
    if 0 < px < 1:
        yes, no = round(px * ONE), ONE - round(px * ONE)
        yield Settled("quoted", "yes", category, cluster, span, band_of(yes), px, float(won), 1)
        yield Settled(
            "quoted", "no", category, cluster, span, band_of(no), 1 - px, float(not won), 1
        )


def _moment(text: str) -> float:
    """Seconds since 1970; UTC where the text names no zone."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


READERS: Final[tuple[tuple[tuple[str, ...], str, Callable[[Path], Iterator[Settled]]], ...]] = (
    ((TRADES,), "Kalshi trades by series, role, side and band; no time to close", _trades),
    ((UPDOWN,), "Polymarket up/down and target markets, price shown, result", _updown),
    ((FED_PRICES, FED_RESULTS), "Kalshi Fed decisions, hourly mean prices, result", _fed),
    ((SPORTS,), "Kalshi games, price of the day before, result; no time to close", _sports),
)
