"""The shared memory of all books of one tick class: plain Python and kernels see the same bytes."""

from typing import Final

import numpy as np
import numpy.typing as npt

from dutchbook.domain.units import ONE

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
FIRST_ROWS: Final = 64


class Pool:
    """`row` owns 2 x `stride` cells: bids, then asks, one cell per slot, cheapest price first.

    sizes[cell] is the size in millionths; occupied[cell] is 1 where it is not 0, so that the next
    best price is one memory search instead of a walk; best[2 row + side] is the best slot, 0 (no
    bid) or `slots` - 1 (no ask). `mem`, `occ`, `top` are the same memory for plain Python: growing
    replaces all of them, so hold none of them over a call of `take`.
    """

    def __init__(self, step: int) -> None:
        self.step = step
        self.slots = ONE // step + 1
        self.stride = -(-self.slots // 8) * 8  # whole 64-bit words: kernels search `occ` by words
        self.rows = 0
        self._free: list[int] = []
        self._allot(FIRST_ROWS)

    def _allot(self, capacity: int) -> None:
        cells = capacity * 2 * self.stride
        self.capacity = capacity
        self.sizes: Ints = np.zeros(cells, np.int64)
        self.best: Ints = np.zeros(capacity * 2, np.int64)
        self.occ = bytearray(cells)
        self.occupied: Bytes = np.frombuffer(self.occ, np.uint8)
        self.words: Words = np.frombuffer(self.occ, np.uint64)
        self.mem = memoryview(self.sizes.data)
        self.top = memoryview(self.best.data)

    @property
    def ladder(self) -> tuple[Ints, Bytes, Words, Ints]:
        """The memory as kernels take it; for one call, since growing replaces it."""
        return self.sizes, self.occupied, self.words, self.best

    def take(self) -> int:
        """An empty row."""
        if self._free:
            return self._free.pop()
        if self.rows == self.capacity:
            self._grow()
        self.rows += 1
        self.top[self.rows * 2 - 1] = self.slots - 1
        return self.rows - 1

    def give(self, row: int) -> None:
        """Empty a row and keep it for the next book."""
        self.empty(row)
        self._free.append(row)

    def empty(self, row: int) -> None:
        """Take all levels out of a row."""
        at = row * 2 * self.stride
        end = at + 2 * self.stride
        occ, mem = self.occ, self.mem
        at = occ.find(1, at, end)
        while at >= 0:
            mem[at] = 0
            occ[at] = 0
            at = occ.find(1, at + 1, end)
        self.top[row * 2] = 0
        self.top[row * 2 + 1] = self.slots - 1

    def _grow(self) -> None:
        sizes, best, occupied = self.sizes, self.best, self.occupied
        self._allot(self.capacity * 2)
        self.best[: best.size] = best
        self.occupied[: occupied.size] = occupied
        # only cells in use: the rest of a fine ladder stays memory that was never touched
        used = np.flatnonzero(occupied)
        self.sizes[used] = sizes[used]
