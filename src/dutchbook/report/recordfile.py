"""The record as a file: `record.json` in a run's directory, read back whole and checked."""

from pathlib import Path
from typing import Final

import msgspec

from dutchbook.domain.errors import DutchbookError, UsageError
from dutchbook.domain.units import ONE
from dutchbook.report.record import VERSION, Record, Trade

NAME: Final = "record.json"


class RecordError(DutchbookError):
    """A record contradicts itself, or is none."""


def write(record: Record, folder: Path) -> Path:
    """Check and write `record.json` into the folder; returns its path. Raises RecordError."""
    check(record)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    path.write_bytes(msgspec.json.encode(record, order="deterministic"))
    return path


def read(place: Path) -> Record:
    """The record of a run's directory, or of the file itself. Raises UsageError, RecordError."""
    path = place / NAME if place.is_dir() else place
    if not path.is_file():
        raise UsageError(
            f"{place} holds no record of a run", todo=f"name a directory with {NAME} in it"
        )
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
    except msgspec.DecodeError as error:
        raise RecordError(
            f"{path} is no record", why=str(error),
            todo="remove its directory, or make the run again",
        ) from error  # fmt: skip
    check(record)
    return record


def check(record: Record) -> None:
    """Raise RecordError at the first thing that can't be."""
    if record.version != VERSION:
        raise RecordError(
            f"a record of version {record.version}", why=f"this code reads {VERSION}",
            todo="run the backtest again",
        )  # fmt: skip
    meta = record.meta
    if meta.capital <= 0:
        raise RecordError("capital must be above 0")
    if meta.ended_at < meta.began_at:
        raise RecordError("the run ends before it begins")
    for trade in record.trades:
        _trade(trade)
    _once("trade", [trade.id for trade in record.trades])
    _once("fill", [fill.id for fill in record.fills])
    _once("order", [order.id for order in record.orders])
    _once("market", [market.key for market in record.markets])
    for fill in record.fills:
        if not 0 <= fill.px <= ONE or fill.qty <= 0:
            raise RecordError(f"fill {fill.id}: price or size out of range")
    ats = [point.at for point in record.equity]
    if ats != sorted(ats):
        raise RecordError("equity points go back in time")
    for path in record.paths:
        if len(path.ats) != len(path.mids) or list(path.ats) != sorted(path.ats):
            raise RecordError(f"path of {path.key}: times and mids do not fit")
    for forecast in record.forecasts:
        if not 0 <= forecast.claimed <= ONE:
            raise RecordError(f"forecast of {forecast.key}: probability out of range")
    if record.trials.n < 1:
        raise RecordError("at least one variant was tried: this one")


def _trade(trade: Trade) -> None:
    costs = trade.fees + trade.slippage + trade.leg_risk + trade.lockup + trade.other
    if trade.net != trade.gross - costs:
        raise RecordError(
            f"trade {trade.id}: net is {trade.net}",
            why=f"gross less costs is {trade.gross - costs} millionths",
        )
    if (trade.closed_at == 0) != (trade.ending == "open"):
        raise RecordError(f"trade {trade.id}: open trades have no end, others have one")
    if trade.capital < 0 or trade.qty < 0:
        raise RecordError(f"trade {trade.id}: capital and size can't be negative")
    if trade.closed_at and trade.closed_at < trade.opened_at:
        raise RecordError(f"trade {trade.id}: it ends before it begins")


def _once(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RecordError(f"{what} {name} is there twice")
        seen.add(name)
