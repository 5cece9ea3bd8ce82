"""Markets that hang together, on one set of end states with one probability for each.

A market's YES is a set of end states, its fair value the sum of their probabilities. As long as
every bid is at most, and every offer at least, the fair value, no basket of any kind can be had
below its payout: this is how the generator keeps free of accidental arbitrage.
"""

import msgspec

from dutchbook.domain.units import ONE


class Cluster(msgspec.Struct):
    """One question. `p` are whole millionths with the sum ONE; `heat` 0 quiet to 3 busy.

    `theme` is "ladder", "event", "single" or "other"; `home` is where the walk began.
    """

    name: str
    theme: str
    p: list[int]
    heat: int = 0
    states: dict[str, frozenset[int]] = msgspec.field(default_factory=dict)
    home: list[int] = msgspec.field(default_factory=list)
    locked: str = ""
    free_at: int = 0

    def fair(self, key: str) -> int:
        """The fair price of a market's YES in millionths."""
        return sum(self.p[state] for state in self.states[key])


def normal(weights: list[float], floor: int = 4_000) -> list[int]:
    """Probabilities in whole millionths with the sum ONE, each at least `floor`."""
    spare = ONE - floor * len(weights)
    total = sum(weights)
    p = [floor + int(spare * weight / total) for weight in weights]
    p[max(range(len(p)), key=p.__getitem__)] += ONE - sum(p)
    return p
