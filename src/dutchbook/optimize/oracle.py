"""Finds the joint state that hurts most among too many to list: a search by whole numbers."""

from collections.abc import Mapping, Sequence

import numpy as np

from dutchbook.domain.errors import SolverError
from dutchbook.optimize.logic import Linear, States
from dutchbook.optimize.lp import INF, Lp, Row


class Oracle:
    """The states that rules leave for the markets of one group, behind one programme kept warm."""

    def __init__(self, keys: Sequence[str], group: Sequence[str], rules: Sequence[Linear]) -> None:
        self.group = tuple(group)
        self._keys = tuple(keys)
        self._place = {key: n for n, key in enumerate(group)}
        self.rules = tuple(rule for rule in rules if rule.members[0] in self._place)
        rows = [
            Row(rule.least, INF, [self._place[key] for key in rule.members], rule.weights)
            for rule in self.rules
        ]
        size = len(group)
        self._lp = Lp(np.zeros(size), np.ones(size), rows, whole=range(size), seconds=30.0)

    def worst(self, worth: Mapping[str, float]) -> tuple[States, float]:
        """(the state found, what the solver says no state is worth less than).

        Raises SolverError where the rules contradict each other, or the state breaks one.
        """
        self._lp.prices(np.array([-worth.get(key, 0.0) for key in self.group]))
        found = self._lp.solve()
        bits = np.rint(found.x).astype(np.int64)
        for rule in self.rules:
            total = sum(w * int(bits[self._place[k]]) for k, w in zip(*rule[:2], strict=True))
            if total < rule.least:
                raise SolverError("the solver's state breaks a rule")
        state: States = bits[[self._place[key] for key in self._keys]]
        return state, -found.bound
