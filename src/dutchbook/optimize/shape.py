"""The worst that whole multiples of some outcomes pay, exactly, over all joint end states."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from dutchbook.domain.candidate import Candidate, Outcome
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.optimize.joint import rules_of
from dutchbook.optimize.logic import Linear, States, least, linears, parts, states_of

KEPT_MAX: Final = 20_000
"""Beginnings of joint states beside each other in the exact search, at most."""
LISTED_MAX: Final = 64
"""Joint states that a certificate lists one by one, at most."""

Legs = Sequence[tuple[str, Outcome]]


def payout(
    legs: Legs, weights: Sequence[int], links: Sequence[Link], groups: Sequence[EventGroup]
) -> int | None:
    """The least that one share pays, in millionths; None where that can't be told exactly.

    Raises ValueError where links and events contradict each other.
    """
    return worst(legs, weights, linears(rules_of(groups, links)))


def worst(legs: Legs, weights: Sequence[int], rules: Sequence[Linear]) -> int | None:
    """As `payout`, from inequalities."""
    nets, base = _nets(legs, weights)
    total = 0
    for group in parts(nets, rules):
        part = least(group, rules, nets, KEPT_MAX)
        if part is None:
            return None
        total += part
    return (total + base) * ONE


def listed(candidate: Candidate) -> list[dict[str, int]]:
    """What a YES of each market pays in each joint state; [] where these are many."""
    rules = linears(rules_of(candidate.groups, candidate.links))
    keys = tuple(dict.fromkeys(key for key, _ in candidate.legs))
    named = _joined(keys, rules)
    found = states_of(keys, named, rules, LISTED_MAX)
    return [] if found is None else _rows(keys, found)


def _rows(keys: Sequence[str], states: States) -> list[dict[str, int]]:
    return [dict(zip(keys, (state * ONE).tolist(), strict=True)) for state in np.asarray(states)]


def _joined(keys: Sequence[str], rules: Sequence[Linear]) -> tuple[str, ...]:
    """The keys and everything that the rules name with them."""
    return tuple(dict.fromkeys(key for group in parts(keys, rules) for key in group))


def _nets(legs: Legs, weights: Sequence[int]) -> tuple[dict[str, int], int]:
    """YES less NO of each market, and the NOs, which pay where YES does not."""
    found: dict[str, int] = {}
    base = 0
    for (key, outcome), weight in zip(legs, weights, strict=True):
        found[key] = found.get(key, 0) + (weight if outcome == "yes" else -weight)
        base += weight * (outcome == "no")
    return found, base
