"""What the servers need from whatever feeds them: the generated market, or a recorded tape."""

from typing import Any, Protocol

from dutchbook.domain.units import Ns
from dutchbook.emulators.market.shapes import SimEvent, SimMarket, SimSeries, Update


class Feed(Protocol):
    """A market that moves. Keys are `venue:symbol`; all numbers are millionths, times ns."""

    @property
    def series(self) -> dict[str, SimSeries]: ...
    @property
    def events(self) -> dict[str, SimEvent]: ...
    @property
    def markets(self) -> dict[str, SimMarket]: ...

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        """Price -> size of one side of one token's own book, as of the last `advance`."""
        ...

    def advance(self, now: Ns) -> list[Update]:
        """Everything that happened up to `now`, in order."""
        ...

    def drain_truth(self) -> list[dict[str, Any]]:
        """The lines of the truth file since the last call."""
        ...

    def links(self) -> list[dict[str, Any]]:
        """The links that go with this market."""
        ...
