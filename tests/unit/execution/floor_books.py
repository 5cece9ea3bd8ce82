"""The books of a trading floor, as they are set by hand."""

from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import DAY, ONE, Ns, Px, Qty

NOW = Ns(1_790_000_000_000_000_000)
CENTS = 10_000


class Books:
    """A View of what is set in `asks` and `pays`: [(cents, contracts)] by (key, outcome)."""

    def __init__(self) -> None:
        self.changed = 1
        self.now, self.seq, self.run = NOW, 1, "r1"
        self.asks: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self.pays: dict[tuple[str, str], list[tuple[int, int]]] = {}
        self.gone: set[str] = set()
        self.closes = Ns(NOW + 30 * DAY)

    def instrument(self, key: str) -> Instrument:
        if key in self.gone:
            raise KeyError(key)
        venue, name = key.split(":")
        poly = venue == "polymarket"
        return Instrument(
            key, venue, name, f"{venue}:E", name, "Yes", CENT, FeeSchedule("none"),
            size_min=Qty(5 * ONE if poly else 10_000), closes=self.closes,
            tokens=(f"{name}y", f"{name}n") if poly else (),
        )  # fmt: skip

    def stale(self, key: str, outcome: str) -> str:
        return "gone" if key in self.gone else ""

    def best(self, key: str, outcome: str) -> tuple[Px, Qty]:
        return next(iter(self.offers(key, outcome, 1)), (Px(ONE), Qty(0)))

    def offers(self, key: str, outcome: str, levels: int) -> list[tuple[Px, Qty]]:
        return _levels(self.asks.get((key, outcome), []))[:levels]

    def bids(self, key: str, outcome: str, levels: int) -> list[tuple[Px, Qty]]:
        return _levels(self.pays.get((key, outcome), []))[:levels]

    def book(self, key: str, outcome: str) -> tuple[int, int, int]:
        return 0, 1, self.changed


def _levels(rows: list[tuple[int, int]]) -> list[tuple[Px, Qty]]:
    return [(Px(px * CENTS), Qty(qty * ONE)) for px, qty in rows]
