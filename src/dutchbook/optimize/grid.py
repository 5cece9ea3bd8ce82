"""The figures of a linear programme whose pattern stays while its prices change."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from dutchbook.optimize.lp import INF, Floats, Ints, Lp, Matrix

MARGIN: Final = 1e-9
"""Added per unit of a column to what floats say that no plan exceeds: far above their error."""


class Pattern:
    """Rows (sum <= room, or = 0) and columns with entries in some of them, being laid out."""

    def __init__(self) -> None:
        self.rooms: list[float] = []
        self.equal: list[bool] = []
        self.starts: list[int] = [0]
        self.rows: list[int] = []

    def row(self, room: float = 0.0, *, equal: bool = False) -> int:
        """A new row, and its number."""
        self.rooms.append(room)
        self.equal.append(equal)
        return len(self.rooms) - 1

    def columns(self, rows: Sequence[int], count: int) -> None:
        """New columns, each with entries in these rows."""
        last = len(self.rows)
        self.rows += [*rows] * count
        self.starts += [last + len(rows) * n for n in range(1, count + 1)]

    @property
    def size(self) -> int:
        return len(self.starts) - 1


class Grid:
    """The figures: a gain, an upper bound and entries of each column, the room of each row.

    `update` passes on to a programme what changed since one was made or last updated.
    """

    def __init__(self, pattern: Pattern) -> None:
        self.size = pattern.size
        self.uppers: Floats = np.zeros(self.size)
        self._gains: Floats = np.zeros(self.size)
        self._rooms: Floats = np.array(pattern.rooms, np.float64)
        self._equal = np.array(pattern.equal, np.bool_)
        self._starts = pattern.starts
        self._rows: Ints = np.array(pattern.rows, np.int64)
        self._values: Floats = np.zeros(len(pattern.rows))
        self._owners: Ints = np.repeat(np.arange(self.size), np.diff(np.array(self._starts)))
        self._columns: set[int] = set()
        self._changed: set[int] = set()

    def set(self, first: int, gains: list[float], uppers: list[float], values: list[float]) -> None:
        """The figures of columns that follow one another; entries in the order of their rows."""
        end = first + len(gains)
        self._gains[first:end], self.uppers[first:end] = gains, uppers
        self._values[self._starts[first] : self._starts[end]] = values
        self._columns.update(range(first, end))

    def room(self, row: int, room: float) -> None:
        self._rooms[row] = room
        self._changed.add(row)

    def programme(self, choices: Sequence[tuple[range, float, float]] = ()) -> Lp:
        """The programme as it is. Each choice (columns, most, least) adds a yes or no: the
        columns sum to nothing, or to at least `least` and at most `most`."""
        extra, rows = len(choices), len(self._rooms)
        lower = np.where(self._equal, 0.0, -INF)
        none = np.zeros(extra)
        starts, at, values = np.array(self._starts, np.int64), self._rows, self._values
        if extra:
            starts, at, values = self._with(choices)
        matrix = Matrix(
            np.concatenate([lower, none - INF, none]),
            np.concatenate([self._rooms, none, none + INF]),
            starts, at, values,
        )  # fmt: skip
        assert len(matrix.lower) == rows + 2 * extra
        gains = np.concatenate([self._gains, none])
        uppers = np.concatenate([self.uppers, none + 1.0])
        return Lp(gains, uppers, matrix, whole=range(self.size, self.size + extra))

    def _with(self, choices: Sequence[tuple[range, float, float]]) -> tuple[Ints, Ints, Floats]:
        """Columns with their entries in the two rows of each choice, and its own column."""
        rows, extra = len(self._rooms), len(choices)
        cuts = self._starts[1:-1]
        at = [part.tolist() for part in np.split(self._rows, cuts)]
        values = [part.tolist() for part in np.split(self._values, cuts)]
        for n, (columns, most, least) in enumerate(choices):
            for column in columns:
                at[column] += [rows + n, rows + extra + n]
                values[column] += [1.0, 1.0]
            at.append([rows + n, rows + extra + n])
            values.append([-most, -least])
        starts = np.cumsum([0, *map(len, at)], dtype=np.int64)
        return starts, np.concatenate(at).astype(np.int64), np.concatenate(values)

    def update(self, lp: Lp) -> None:
        """Give a programme what changed."""
        for column in sorted(self._columns):
            lp.price(column, self._gains[column])
            lp.bound(column, 0.0, self.uppers[column])
            for at in range(self._starts[column], self._starts[column + 1]):
                lp.entry(int(self._rows[at]), column, self._values[at])
        for row in sorted(self._changed):
            lp.room(row, -INF, self._rooms[row])
        self.clean()

    def clean(self) -> None:
        """A programme has all of it."""
        self._columns.clear()
        self._changed.clear()

    def bound(self, duals: Floats) -> tuple[float, Floats]:
        """What no point exceeds, by weak duality, whatever the duals are; and reduced gains.

        The sum is in floats; a margin far above their error is added.
        """
        prices = np.where(self._equal, duals, np.maximum(duals, 0.0))
        taken = np.bincount(self._owners, self._values * prices[self._rows], self.size)
        reduced: Floats = self._gains - taken
        total = float(prices @ self._rooms + np.maximum(reduced, 0.0) @ self.uppers)
        return total + MARGIN * (float(self.uppers.sum()) + 1.0), reduced
