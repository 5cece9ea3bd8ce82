"""How often an outcome bought at a price has won: a small table fitted on settled markets.

`dutchbook lab fit-bias` makes the table; here it is only read. All figures are whole millionths.
"""

from bisect import bisect_right
from typing import Final, Literal

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.errors import ConfigError
from dutchbook.domain.units import DAY, ONE, SECOND

Role = Literal["maker", "taker", "quoted"]
"""Who bought: the side that rested, the side that crossed, or nobody (a price that was shown)."""

LEVELS: Final = (25_000, 100_000, 250_000, 500_000, 750_000, 900_000, 975_000)
"""Of which shares of belief a cell's `quantiles` are."""
BANDS: Final = (50_000, 200_000, 400_000, 600_000, 800_000, 950_000)
"""Where price bands end: those that the recorded trades come in, finer than tenths at the tails."""
HORIZONS: Final = (
    ("under 1 h", 3_600 * SECOND),
    ("1 to 24 h", DAY),
    ("1 to 7 d", 7 * DAY),
    ("7 to 30 d", 30 * DAY),
    ("over 30 d", 1 << 62),
)
"""Spans to the close, each with the ns that it stays below."""
GROUPS: Final = {
    "climate and weather": "Weather",
    "weather": "Weather",
    "entertainment": "Entertainment",
    "culture": "Entertainment",
    "mentions": "Media",
    "media": "Media",
    "science and technology": "Science/Tech",
    "science/tech": "Science/Tech",
    "tech": "Science/Tech",
    "world": "World Events",
    "world events": "World Events",
    "crypto": "Crypto",
    "economics": "Economics",
    "sports": "Sports",
}
"""What venues call a category -> what the table calls it; any other is a category not seen."""


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Excess of the share that won over the price paid, in one cell, as a belief.

    `category` "" is a category that was never seen, `horizon` "" any time to the close. `px` is
    the mean price, `mean` and `quantiles` (at LEVELS) the excess there. `trades` were recorded in
    `clusters` (series, days or events that win or lose together); they count for `weight`
    independent ones, the borrowed part included, all of it in millionths.
    """

    role: Role
    outcome: Outcome
    category: str
    band: int
    horizon: str
    px: int
    mean: int
    quantiles: tuple[int, ...]
    trades: int
    clusters: int
    weight: int


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file that the table rests on: its name, SHA-256, and how many observations it gave."""

    file: str
    sha256: str
    observations: int
    what: str


class Estimate(msgspec.Struct, frozen=True):
    """What a contract bought at `px` is worth: expected, and at LEVELS; millionths of a dollar."""

    px: int
    win: int
    worth: tuple[int, ...]
    cell: Cell

    def edge(self, cost: int) -> int:
        """Expected profit of one contract that costs `cost`, fees included."""
        return self.win - cost

    def confidence(self, cost: int) -> int:
        """How sure it is that a contract is worth more than `cost`: from below, in millionths."""
        above = (ONE - level for level, worth in zip(LEVELS, self.worth, strict=True)
                 if worth > cost)  # fmt: skip
        return next(above, 0)


class Sheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table as it is written: what made it, from what, how it did out of sample, the cells."""

    schema: int
    made_by: str
    method: str
    sources: tuple[Source, ...]
    check: dict[str, float]
    cells: tuple[Cell, ...]


class Table:
    """Looks cells up: the most particular one that was fitted, never a constant."""

    def __init__(self, cells: tuple[Cell, ...]) -> None:
        self.cells = cells
        self._of = {
            (cell.role, cell.outcome, cell.category, cell.band, cell.horizon): cell
            for cell in cells
        }

    def cell(
        self, role: Role, outcome: Outcome, category: str, px: int, left: int | None
    ) -> Cell | None:
        """The cell of a role and category with `left` ns to the close, None for not known.

        A category that the trades of that role do not have is read from quoted prices, where
        those have it; else it is one never seen, whose belief is as wide as categories differ.
        """
        group = GROUPS.get(category.casefold(), category)
        spans = ("",) if left is None else (horizon_of(left), "")
        wanted = [(who, group, span) for who in (role, "quoted") for span in spans if group]
        for who, name, span in (*wanted, (role, "", ""), ("quoted", "", "")):
            found = self._of.get((who, outcome, name, band_of(px), span))
            if found is not None:
                return found
        return None

    def estimate(
        self, role: Role, outcome: Outcome, category: str, px: int, left: int | None = None
    ) -> Estimate | None:
        """What one contract of an outcome at `px` is worth; None where nothing was fitted.

        The excess of a cell holds at its mean price; towards 0 and 1 it shrinks with p(1-p), as a
        shift of log odds does, and is nowhere larger than it was measured.
        """
        cell = self.cell(role, outcome, category, px, left)
        if cell is None or not 0 < px < ONE:
            return None
        here, there = px * (ONE - px), cell.px * (ONE - cell.px)
        if here >= there:
            here = there = 1
        worth = tuple(_bound(px + _scaled(part, here, there)) for part in cell.quantiles)
        return Estimate(px, _bound(px + _scaled(cell.mean, here, there)), worth, cell)


def band_of(px: int) -> int:
    """Which band a price lies in, 0 to 6."""
    return bisect_right(BANDS, px)


def horizon_of(left: int) -> str:
    """Which span to the close so many ns are."""
    return next(name for name, below in HORIZONS if left < below)


def decode(raw: bytes) -> Sheet:
    """Read a table. Raises ConfigError for anything that is not one."""
    try:
        sheet = msgspec.json.decode(raw, type=Sheet)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ConfigError(
            f"calibration table: {error}", todo="make it with dutchbook lab fit-bias --out"
        ) from None
    for cell in sheet.cells:
        if len(cell.quantiles) != len(LEVELS) or not 0 < cell.px < ONE:
            raise ConfigError(f"calibration table: cell {cell} is not one", todo="make it anew")
    return sheet


def _scaled(part: int, here: int, there: int) -> int:
    """part x here / there, rounded towards zero: never more than was measured."""
    size = abs(part) * here // there
    return size if part >= 0 else -size


def _bound(worth: int) -> int:
    return min(max(worth, 0), ONE)
