"""Markets in which trades fail or orders are refused for money that is there."""

from typing import NamedTuple


class Count(NamedTuple):
    """Of one market: fills counted, fills taken back, refusals for funds since the last fill."""

    fills: int = 0
    voids: int = 0
    refusals: int = 0


class Trouble:
    """Counts by market key; what is done about them is the overseer's."""

    def __init__(self) -> None:
        self.by_key: dict[str, Count] = {}

    def filled(self, key: str) -> None:
        count = self.by_key.get(key, Count())
        self.by_key[key] = Count(count.fills + 1, count.voids, 0)

    def voided(self, key: str) -> None:
        count = self.by_key.get(key, Count())
        self.by_key[key] = count._replace(voids=count.voids + 1)

    def forgive(self, key: str) -> None:
        """A person let it go on: what was counted is over."""
        self.by_key.pop(key, None)

    def refused(self, key: str) -> None:
        count = self.by_key.get(key, Count())
        self.by_key[key] = count._replace(refusals=count.refusals + 1)
