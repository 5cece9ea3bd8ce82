"""The joint end states of linked markets: which of them can settle YES together.

Only 0 and 1 are enumerated. Where the terms define a 50/50 void, it is the middle of two of these
states (`optimize/states.py`), and what contracts pay is linear in it, so no void lowers a worst
case.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.instrument import EventGroup
from dutchbook.domain.relations import Kind, Link

STATES_MAX: Final = 4_096
"""Joint states of one cluster, at most; beyond this its links are set aside."""


class Holding(msgspec.Struct, frozen=True):
    """Contracts held of one outcome, and what they cost, fees included; in millionths."""

    key: str
    outcome: Outcome
    qty: int
    cost: int


class Rule(NamedTuple):
    """What the venue or an approved link says of some markets; kinds as those of `Link`."""

    kind: Kind
    members: tuple[str, ...]


class Cluster(NamedTuple):
    """Markets that hang together and every way they can settle: 1 for YES, in order of `keys`.

    `loose` says why links were set aside: then each market stands alone, which allows more
    states, so a worst case over them is never too good.
    """

    keys: tuple[str, ...]
    states: tuple[tuple[int, ...], ...]
    loose: str = ""


def rules_of(groups: Iterable[EventGroup], links: Iterable[Link]) -> list[Rule]:
    """The venues' own claims about events, then approved links."""
    rules: list[Rule] = []
    for group in groups:
        if group.exclusive:
            rules.append(Rule("exclusive", group.members))
        if group.exhaustive:
            rules.append(Rule("exhaustive", group.members))
    return rules + [Rule(link.kind, link.members) for link in links]


def clusters(
    keys: Sequence[str], rules: Sequence[Rule], *, states_max: int = STATES_MAX
) -> list[Cluster]:
    """The keys in clusters that no rule joins, each with its joint states, by first appearance.

    Markets that were not asked for still carry what is known from one to the next (A implies B
    implies C); they are left out of the result.
    """
    found: list[Cluster] = []
    for component in components(keys, rules):
        asked = tuple(key for key in dict.fromkeys(keys) if key in component)
        found += _cluster(asked, tuple(component), rules, states_max)
    return found


def profits(cluster: Cluster, holdings: Sequence[Holding]) -> list[int]:
    """What holdings in a cluster's markets pay in each of its states, less what they cost."""
    spent = sum(holding.cost for holding in holdings)
    terms = [(cluster.keys.index(h.key), int(h.outcome == "yes"), h.qty) for h in holdings]
    return [
        sum(qty for at, wins, qty in terms if state[at] == wins) - spent for state in cluster.states
    ]


def components(keys: Iterable[str], rules: Sequence[Rule]) -> list[dict[str, None]]:
    """What each key hangs together with, over any number of rules; ordered sets."""
    by_key: dict[str, list[Rule]] = {}
    for rule in rules:
        for member in rule.members:
            by_key.setdefault(member, []).append(rule)
    seen: set[str] = set()
    found: list[dict[str, None]] = []
    for first in keys:
        if first in seen:
            continue
        component = {first: None}
        queue = [first]
        for key in queue:
            for rule in by_key.get(key, ()):
                for member in rule.members:
                    if member not in component:
                        component[member] = None
                        queue.append(member)
        seen.update(component)
        found.append(component)
    return found


def _cluster(
    asked: tuple[str, ...], component: tuple[str, ...], rules: Sequence[Rule], most: int
) -> list[Cluster]:
    """One cluster; or, where there are too many states or none, every market by itself."""
    states, why = _states(component, rules, most)
    if why and len(component) > len(asked):
        # What the asked ones say of each other alone is less, and never wrong.
        states, again = _states(asked, rules, most)
        if not again:
            return [Cluster(asked, tuple(states), why)]
    if why:
        return [Cluster((key,), ((0,), (1,)), why) for key in asked]
    places = [component.index(key) for key in asked]
    bits = (tuple(state[place] for place in places) for state in states)
    return [Cluster(asked, tuple(dict.fromkeys(bits)))]


def _states(
    keys: tuple[str, ...], rules: Sequence[Rule], most: int
) -> tuple[list[tuple[int, ...]], str]:
    """All states that the rules allow, or why there is no list of them.

    Market after market is added to every state so far, as a bit; a rule strikes a state out as
    soon as it is broken.
    """
    place = {key: n for n, key in enumerate(keys)}
    touching: list[list[tuple[Rule, int, int]]] = [[] for _ in keys]
    for rule in rules:
        places = [place[key] for key in rule.members if key in place]
        if rule.kind == "exhaustive" and len(places) < len(rule.members):
            continue  # the one that comes true may be another
        for at in places:
            before = sum(1 << n for n in places if n < at)
            touching[at].append((rule, before, int(at == max(places))))
    prefixes = [0]
    for at, key in enumerate(keys):
        prefixes = [
            prefix | bit << at
            for prefix in prefixes
            for bit in (0, 1)
            if all(_allows(*told, key, bit, prefix) for told in touching[at])
        ]
        if len(prefixes) > most:
            return [], "too many joint states"
    if not prefixes:
        return [], "the links contradict each other"
    return [tuple(prefix >> n & 1 for n in range(len(keys))) for prefix in prefixes], ""


def _allows(rule: Rule, before: int, last: int, key: str, bit: int, prefix: int) -> bool:
    """Whether a rule stands when `key` settles as `bit` says; `before`: its members decided."""
    kind, yes = rule.kind, prefix & before
    if kind == "exclusive":
        return not (bit and yes)
    if kind == "exhaustive":
        return bool(bit or yes or not last)
    if not before:
        return True
    if kind == "same":
        return yes == (before if bit else 0)
    if kind == "opposite":
        return bool(yes) != bool(bit)
    return bool(yes or not bit) if key == rule.members[0] else bool(bit or not yes)
