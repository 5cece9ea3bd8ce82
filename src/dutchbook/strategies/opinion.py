"""What strategies with a calibrated opinion share: when to enter, how to leave, when to give up.

A strategy only says which outcome it would buy (`side`). Whether that pays, the calibration table
says; there is no edge that does not come from it.
"""

from typing import Protocol

import msgspec

from dutchbook.domain.events import TradePrinted
from dutchbook.domain.fees import fill_fee, order_total
from dutchbook.domain.instrument import ALIVE, Instrument
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd, ceil_div
from dutchbook.optimize.kelly import Bet, single
from dutchbook.strategies.base import Catalogue, Outcome, Position, QuoteView, Wish
from dutchbook.strategies.calibration import Estimate, Role, Table
from dutchbook.strategies.decay import Decay
from dutchbook.strategies.memory import Memory
from dutchbook.strategies.opinion_config import Common

OUTCOMES: tuple[Outcome, Outcome] = ("yes", "no")


class Explains(Protocol):
    """Says which known signal explains a move of a market; "" where none is known."""

    def __call__(self, key: str, since: Ns, now: Ns) -> str: ...


def unexplained(key: str, since: Ns, now: Ns) -> str:
    """No signal is known."""
    return ""


class Held(msgspec.Struct):
    """A position as it was seen last, the edge it was entered for, and what was sold of it."""

    position: Position
    edge: int
    net: int = 0
    sold: int = 0
    result: int = 0


