"""What alerts read of a running engine, between two of its steps."""

from collections.abc import Callable

from dutchbook.alerts.look import Position
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.orders import Order
from dutchbook.domain.units import Ns
from dutchbook.engine.engine import Engine
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account


class EngineLook:
    """Implements `alerts.look.Look`. `broken`: components besides feeds, and since when."""

    def __init__(
        self, engine: Engine, limits: RiskLimits,
        broken: Callable[[], list[tuple[str, Ns]]] = list,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.limits = limits
        self.broken = broken

    @property
    def account(self) -> Account | None:
        trading = self.engine.trading
        return trading.account if trading is not None else None

    def market(self, key: str) -> Instrument | None:
        return self.engine.world.instruments.get(key)

    def order(self, name: str) -> Order | None:
        account = self.account
        life = account.orders.get(name) if account is not None else None
        return life.order if life is not None else None

    def holdings(self) -> list[Position]:
        account = self.account
        if account is None:
            return []
        return [
            Position(key, outcome, account.held(key, outcome), account.cost(key, outcome), 0)
            for key, outcome in account.keys_held()
        ]

    def alone(self) -> list[Position]:
        """Positions of markets in which no basket is done or under way."""
        account, found = self.account, list[Position]()
        if account is None:
            return found
        of_baskets = {
            leg.key
            for basket in account.baskets.values()
            if basket.stage not in ("unwound", "stuck")
            for leg in basket.begun.legs
        }
        for one in self.holdings():
            if one.key in of_baskets or one.key not in self.engine.world.instruments:
                continue
            bids = self.engine.view.bids(one.key, one.outcome, 1)
            if bids and not self.engine.view.stale(one.key, one.outcome):
                found.append(one._replace(bid=bids[0][0]))
        return found

    def stop(self, level: str) -> int:
        limits = self.limits
        return limits.day_loss_halt if level == "halt" else limits.day_loss_alert

    def open_orders(self, venue: str) -> int:
        account = self.account
        lives = account.live.values() if account is not None else ()
        return sum(life.order.venue == venue for life in lives)

    def arb_of(self, key: str) -> str:
        account = self.account
        for basket in reversed(list(account.baskets.values())) if account is not None else ():
            if basket.stage == "done" and any(leg.key == key for leg in basket.begun.legs):
                return basket.begun.opportunity
        return ""

    def down(self) -> list[tuple[str, Ns]]:
        return self.broken()
