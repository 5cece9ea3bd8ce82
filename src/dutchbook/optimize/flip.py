"""What would turn a rejected candidate into an opportunity, in numbers, by the offers of now."""

from typing import Any, Final

import msgspec

from dutchbook.domain.candidate import Candidate, View
from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, ceil_div
from dutchbook.optimize.walk import Limits, unit_fee

TURNS: Final = 8
"""So often a price is tried that moves the fee, too."""


def flips(candidate: Candidate, view: View, limits: Limits) -> list[dict[str, Any]]:
    """Each alone would do, save "more", of which all are needed; prices and sizes in millionths.

    cheaper: a leg by so much, to `px`. fees: all of them at most this share of what they are.
    maker: the fee of a leg that rests. more: contracts at the best price of a leg.
    """
    need = ceil_div(limits.edge_min * candidate.payout, ONE)
    legs = list(zip(candidate.legs, candidate.times(), strict=True))
    best = {leg: view.best(*leg) for leg, _ in legs}
    rates = {leg: view.instrument(leg[0]).fees for leg, _ in legs}

    def net(px_of: dict[Any, int], fees: dict[Any, FeeSchedule]) -> int:
        return candidate.payout - sum(
            w * (px_of[leg] + unit_fee(fees[leg], px_of[leg])) for leg, w in legs
        )

    prices = {leg: int(top[0]) for leg, top in best.items()}
    left = net(prices, rates)
    if left >= need:
        return [
            {"what": "more", "market": leg[0], "outcome": leg[1], "px": prices[leg],
             "by": limits.size_min * w - best[leg][1]}
            for leg, w in legs
            if best[leg][1] < limits.size_min * w
        ]  # fmt: skip
    found: list[dict[str, Any]] = []
    for leg, w in legs:
        px = prices[leg]
        for _ in range(TURNS):
            short = need - net(prices | {leg: px}, rates)
            if short <= 0 or px <= 0:
                break
            px -= ceil_div(short, w)
        if 0 < px < prices[leg] and net(prices | {leg: px}, rates) >= need:
            found.append({"what": "cheaper", "market": leg[0], "outcome": leg[1],
                          "by": prices[leg] - px, "px": px})  # fmt: skip
    gross = candidate.payout - sum(w * prices[leg] for leg, w in legs)
    fees = gross - left
    room = gross - need - sum(w for _, w in legs)  # each contract's fee is rounded up
    if fees > 0 and room >= 0:
        found.append({"what": "fees", "share": room * ONE // fees})
    for leg, _ in legs:
        rests = msgspec.structs.replace(rates[leg], taker=rates[leg].maker)
        if rests != rates[leg] and net(prices, rates | {leg: rests}) >= need:
            found.append({"what": "maker", "market": leg[0], "outcome": leg[1]})
    return found
