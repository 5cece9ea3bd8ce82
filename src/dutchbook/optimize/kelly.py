"""How much of the bankroll to put on bets that may lose: Kelly's growth rate, and a part of it.

The size that maximises the expected log of wealth (Kelly 1956), for one bet in closed form and
for several under joint scenarios as a concave problem, then a fraction of it (a quarter by
default), which gives up little growth for much less variance (MacLean, Thorp & Ziemba 2010).
The search is in floats; what it proposes is rounded down to whole lots, and every promise is
then checked in whole numbers: the edge of each bet with its fees, and that all of them together
cost no more than the bankroll.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from dutchbook.domain.fees import order_total
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, Px, Qty, Usd
from dutchbook.optimize.barrier import maximise

Floats = npt.NDArray[np.float64]
QUARTER: Final = 250_000
LOT: Final = Qty(10_000)
UNBOUND: Final = 2.0
"""A share of the bankroll that the bankroll itself forbids."""
BINDS: Final = 1e-5
"""A shadow price below this (log growth per whole bankroll) is that of a bound with room."""


class Bet(msgspec.Struct, frozen=True):
    """One outcome at one price. `cap` is the most that it may cost, fees included; `qty_max` how
    much is offered: a ladder is a bet for each of its levels. Both: no bound if negative."""

    name: str
    px: Px
    fees: FeeSchedule
    cap: Usd = Usd(-1)
    qty_max: Qty = Qty(-1)
    size_min: Qty = LOT
    lot: Qty = LOT


class Scenario(msgspec.Struct, frozen=True):
    """A joint end: its chance in millionths, and what a contract of each bet pays."""

    chance: int
    pays: tuple[int, ...]


class Sizing(msgspec.Struct, frozen=True):
    """Contracts and cost of each bet, and the expected log growth of just these.

    `prices` names the bounds that bind ("cap a", "depth a", "bankroll") with their shadow
    prices: growth at full Kelly for another whole bankroll of room.
    """

    qty: tuple[Qty, ...]
    cost: tuple[Usd, ...]
    growth: float
    prices: dict[str, float]


def single(bet: Bet, chance: int, bankroll: int, fraction: int = QUARTER) -> Qty:
    """Contracts of one bet that pays a dollar with `chance`, else nothing; 0 without an edge.

    The stake is fraction x (p - c) / (1 - c) of the bankroll (Kelly 1956; Thorp 2006, eq. 2.1),
    with c what a contract costs with its fee. Whole numbers throughout.
    """
    _check(bankroll, fraction)
    _check_chance(chance)
    each = unit_cost(bet)  # of ONE contracts: millionths of a millionth
    if chance * ONE <= each or each >= ONE * ONE:
        return Qty(0)
    stake = fraction * bankroll * (chance * ONE - each) // (ONE * (ONE * ONE - each))
    qty = min(stake * ONE * ONE // each, _most(bet))
    return _sound(bet, qty, chance, min(bankroll, bet.cap) if bet.cap >= 0 else bankroll)


def kelly(
    bets: Sequence[Bet], scenarios: Sequence[Scenario], bankroll: int, fraction: int = QUARTER
) -> Sizing:
    """Sizes that maximise expected log growth under caps, depth and the bankroll, in part.

    A bet that by itself has no edge is left at 0, also where it would hedge another: hedges are
    found by their own rules. Raises ValueError for chances that don't sum to 1.
    """
    _check(bankroll, fraction)
    _check_scenarios(bets, scenarios)
    means = [sum(s.chance * s.pays[n] for s in scenarios) for n in range(len(bets))]
    chosen = [n for n, bet in enumerate(bets) if means[n] > unit_cost(bet) and _most(bet)]
    nothing = Sizing((Qty(0),) * len(bets), (Usd(0),) * len(bets), 0.0, {})
    if not chosen or not bankroll or not fraction:
        return nothing
    likely = [s for s in scenarios if s.chance]
    each = np.array([unit_cost(bets[n]) / ONE / ONE for n in chosen])
    pays = np.array([[s.pays[n] / ONE for n in chosen] for s in likely])
    weights = np.array([s.chance / ONE for s in likely])
    bounds, names = _bounds([bets[n] for n in chosen], each, bankroll, fraction)
    found = maximise(pays / each - 1, weights, bounds)
    qty = [Qty(0)] * len(bets)
    for place, n in enumerate(chosen):
        wanted = int(found.shares[place] * fraction * bankroll / ONE / each[place])
        if names[place] and found.prices[place] > BINDS:
            wanted = _most(bets[n])  # the search ends just inside
        cap = bets[n].cap if bets[n].cap >= 0 else bankroll
        qty[n] = _sound(bets[n], min(wanted, _most(bets[n])), means[n] // ONE, cap)
    cost = _within(bets, qty, [mean // ONE for mean in means], bankroll)
    growth = growth_of(qty, cost, scenarios, bankroll)
    if growth <= 0:
        return nothing  # what rounding left of a hedged set is not worth having
    binding = {
        name: price
        for name, price in zip((*names, "bankroll"), found.prices, strict=True)
        if price > BINDS and name
    }
    return Sizing(tuple(qty), tuple(cost), growth, binding)


def exclusive(chances: Sequence[int]) -> tuple[Scenario, ...]:
    """The scenarios of bets on outcomes of which at most one comes true, with these chances.

    Raises ValueError if they sum to more than 1.
    """
    rest = ONE - sum(chances)
    if rest < 0 or min(chances, default=0) < 0:
        raise ValueError("chances of exclusive outcomes sum to 1 at most")
    alone = [
        Scenario(chance, tuple(ONE * (m == n) for m in range(len(chances))))
        for n, chance in enumerate(chances)
    ]
    return (*alone, Scenario(rest, (0,) * len(chances)))


def growth_of(
    qty: Sequence[int], cost: Sequence[int], scenarios: Sequence[Scenario], bankroll: int
) -> float:
    """The expected log of wealth after, over wealth before; -inf where all may be lost."""
    total = 0.0
    for s in scenarios:
        after = bankroll - sum(cost) + sum(q * y // ONE for q, y in zip(qty, s.pays, strict=True))
        if s.chance:
            total += s.chance / ONE * (float(np.log(after / bankroll)) if after > 0 else -np.inf)
    return total


def unit_cost(bet: Bet) -> int:
    """What a contract costs with its fee, in millionths of a millionth of a dollar.

    It is the cost of a million of them: the rounding of a few is not taken for a rate. Raises
    ValueError for a price that is not between 0 and 1.
    """
    if not 0 < bet.px < ONE:
        raise ValueError(f"{bet.name}: a price lies between 0 and 1")
    return order_total(bet.fees, [(bet.px, ONE * ONE)])


def _bounds(
    bets: Sequence[Bet], each: Floats, bankroll: int, fraction: int
) -> tuple[Floats, list[str]]:
    """The largest share of the bankroll at full Kelly for each bet, and what sets it."""
    bounds = np.full(len(bets), UNBOUND)
    names = [""] * len(bets)
    for n, bet in enumerate(bets):
        for what, most in (("cap", bet.cap), ("depth", bet.qty_max * each[n])):
            share = float(most) * ONE / fraction / bankroll
            if most >= 0 and share < bounds[n]:
                bounds[n], names[n] = share, f"{what} {bet.name}"
    return bounds, names


def _most(bet: Bet) -> int:
    """The most that is offered and allowed, before fees."""
    most = bet.qty_max if bet.qty_max >= 0 else ONE**4
    if bet.cap >= 0:
        most = min(most, bet.cap * ONE * ONE // unit_cost(bet))
    return most


def _sound(bet: Bet, qty: int, chance: int, cash: int) -> Qty:
    """The size in whole lots, less where the rounding of fees costs too much; 0 if too small."""
    qty -= qty % bet.lot
    while qty > 0 and _cost(bet, qty) > cash:
        qty -= bet.lot
    if qty < max(bet.size_min, 1) or qty * chance <= _cost(bet, qty) * ONE:
        return Qty(0)
    return Qty(qty)


def _cost(bet: Bet, qty: int) -> Usd:
    return order_total(bet.fees, [(bet.px, qty)]) if qty else Usd(0)


def _within(
    bets: Sequence[Bet], qty: list[Qty], chances: Sequence[int], bankroll: int
) -> list[Usd]:
    """What the sizes cost, after the last ones were made smaller until all is paid for."""
    cost = [_cost(bet, size) for bet, size in zip(bets, qty, strict=True)]
    for n in reversed(range(len(bets))):
        over = sum(cost) - bankroll
        if over <= 0:
            break
        qty[n] = _sound(bets[n], qty[n], chances[n], cost[n] - over)
        cost[n] = _cost(bets[n], qty[n])
    return cost


def _check(bankroll: int, fraction: int) -> None:
    if bankroll < 0 or not 0 <= fraction <= ONE:
        raise ValueError("a bankroll is not negative, a fraction lies between 0 and 1")


def _check_chance(chance: int) -> None:
    if not 0 <= chance <= ONE:
        raise ValueError("a chance lies between 0 and 1")


def _check_scenarios(bets: Sequence[Bet], scenarios: Sequence[Scenario]) -> None:
    if sum(s.chance for s in scenarios) != ONE or min(s.chance for s in scenarios) < 0:
        raise ValueError("the chances of all scenarios sum to 1")
    if any(len(s.pays) != len(bets) or not all(0 <= p <= ONE for p in s.pays) for s in scenarios):
        raise ValueError("a scenario names what each bet pays, 0 to 1")
