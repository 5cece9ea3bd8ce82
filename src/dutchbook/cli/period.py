"""What `report` and `export` share: the tables of a run, spans of days, records of a span."""

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.units import DAY, SECOND, Ns

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from dutchbook.report.record import Market, Record

_LAST: Final = re.compile(r"([0-9]{1,4})([dwmy])", re.ASCII)
_DAYS: Final = {"d": 1, "w": 7, "m": 30, "y": 365}
TAPE_MAX: Final = 200_000
"""Tape events to look through for the titles of markets: they are listed at the start."""


def span(last: str, since: str, until: str) -> tuple[Ns, Ns]:
    """[since, until) in ns: the last so many days, or from and to a UTC day. Raises UsageError."""
    end = Ns(day(until) + DAY) if until else Ns(int(time.time()) * SECOND)
    if since:
        start = day(since)
        if start >= end:
            raise UsageError(
                f"--since {since} is not before the end", todo="give an earlier day, or --until"
            )
        return start, end
    match = _LAST.fullmatch(last)
    if match is None or not int(match[1]):
        raise UsageError(f"{last[:40]!r} is no span of days", todo="write 7d, 4w, 12m or 1y")
    return Ns(max(0, end - int(match[1]) * _DAYS[match[2]] * DAY)), end


def day(text: str) -> Ns:
    """The beginning of a UTC day: 2026-03-01. Raises UsageError."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"{text[:40]!r} is no day", todo="write it as 2026-03-01") from error
    return Ns(int(moment.timestamp()) * SECOND)


def opened(config: Path | None, data_dir: Path | None) -> "tuple[Engine, Path]":
    """The database of a data directory and the directory. Raises UsageError, ConfigError."""
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.layers import load
    from dutchbook.storage.sql.database import newest, open_database, version
    from dutchbook.storage.sql.projector import url_of

    folder = data_dir_of(config, data_dir)
    engine = open_database(url_of(load(config).settings.storage.url, folder))
    with engine.connect() as connection:
        found = version(connection)
    if found != newest():
        raise ConfigError(
            f"the tables of {folder} are of version {found or 'none'}, not {newest()}",
            todo="dutchbook db upgrade, or dutchbook db rebuild",
        )
    return engine, folder


def record_of(config: Path | None, data_dir: Path | None, since: Ns, until: Ns) -> "Record":
    """The record of a span of the run in a data directory."""
    from dutchbook.report import fromsql
    from dutchbook.report.record import Mode
    from dutchbook.runtime.datadir import read_status
    from dutchbook.runtime.layers import load

    engine, folder = opened(config, data_dir)
    name = load(config).settings.mode
    try:
        found = read_status(folder)
        name, run = found["mode"], str(found["run"])
    except Exception:  # a run that never said how it stands has its tables all the same
        run = ""
    modes: dict[str, Mode] = {"paper": "paper", "live": "live"}
    mode = modes.get(name, "sim")
    first = fromsql.read(engine, mode, since, until, run=run)
    titles = markets(folder, {market.key for market in first.markets})
    return fromsql.read(engine, mode, since, until, titles, run) if titles else first


def markets(folder: Path, keys: Iterable[str]) -> "dict[str, Market]":
    """The words of markets, from the beginning of the tape."""
    from dutchbook.domain.events import InstrumentListed
    from dutchbook.report.record import Market
    from dutchbook.storage.reader import read_tape

    wanted, found = set(keys), {}
    if not wanted:
        return {}
    for step in islice(read_tape(folder), TAPE_MAX):
        event = step.event
        if isinstance(event, InstrumentListed) and event.instrument.key in wanted:
            one = event.instrument
            found[one.key] = Market(
                one.key, one.venue, f"{one.title} {one.outcome}".strip(), one.rules,
                one.category, one.event, one.closes,
            )  # fmt: skip
            if len(found) == len(wanted):
                break
    return found
