"""The newest messages of each channel in memory, in order; what a resume is served from."""

from bisect import bisect_right
from typing import Final

from dutchbook.hub.message import Message

ROOM: Final = 20_000
_SLACK: Final = 2_000
Position = tuple[int, int]
"""(seq, n) of the last message seen; (seq, ALL_OF_IT) for a whole step."""


class History:
    """`floor`: every message behind it is here; `oldest`: every one behind it is kept somewhere."""

    def __init__(self, floor: int = 0, oldest: int | None = None, room: int = ROOM) -> None:
        self.floor: Position = (floor, 2**31 - 1)
        self.oldest = floor if oldest is None else oldest
        self._disk = oldest is not None
        self._room = room
        self._rows: list[Message] = []
        self._at: list[Position] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, messages: list[Message]) -> None:
        """Messages in order, behind all that are here."""
        self._rows += messages
        self._at += [(item.seq, item.n) for item in messages]
        over = len(self._rows) - self._room
        if over > _SLACK:
            self.floor = self._at[over - 1]
            del self._rows[:over], self._at[:over]
            if not self._disk:
                self.oldest = self.floor[0]

    def behind(self, position: Position, limit: int) -> list[Message]:
        """Up to `limit` messages behind a position, which must not lie before `floor`."""
        first = bisect_right(self._at, position)
        return self._rows[first : first + limit]