class Opinion:
    """A `Quoter`; subclasses say `name` and `side`."""

    name: str = "opinion"

    def __init__(self, config: Common, table: Table, explains: Explains = unexplained) -> None:
        self.config = config
        self.table = table
        self.explains = explains
        self.review: int = config.review_s * SECOND
        self.age_max: int = config.age_s * SECOND
        self.decay = Decay(config.decay_alpha)
        self._memory: dict[str, Memory] = {}
        self._held: dict[tuple[str, Outcome], Held] = {}
        self._wished: dict[tuple[str, Outcome], int] = {}
        self._left: dict[str, Ns] = {}

    def side(self, key: str, middle: int, view: QuoteView) -> Outcome | None:
        """Which outcome's price this strategy takes for too low; None for no opinion."""
        raise AssertionError(f"{self.name} names no side")

    # -- the port ------------------------------------------------------------------------------

    def watches(self, catalogue: Catalogue) -> list[str]:
        """Open markets of the categories, those of the greatest volume first, up to a number."""
        wanted = [name.strip() for name in self.config.categories.split(",") if name.strip()]
        found = [
            one
            for one in catalogue.instruments()
            if one.status in ALIVE and (not wanted or one.category in wanted)
        ]
        found.sort(key=lambda one: (-one.volume, one.key))
        return [one.key for one in found[: self.config.markets_max]]

    def on_trade(self, trade: TradePrinted, view: QuoteView) -> None:
        """Volume, direction and price are remembered for a day."""
        self.memory(trade.key, view.now).traded(view.now, trade.px, trade.qty, trade.buy_yes)

    def decide(self, key: str, view: QuoteView) -> list[Wish] | None:
        """Leave what is held, or enter; at most one position in a market."""
        middle = middle_of(key, view)
        if middle is not None:
            self.memory(key, view.now).seen(view.now, middle)
        held = [side for side in OUTCOMES if self._follow(key, side, view)]
        if held:
            return [wish for side in held for wish in self._leave(key, side, middle, view)]
        if middle is None or self.decay.stopped:
            return []
        left_at = self._left.get(key)
        if left_at is not None and view.now - left_at < self.config.rest_s * SECOND:
            return []
        side = self.side(key, middle, view)
        if side is None or view.stale(key, "yes") or view.stale(key, "no"):
            return []
        if self.memory(key, view.now).volume(view.now) <= self.config.volume_min:
            return []
        return self._enter(key, side, view)

    def settled(self, key: str, yes_pays: Usd) -> None:
        """A market was determined: what is still held of it counts as sold at what it pays."""
        for side in OUTCOMES:
            held = self._held.get((key, side))
            if held is not None:
                pays = yes_pays if side == "yes" else ONE - yes_pays
                self._sold(key, side, held, held.position.qty, pays)

    def memory(self, key: str, now: Ns) -> Memory:
        """What is remembered of a market."""
        found = self._memory.get(key)
        if found is None:
            found = self._memory[key] = Memory(now)
        return found

    # -- entering ------------------------------------------------------------------------------

    def _enter(self, key: str, side: Outcome, view: QuoteView) -> list[Wish]:
        market = view.instrument(key)
        ask, size = view.best(key, side)
        if self.config.work != "make" and size > 0:
            wish = self._wish(market, side, ask, size, "taker", view)
            if wish is not None:
                return [wish]
        bids = view.bids(key, side, 1)
        if self.config.work != "take" and bids and bids[0][0] < ask:
            wish = self._wish(market, side, bids[0][0], Qty(0), "maker", view)
            if wish is not None:
                return [wish]
        return []

    def _wish(
        self, market: Instrument, side: Outcome, px: Px, most: Qty, role: Role, view: QuoteView
    ) -> Wish | None:
        """A buy, if the table's edge at this price beats the threshold after exact fees."""
        if not 0 < px < ONE or market.status != "open":
            return None
        found = self.table.estimate(role, side, market.category, px, left(market, view.now))
        if found is None:
            return None
        qty = self._size(market, px, found.win, role)
        qty = min(qty, most) if most else qty
        qty -= qty % market.lot
        if qty < market.size_min or qty <= 0 or px * qty // ONE < market.cost_min:
            return None
        total = order_total(market.fees, [(px, qty)], maker=role == "maker")
        cost = ceil_div(total * ONE, qty)
        if found.edge(cost) <= self.config.edge_min:
            return None
        confidence = found.confidence(cost)
        if confidence < self.config.confidence_min:
            return None
        edge = found.edge(cost)
        self._wished[market.key, side] = edge
        slot = "rest" if role == "maker" else f"take@{px}x{qty}"
        why = f"{self.name}: {side} at {px} as {role} is worth {found.win}, costs {cost}"
        return Wish(
            slot, market.key, side, "buy", px, Qty(qty), "gtc" if role == "maker" else "ioc",
            role == "maker", edge, confidence, why,
        )  # fmt: skip

    def _size(self, market: Instrument, px: Px, win: int, role: Role) -> int:
        """Contracts: a share of what Kelly bets on the table's chance with the budget for bankroll,
        and no more than the stake. Each market is a bet by itself."""
        config = self.config
        most = config.stake * ONE // px
        if not config.kelly:
            return most
        fees = market.fees
        if role == "maker":
            fees = msgspec.structs.replace(fees, taker=fees.maker)
        bet = Bet(market.key, px, fees, size_min=market.size_min, lot=market.lot)
        return min(most, int(single(bet, win, config.budget, config.kelly)))

    # -- leaving -------------------------------------------------------------------------------

    def _follow(self, key: str, side: Outcome, view: QuoteView) -> bool:
        """Keep up with what is held of an outcome; whether there is any."""
        place, now = (key, side), view.position(key, side)
        held = self._held.get(place)
        if held is None:
            if now.qty > 0:
                self._held[place] = Held(now, self._entered(key, side, now, view))
            return now.qty > 0
        gone = held.position.qty - now.qty
        if gone > 0:
            bids = view.bids(key, side, 1)
            net = held.net or (bids[0][0] if bids else 0)
            self._sold(key, side, held, gone, net)
            if now.qty <= 0:
                self._left[key] = view.now
                return False
        held.position = now
        return now.qty > 0

    def _entered(self, key: str, side: Outcome, now: Position, view: QuoteView) -> int:
        """The edge of the wish that was filled; after a restart, the table's at what was paid."""
        wished = self._wished.pop((key, side), 0)
        if wished:
            return wished
        cost, market = ceil_div(now.cost * ONE, now.qty), view.instrument(key)
        time = left(market, now.since)
        roles: tuple[Role, Role] = ("maker", "taker")
        found = [self.table.estimate(role, side, market.category, cost, time) for role in roles]
        edges = [one.edge(cost) for one in found if one is not None]
        return max(self.config.edge_min, *edges, 0)

    def _sold(self, key: str, side: Outcome, held: Held, qty: int, net: int) -> None:
        """Part of a position is gone at `net` a contract; the last part makes it a result."""
        position = held.position
        held.sold += qty
        held.result += qty * (net - ceil_div(position.cost * ONE, position.qty))
        if qty >= position.qty:
            self.decay.add(held.result // held.sold)
            del self._held[key, side]

    def _leave(self, key: str, side: Outcome, middle: int | None, view: QuoteView) -> list[Wish]:
        held, market = self._held[key, side], view.instrument(key)
        bids = view.bids(key, side, 1)
        if not bids or not 0 < bids[0][0] < ONE:
            return []
        px, size = bids[0]
        held.net = px - fill_fee(market.fees, px, ONE)
        why = self._why(key, side, held, middle, view)
        qty = int(min(held.position.qty, size))
        qty -= qty % market.lot
        if not why or qty <= 0:
            return []
        slot = f"exit@{px}x{qty}"  # a taker is sent once: another price or size is another try
        return [Wish(slot, key, side, "sell", px, Qty(qty), "ioc", False, 0, ONE, why)]

    def _why(self, key: str, side: Outcome, held: Held, middle: int | None, view: QuoteView) -> str:
        """Which rule says to leave now; "" to stay."""
        config, position = self.config, held.position
        gain = held.net - ceil_div(position.cost * ONE, position.qty)
        age = view.now - position.since
        if gain * ONE <= -config.loss_part * held.edge:
            return "stop"
        if age < config.hold_min_s * SECOND:
            return ""
        if gain * ONE >= config.gain_part * held.edge:
            return "gained"
        if age >= config.hold_max_s * SECOND:
            return "time"
        return "reversed" if self._reversed(key, side, middle, view) else ""

    def _reversed(self, key: str, side: Outcome, middle: int | None, view: QuoteView) -> bool:
        """The strategy would now buy the other outcome, or the table says this one is too dear."""
        if middle is None:
            return False
        if self.side(key, middle, view) == ("no" if side == "yes" else "yes"):
            return True
        px = middle if side == "yes" else ONE - middle
        found = self.estimates(key, side, px, view)
        return bool(found) and all(one.win < px for one in found)

    def estimates(self, key: str, side: Outcome, px: int, view: QuoteView) -> list[Estimate]:
        """What the table says of an outcome at a price, for each way of buying it."""
        market = view.instrument(key)
        roles: tuple[Role, Role] = ("maker", "taker")
        time = left(market, view.now)
        found = [self.table.estimate(role, side, market.category, px, time) for role in roles]
        return [one for one in found if one is not None]


def left(market: Instrument, now: Ns) -> int | None:
    """ns to the close; None where the venue does not say, or it has passed."""
    return market.closes - now if market.closes > now else None


def middle_of(key: str, view: QuoteView) -> int | None:
    """The middle of best bid and best offer of YES; None where one is missing."""
    ask, size = view.best(key, "yes")
    no_ask, no_size = view.best(key, "no")
    if not size or not no_size:
        return None
    return (ask + ONE - no_ask) // 2
