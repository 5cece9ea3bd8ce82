"""From orders and fills to trades: baskets as they were begun, positions from flat to flat.

A position of a quoting strategy is counted in YES terms: NO bought is YES sold, since both together
are a dollar. So it ends when it is flat, settled, or when the tape ends.
"""

from typing import Literal

from dutchbook.backtest.observer import Observer
from dutchbook.backtest.worth import Marks, Place, shares
from dutchbook.domain.account_events import OrderFilled
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd
from dutchbook.report.record import Ending, Leg, Trade
from dutchbook.state.account import Account
from dutchbook.state.baskets import BasketLife
from dutchbook.state.lives import Life


class Sum:
    """Money of some fills: paid and got without fees, fees, slippage; contracts by outcome."""

    def __init__(self) -> None:
        self.cash = self.fees = self.slippage = self.bought = 0
        self.held: dict[Place, int] = {}
        self.cost: dict[Place, list[int]] = {}
        self.maker = True

    def add(self, fill: OrderFilled, slipped: int) -> None:
        sign = 1 if fill.action == "buy" else -1
        value = -(-fill.px * fill.qty // ONE) if sign > 0 else fill.px * fill.qty // ONE
        self.cash -= sign * value
        self.fees += fill.fee
        self.slippage += slipped
        place = (fill.key, fill.outcome)
        self.held[place] = self.held.get(place, 0) + sign * fill.qty
        bucket = self.cost.setdefault(place, [0, 0, 0, 0])  # bought, paid, sold, got
        bucket[0 if sign > 0 else 2] += fill.qty
        bucket[1 if sign > 0 else 3] += value
        self.bought += value if sign > 0 else 0
        self.maker = self.maker and fill.maker


def slipped(life: Life, fill: OrderFilled, observer: Observer) -> int:
    """Worse than the best price at decision by so much money; what rested got its own price."""
    seen = observer.seen.get(life.order.id)
    if fill.maker or seen is None or not seen.levels:
        return 0
    best = seen.levels[0][0]
    worse = fill.px - best if fill.action == "buy" else best - fill.px
    return worse * fill.qty // ONE


def baskets(account: Account, observer: Observer, marks: Marks, since: Ns) -> list[Trade]:
    """Every basket of this run that got a fill."""
    found = []
    for name, basket in account.baskets.items():
        lives = [account.orders[order] for order in account.by_basket.get(name, [])]
        fills = [(life, fill) for life in lives for fill in life.fills]
        if fills and basket.begun.at >= since:
            found.append(_basket(name, basket, fills, observer, marks))
    return found


def _basket(
    name: str, basket: BasketLife, fills: list[tuple[Life, OrderFilled]], observer: Observer,
    marks: Marks,
) -> Trade:  # fmt: skip
    begun, total = basket.begun, Sum()
    for life, fill in fills:
        total.add(fill, slipped(life, fill, observer))
    keys = list(dict.fromkeys(leg.key for leg in begun.legs))
    held = {place: qty for place, qty in total.held.items() if qty}
    resolved = bool(held) and all(key in marks.resolved for key, _ in held)
    proved = 0  # what is paid whatever books show now, and what is held beside it
    rest = dict(held)
    if basket.stage == "done" and not all(key in marks.resolved for key in keys):
        whole = shares(begun, held)
        proved = whole * begun.payout // ONE
        for leg in begun.legs:
            rest[leg.key, leg.outcome] = rest.get((leg.key, leg.outcome), 0) - whole * leg.weight
    worth = proved + sum(qty * marks.of(*place) for place, qty in rest.items()) // ONE
    ending: Ending = "settled" if resolved else "open" if held else "sold"
    if not held and basket.stage in ("unwind", "unwound") and basket.why != "sold early":
        ending = "unwound"
    times = [fill.venue_at for _, fill in fills]
    ends = [marks.resolved[key][1] for key, _ in held] if resolved else [max(times)]
    net = total.cash - total.fees + worth
    broken = ending == "unwound" or basket.stage in ("unwind", "stuck")
    sold = [cost for cost in total.cost.values() if cost[2]]
    risk = sum(c[1] * c[2] // max(1, c[0]) - c[3] for c in sold) if broken else 0
    legs = tuple(
        _leg(key, outcome, cost, total, marks) for (key, outcome), cost in total.cost.items()
    )
    return Trade(
        name, begun.strategy or begun.kind, begun.kind, "", _venues(keys), keys[0], begun.at,
        min(times), max(ends) if ending != "open" else Ns(0), ending, legs, begun.qty,
        Usd(total.bought + total.fees),
        Usd(net + total.fees + total.slippage + risk), Usd(total.fees), Usd(total.slippage),
        Usd(risk), Usd(0), Usd(0), Usd(net), Usd(worth if resolved else 0), begun.promised,
        begun.promised * ONE // max(1, begun.payout * begun.qty // ONE), broken=broken,
        why=basket.why,
    )  # fmt: skip


def _leg(key: str, outcome: Outcome, cost: list[int], total: Sum, marks: Marks) -> Leg:
    bought, paid, sold, got = cost
    left = total.held[key, outcome]
    side: Literal["yes", "no"] = "yes" if outcome == "yes" else "no"
    if left and key in marks.resolved:
        exit_px: int | None = marks.of(key, outcome)
    else:
        exit_px = got * ONE // sold if sold and not left else None
    return Leg(
        key, side, Qty(max(bought, sold)), Px(paid * ONE // bought if bought else 0),
        None if exit_px is None else Px(exit_px),
    )  # fmt: skip


def _venues(keys: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.partition(":")[0] for key in keys))


class Position:
    """A position of one strategy in one market, in YES terms, from flat to flat."""

    def __init__(self, name: str, life: Life, at: Ns) -> None:
        self.name = name
        self.strategy = life.order.strategy or "manual"
        self.key = life.order.key
        self.decided = life.decided_at
        self.opened = self.last = at
        self.qty = 0
        self.most = 0
        self.capital = 0
        self.money = self.fees = self.slippage = 0
        self.into = [0, 0]  # contracts and price x contracts that opened it, in YES terms
        self.out = [0, 0]
        self.maker = True
        self.long = True

    def add(self, fill: OrderFilled, slip: int) -> None:
        buys = (fill.action == "buy") == (fill.outcome == "yes")
        px = fill.px if fill.outcome == "yes" else ONE - fill.px
        if not self.most:
            self.long = buys
        self.qty += fill.qty if buys else -fill.qty
        self.money -= (px if buys else -px) * fill.qty
        bucket = self.into if buys == self.long else self.out
        bucket[0] += fill.qty
        bucket[1] += px * fill.qty
        self.most = max(self.most, abs(self.qty))
        locked = abs(self.qty) * (px if self.long else ONE - px) // ONE
        self.capital = max(self.capital, locked + fill.fee)
        self.fees += fill.fee
        self.slippage += slip
        self.maker = self.maker and fill.maker
        self.last = fill.venue_at

    def trade(self, marks: Marks) -> Trade:
        """The whole of it: what is left is worth what the market paid or is marked at."""
        resolved = marks.resolved.get(self.key)
        worth = self.qty * marks.of(self.key, "yes")
        net = (self.money + worth) // ONE - self.fees
        ending: Ending = "sold" if not self.qty else "settled" if resolved else "open"
        closed = self.last if not self.qty else max(self.last, resolved[1]) if resolved else Ns(0)
        bought = self.into[1] // max(1, self.into[0])
        out: int | None = self.out[1] // self.out[0] if self.out[0] and not self.qty else None
        if self.qty and resolved:
            out = resolved[0]
        if not self.long:
            bought, out = ONE - bought, None if out is None else ONE - out
        leg = Leg(
            self.key, "yes" if self.long else "no", Qty(self.into[0]), Px(bought),
            None if out is None else Px(out),
        )  # fmt: skip
        settled = worth // ONE if self.qty and resolved else 0
        return Trade(
            self.name, self.strategy, "position", "", _venues([self.key]), self.key, self.decided,
            self.opened, closed, ending, (leg,), Qty(self.most), Usd(max(0, self.capital)),
            Usd(net + self.fees + self.slippage), Usd(self.fees), Usd(self.slippage), net=Usd(net),
            settlement=Usd(settled), maker=self.maker,
            why="" if ending != "sold" else "flat",
        )  # fmt: skip


def positions(
    account: Account, observer: Observer, marks: Marks, since: Ns
) -> tuple[list[Trade], dict[str, str]]:
    """Positions of orders without a basket, and which of them each fill belongs to."""
    fills = sorted(
        (
            (fill.venue_at, n, life, fill)
            for n, life in enumerate(account.orders.values())
            if not life.order.basket and life.decided_at >= since
            for fill in life.fills
        ),
        key=lambda row: row[:2],
    )
    open_: dict[tuple[str, str], Position] = {}
    over: list[Position] = []
    owner: dict[str, str] = {}
    for at, _, life, fill in fills:
        place = (life.order.strategy, life.order.key)
        position = open_.get(place)
        if position is None:
            position = open_[place] = Position(f"p{len(over) + len(open_) + 1}", life, at)
        position.add(fill, slipped(life, fill, observer))
        owner[f"{fill.order}/{fill.trade}"] = position.name
        if not position.qty:
            over.append(open_.pop(place))
    return [one.trade(marks) for one in [*over, *open_.values()]], owner
