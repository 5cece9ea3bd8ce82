"""To which share legs can be brought: a venue takes no order below its least size."""

from math import lcm

from dutchbook.domain.candidate import View
from dutchbook.domain.orders import LegPlan
from dutchbook.domain.step import BasketBegun
from dutchbook.domain.units import ceil_div
from dutchbook.execution.prices import least


def equal(begun: BasketBegun, nets: list[int]) -> int | None:
    """The shares that a basket has if every leg has its part of them; None if they differ."""
    first = begun.legs[0].weight
    if any(net * first != nets[0] * leg.weight for net, leg in zip(nets, begun.legs, strict=True)):
        return None
    return nets[0] // first


def target_up(begun: BasketBegun, nets: list[int], view: View) -> int:
    """The largest share, or the next above it to which every leg can be bought.

    More than the basket was decided for is never aimed at.
    """
    leasts, legs, lot = _leasts(begun, view), begun.legs, _lot(begun, view)
    share = high = _up(max(map(_shares_up, nets, legs)), lot)
    while short := _between(share, nets, leasts, legs, 1):
        share = _up(max(ceil_div(have + size, weight) for have, size, weight in short), lot)
    return share if share <= begun.qty else high


def target_down(begun: BasketBegun, nets: list[int], view: View) -> int:
    """The smallest share, or the next below it to which every leg can be sold."""
    leasts, legs, lot = _leasts(begun, view), begun.legs, _lot(begun, view)
    share = min(have // leg.weight for have, leg in zip(nets, legs, strict=True))
    share = low = share - share % lot
    while short := _between(share, nets, leasts, legs, -1):
        share = min((have - size) // weight for have, size, weight in short)
        share -= share % lot
    return share if share >= 0 else low


def _between(
    share: int, nets: list[int], leasts: list[int], legs: tuple[LegPlan, ...], sign: int
) -> list[tuple[int, int, int]]:
    """Legs whose way to a share is too short for an order: (what they have, the least order,
    contracts in a share)."""
    return [
        (have, size, leg.weight)
        for have, size, leg in zip(nets, leasts, legs, strict=True)
        if 0 < sign * (share * leg.weight - have) < size
    ]


def _shares_up(have: int, leg: LegPlan) -> int:
    return ceil_div(have, leg.weight)


def _up(share: int, lot: int) -> int:
    return ceil_div(share, lot) * lot


def _lot(begun: BasketBegun, view: View) -> int:
    """Where legs differ in size: shares of so many millionths are whole lots of every leg."""
    if all(leg.weight == 1 for leg in begun.legs):
        return 1  # what any leg has is whole lots already
    return lcm(*(view.instrument(leg.key).lot for leg in begun.legs))


def _leasts(begun: BasketBegun, view: View) -> list[int]:
    return [least(view.instrument(leg.key), leg.px) for leg in begun.legs]
