"""What is due later, in the order of its times; at one time, in the order in which it was put."""

import heapq
from typing import Final, Generic, TypeVar

from dutchbook.domain.units import Ns

T = TypeVar("T")
NEVER: Final = Ns(2**63 - 1)


class Agenda(Generic[T]):
    """Things with their times. A thing put under a name replaces the one put under it before.

    `at` is when the next one is due, NEVER where none is.
    """

    __slots__ = ("_heap", "_names", "_number", "at")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, str, T]] = []
        self._names: dict[str, int] = {}
        self._number = 0
        self.at = NEVER

    def put(self, at: Ns, what: T, name: str = "") -> None:
        self._number += 1
        if name:
            self._names[name] = self._number
        heapq.heappush(self._heap, (at, self._number, name, what))
        self._settle()

    def pop(self) -> tuple[Ns, T]:
        """The next thing and when it was due. IndexError if there is none."""
        at, _, name, what = heapq.heappop(self._heap)
        if name:
            del self._names[name]
        self._settle()
        return Ns(at), what

    def _settle(self) -> None:
        """Drop what was replaced, so that `at` is the time of something that still holds."""
        heap, names = self._heap, self._names
        while heap and heap[0][2] and names.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
        self.at = Ns(heap[0][0]) if heap else NEVER
