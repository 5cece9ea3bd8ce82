"""What links, events and ranges say of outcomes, as linear inequalities, and the states left."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dutchbook.optimize.joint import Rule

States = npt.NDArray[np.int64]
"""A row per joint end state: 1 where the market of that column settles YES."""


class Linear(NamedTuple):
    """Of markets that pay 1 or 0: the sum of weights times outcomes is `least` or more."""

    members: tuple[str, ...]
    weights: tuple[int, ...]
    least: int


def linears(rules: Iterable[Rule]) -> list[Linear]:
    """The same as inequalities. Raises ValueError for `opposite` or `implies` of more than two."""
    found: list[Linear] = []
    for kind, named in rules:
        members = tuple(dict.fromkeys(named))
        if kind in ("exclusive", "exhaustive"):
            sign = -1 if kind == "exclusive" else 1
            found.append(Linear(members, (sign,) * len(members), sign))
        elif kind == "same":
            pairs = zip(members, (*members[1:], members[0]), strict=True)
            found += [Linear(pair, (1, -1), 0) for pair in pairs if len(members) > 1]
        elif len(members) != 2:
            raise ValueError(f"{kind} is said of two markets, not of {len(members)}")
        elif kind == "opposite":
            found += [Linear(members, (1, 1), 1), Linear(members, (-1, -1), -1)]
        else:
            found.append(Linear(members, (-1, 1), 0))
    return found


def ranges(name: str, bounds: Mapping[str, tuple[int, int]]) -> list[Linear]:
    """Markets that pay if one number n lies in low <= n < high, by the cells between all edges.

    Cells are markets that nobody trades, called `name#0`, `name#1` and so on.
    """
    edges = sorted({edge for pair in bounds.values() for edge in pair})
    cells = tuple(f"{name}#{n}" for n in range(len(edges) + 1))
    ones = (1,) * len(cells)
    found = [Linear(cells, ones, 1), Linear(cells, tuple(-one for one in ones), -1)]
    for key, (low, high) in bounds.items():
        inside = cells[edges.index(low) + 1 : edges.index(high) + 1]
        found.append(Linear((key, *inside), (1, *(-1 for _ in inside)), 0))
        found.append(Linear((key, *inside), (-1, *(1 for _ in inside)), 0))
    return found


def parts(keys: Iterable[str], rules: Sequence[Linear]) -> list[tuple[str, ...]]:
    """The keys, and what the rules name beside them, in groups that no rule joins."""
    touching: dict[str, list[Linear]] = {}
    for rule in rules:
        for key in rule.members:
            touching.setdefault(key, []).append(rule)
    seen: set[str] = set()
    found = []
    for first in keys:
        if first in seen:
            continue
        group = dict.fromkeys([first])
        queue = [first]
        for key in queue:
            for rule in touching.get(key, ()):
                new = [member for member in rule.members if member not in group]
                group.update(dict.fromkeys(new))
                queue += new
        seen.update(group)
        found.append(tuple(group))
    return found


def states_of(
    keys: Sequence[str], group: Sequence[str], rules: Sequence[Linear], most: int
) -> States | None:
    """The joint states of `keys`, equal ones merged; None if more than `most` are in the way.

    `group` holds the keys and all that the rules join them with. Market after market is decided
    in every state so far; a rule strikes a state out as soon as nothing can make it true.
    """
    place = {key: n for n, key in enumerate(group)}
    mine = [rule for rule in rules if rule.members[0] in place]
    touching: list[list[tuple[int, int]]] = [[] for _ in group]
    for n, rule in enumerate(mine):
        for key, weight in zip(rule.members, rule.weights, strict=True):
            touching[place[key]].append((n, weight))
    # What each rule can still reach, less what it needs; column n of `slack` is rule n's.
    slack = np.array([[sum(max(w, 0) for w in r.weights) - r.least for r in mine]], np.int64)
    if (slack < 0).any():
        return np.zeros((0, len(keys)), np.int64)
    states: States = np.zeros((1, 0), np.int64)
    for at in range(len(group)):
        rules_at = [n for n, _ in touching[at]]
        weights = np.array([w for _, w in touching[at]], np.int64)
        sides = [slack[:, rules_at] - np.maximum(weights, 0)]
        sides.append(slack[:, rules_at] + np.minimum(weights, 0))
        keep = [(side >= 0).all(axis=1) for side in sides]
        slack = np.concatenate([slack[keep[0]], slack[keep[1]]])
        slack[:, rules_at] = np.concatenate([sides[0][keep[0]], sides[1][keep[1]]])
        bits = np.repeat([0, 1], [int(keep[0].sum()), int(keep[1].sum())])
        states = np.column_stack([np.concatenate([states[keep[0]], states[keep[1]]]), bits])
        if len(states) > most:
            return None
    return np.unique(states[:, [place[key] for key in keys]], axis=0)


def least(
    group: Sequence[str], rules: Sequence[Linear], worth: Mapping[str, int], most: int
) -> int | None:
    """The least that any joint state is worth, exactly; None where that takes too long.

    Worth is the sum over the markets that settle YES. Of prefixes after which the rules leave the
    same open, only the cheapest is kept; `most` of them at a time. Raises ValueError where no
    state is left.
    """
    place = {key: n for n, key in enumerate(group)}
    mine = [rule for rule in rules if rule.members[0] in place]
    touching: list[list[tuple[int, int]]] = [[] for _ in group]
    for n, rule in enumerate(mine):
        for key, weight in zip(rule.members, rule.weights, strict=True):
            touching[place[key]].append((n, weight))
    open_ = [sum(map(abs, rule.weights)) for rule in mine]
    slack = [sum(max(w, 0) for w in rule.weights) - rule.least for rule in mine]
    first = tuple(min(pair) for pair in zip(slack, open_, strict=True))
    kept = {first: 0} if min(slack, default=0) >= 0 else {}
    for key, touched in zip(group, touching, strict=True):
        gain = worth.get(key, 0)
        for n, weight in touched:
            open_[n] -= abs(weight)
        after: dict[tuple[int, ...], int] = {}
        for before, value in kept.items():
            for bit in (0, 1):
                now = list(before)
                for n, weight in touched:
                    now[n] = min(now[n] + (min(weight, 0) if bit else -max(weight, 0)), open_[n])
                if all(now[n] >= 0 for n, _ in touched):
                    end, total = tuple(now), value + gain * bit
                    if total < after.get(end, total + 1):
                        after[end] = total
        kept = after
        if len(kept) > most:
            return None
    if not kept:
        raise ValueError("the rules contradict each other")
    return min(kept.values())
