"""The calibration table that ships with the program, or one that a person fitted."""

from collections.abc import Callable
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from dutchbook.domain.errors import ConfigError
from dutchbook.strategies import favourite, longshot, overreaction, recency, time_decay
from dutchbook.strategies.base import Quoter
from dutchbook.strategies.calibration import Sheet, Table, decode
from dutchbook.strategies.quoters import KINDS, Kind

OPINIONS: Final[dict[str, tuple[type[Any], Callable[..., Quoter]]]] = {
    "longshot": (longshot.Config, longshot.Longshot),
    "favourite": (favourite.Config, favourite.Favourite),
    "overreaction": (overreaction.Config, overreaction.Overreaction),
    "recency": (recency.Config, recency.Recency),
    "time_decay": (time_decay.Config, time_decay.TimeDecay),
}
"""name -> (its parameters, what builds it from those and a table)."""


def sheet(path: Path | None = None) -> Sheet:
    """The table with its provenance. ConfigError if the file can't be read."""
    try:
        raw = (
            path.read_bytes()
            if path is not None
            else files("dutchbook.strategies").joinpath("bias_table.json").read_bytes()
        )
    except OSError as error:
        raise ConfigError(f"calibration table {path}: {error.strerror}") from None
    return decode(raw)


def table(path: Path | None = None) -> Table:
    """The same, ready to be asked."""
    return Table(sheet(path).cells)


def build(name: str, config: Any) -> Quoter:
    """A strategy with an opinion on the table that ships. KeyError for a name that is none."""
    return OPINIONS[name][1](config, shipped())


@lru_cache(maxsize=1)
def shipped() -> Table:
    """The table that ships, read once."""
    return table()


def kinds() -> dict[str, Kind]:
    """Every strategy that quotes or has an opinion: its parameters, and how it is made."""
    opinions = {name: Kind(one[0], partial(build, name)) for name, one in OPINIONS.items()}
    return {**KINDS, **opinions}
