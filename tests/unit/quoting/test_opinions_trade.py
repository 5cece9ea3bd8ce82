"""A strategy with an opinion before the whole trader: it enters, leaves, and hears of the end."""

from typing import Any

import msgspec

from dutchbook.domain.events import MarketResolved, TradePrinted
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd
from dutchbook.execution.manager import Made
from dutchbook.strategies.longshot import Config, Longshot
from unit.execution.floor import CENTS
from unit.quoting.street import KEY, OTHER, Street
from unit.strategies.bench_world import table


class Shop(Street):
    """A street on which only the longshot strategy works."""

    made: list[Longshot]

    def __init__(self) -> None:
        super().__init__(enabled="longshot")

    def _kind(self, name: str) -> Any:
        def build(params: dict[str, Any]) -> Made:
            config = msgspec.convert(params, Config)
            self.made = [*getattr(self, "made", []), Longshot(config, table(no=60_000))]
            return Made(self.made[-1], config.budget)

        return build

    def start(self, state: bytes) -> None:
        self.kinds = {"longshot": self._kind("longshot")}
        super().start(state)

    def print(self, dollars: int) -> None:
        for key in (KEY, OTHER):
            trade = TradePrinted(
                key, "s", Px(11 * CENTS), Qty(dollars * ONE * 100 // 11), True, "", Ns(self.now)
            )
            self.quoting.printed(trade, self.view)


def test_in_and_out_through_the_gate() -> None:
    """Bought as the book offers it, within the stake; sold when half of the edge was gained."""
    street = Shop()
    street.move(KEY, 10, 11)
    assert street.sent == []
    street.print(1_200)
    street.move(KEY, 10, 11)
    [order] = street.sent
    assert (order.strategy, order.outcome, order.action, order.px, order.tif) == (
        "longshot", "no", "buy", 90 * CENTS, "ioc"
    )  # fmt: skip
    assert order.px * order.qty <= 10 * ONE * ONE
    assert order.edge > 20_000
    assert street.stake("longshot") == (0.0, order.qty / ONE)
    street.move(KEY, 2, 3)
    assert len(street.sent) == 1
    street.wait(3_600_000)
    street.move(KEY, 3, 4)
    assert street.sent[-1].px == 96 * CENTS
    assert street.stake("longshot") == (0.0, 0.0)
    [strategy] = street.made
    street.move(KEY, 3, 5)
    assert strategy.decay.count == 1
    assert strategy.decay.mean > 0


def test_a_market_that_ends_while_it_is_held_is_a_result() -> None:
    street = Shop()
    street.print(1_200)
    street.move(KEY, 10, 11)
    assert street.stake("longshot")[1] > 0
    street.move(KEY, 9, 10)
    street.quoting.resolved(MarketResolved(KEY, Usd(ONE), Ns(street.now)))
    [strategy] = street.made
    assert strategy.decay.count == 1
    assert strategy.decay.mean < -850_000
