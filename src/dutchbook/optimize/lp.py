"""A linear programme that HiGHS keeps warm: columns, rows, one objective to be maximised.

Floats live in here and in what calls it; they only propose. What is decided or promised is worked
out again in whole numbers by the callers.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import highspy
import numpy as np
import numpy.typing as npt

from dutchbook.domain.errors import SolverError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
INF: Final = float("inf")
NO_INTS: Final = np.zeros(0, np.int64)
NO_FLOATS: Final = np.zeros(0)


class Row(NamedTuple):
    """lower <= sum of `values` times the columns `at` <= upper."""

    lower: float
    upper: float
    at: Sequence[int] | Ints
    values: Sequence[float] | Floats


class Solved(NamedTuple):
    """The best value and point; `duals` is what another unit of room in each row is worth.

    `bound` is what the solver says no point exceeds: for a programme with whole columns it may
    lie above `value`.
    """

    value: float
    x: Floats
    duals: Floats
    bound: float


class Matrix(NamedTuple):
    """Columns with their entries: column n has those from starts[n] to starts[n + 1]."""

    lower: Floats
    upper: Floats
    starts: Sequence[int] | Ints
    rows: Ints
    values: Floats


class Lp:
    """One programme. Change prices, bounds or rows, and solve again from where the last ended."""

    def __init__(
        self,
        costs: Sequence[float] | Floats,
        uppers: Sequence[float] | Floats,
        rows: Sequence[Row] | Matrix,
        *,
        lowers: Sequence[float] | Floats | None = None,
        whole: Iterable[int] = (),
        seconds: float = 60.0,
    ) -> None:
        self.columns = len(costs)
        highs = self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in (("output_flag", False), ("threads", 1), ("time_limit", seconds)):
            highs.setOptionValue(option, value)
        way = highspy.MatrixFormat.kRowwise
        if isinstance(rows, Matrix):
            way = highspy.MatrixFormat.kColwise
            matrix = rows
        else:
            matrix = _by_row(rows)
        status = highs.passModel(
            self.columns,
            len(matrix.lower),
            len(matrix.rows),
            int(way),
            int(highspy.ObjSense.kMaximize),
            0.0,
            np.asarray(costs, np.float64),
            np.zeros(self.columns) if lowers is None else np.asarray(lowers, np.float64),
            np.asarray(uppers, np.float64),
            matrix.lower,
            matrix.upper,
            np.asarray(matrix.starts, np.int32),
            matrix.rows.astype(np.int32),
            matrix.values,
            np.zeros(self.columns, np.int32),
        )
        _held(status)
        self._whole = list(whole)
        for at in self._whole:
            highs.changeColIntegrality(at, highspy.HighsVarType.kInteger)
        if not self._whole:
            self.option("presolve", "off")  # more than it saves, at these sizes

    def price(self, at: int, cost: float) -> None:
        """Change what a unit of a column brings."""
        _held(self._highs.changeColCost(at, cost))

    def prices(self, costs: Floats) -> None:
        """Change what every column brings."""
        at = np.arange(self.columns, dtype=np.int32)
        _held(self._highs.changeColsCost(self.columns, at, np.asarray(costs, np.float64)))

    def bound(self, at: int, lower: float, upper: float) -> None:
        """Change the bounds of a column."""
        _held(self._highs.changeColBounds(at, lower, upper))

    def entry(self, row: int, at: int, value: float) -> None:
        """Change one entry of a row."""
        _held(self._highs.changeCoeff(row, at, value))

    def room(self, row: int, lower: float, upper: float) -> None:
        """Change the bounds of a row."""
        _held(self._highs.changeRowBounds(row, lower, upper))

    def add(self, row: Row) -> None:
        """One more row; the basis stays."""
        at = np.asarray(row.at, np.int32)
        values = np.asarray(row.values, np.float64)
        _held(self._highs.addRow(row.lower, row.upper, len(at), at, values))

    def option(self, name: str, value: str | float | int | bool) -> None:
        """Set one of the solver's own options."""
        _held(self._highs.setOptionValue(name, value))

    def solve(self) -> Solved:
        """The optimum. Raises SolverError where there is none, or no time for it."""
        _held(self._highs.run())
        status = self._highs.getModelStatus()
        if status == highspy.HighsModelStatus.kModelEmpty:
            return Solved(0.0, NO_FLOATS, NO_FLOATS, 0.0)
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverError(f"no optimum: {self._highs.modelStatusToString(status)}")
        found = self._highs.getSolution()
        value = self._highs.getObjectiveValue()
        bound = self._highs.getInfo().mip_dual_bound if self._whole else value
        return Solved(value, np.array(found.col_value), np.array(found.row_dual), bound)


def _by_row(rows: Sequence[Row]) -> Matrix:
    """The same, as starts of rows and the columns of each entry."""
    sizes = [len(row.at) for row in rows]
    return Matrix(
        np.array([row.lower for row in rows], np.float64),
        np.array([row.upper for row in rows], np.float64),
        np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]),
        np.concatenate([NO_INTS, *(np.asarray(row.at, np.int64) for row in rows)]),
        np.concatenate([NO_FLOATS, *(np.asarray(row.values, np.float64) for row in rows)]),
    )


def _held(status: highspy.HighsStatus) -> None:
    """The solver took it. Raises SolverError where it did not."""
    if status == highspy.HighsStatus.kError:
        raise SolverError("the solver refused what it was given")
