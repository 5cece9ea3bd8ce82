"""A knock-out: its teams in order of the draw, contracts on it, and their exact worst case.

The worst case over all 2^(teams - 1) ways it can end is a dynamic programme: what the winner of a
game is worth depends only on who won the two games before.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from dutchbook.domain.units import ONE

Wins = tuple[tuple[int, ...], ...]
"""For each round the winners, in order of the draw, as numbers of teams."""


class Reach(NamedTuple):
    """YES pays if the team wins so many games: one win is the second round."""

    team: int
    wins: int


class Beats(NamedTuple):
    """YES pays if `a` beats `b`, NO if `b` beats `a`; if they never meet, YES pays `unmet`."""

    a: int
    b: int
    unmet: int = ONE // 2


Contract = Reach | Beats


class Bracket(msgspec.Struct, frozen=True):
    """`teams` in order of the draw (2, 4, 8 and so on); `contracts` by market key."""

    teams: tuple[str, ...]
    contracts: dict[str, Contract]

    @property
    def rounds(self) -> int:
        return len(self.teams).bit_length() - 1

    def check(self) -> None:
        """Raises ValueError for a number of teams or a contract that can't be."""
        count = len(self.teams)
        if count < 2 or count & (count - 1) or len(set(self.teams)) < count:
            raise ValueError("the teams are a power of two, each named once")
        for key, contract in self.contracts.items():
            good = 0 <= contract[0] < count and (
                1 <= contract.wins <= self.rounds
                if isinstance(contract, Reach)
                else 0 <= contract.b < count
                and contract.a != contract.b
                and 0 <= contract.unmet <= ONE
            )
            if not good:
                raise ValueError(f"{key}: there is no such team, round or payment")


def meeting(a: int, b: int) -> int:
    """The round in which two teams would meet; 1 is the first."""
    return (a ^ b).bit_length()


def rivals(team: int, played: int) -> range:
    """Those that a team may meet in a round."""
    block = (team >> (played - 1)) ^ 1
    return range(block << (played - 1), (block + 1) << (played - 1))


def worst(bracket: Bracket, nets: Mapping[str, int]) -> tuple[int, Wins]:
    """(the least that YES less NO contracts pay, an end in which they do), exactly.

    `nets` are millionths of contracts, the payment is in millionths of a millionth of a dollar.
    """
    count = len(bracket.teams)
    reach = [[0] * count for _ in range(bracket.rounds + 1)]
    pair: list[dict[int, int]] = [{} for _ in range(count)]
    base = 0
    for key, net in nets.items():
        contract = bracket.contracts[key]
        if isinstance(contract, Reach):
            reach[contract.wins][contract.team] += net * ONE
        elif net:
            a, b, unmet = contract
            base += net * unmet
            pair[a][b] = pair[a].get(b, 0) + net * (ONE - unmet)
            pair[b][a] = pair[b].get(a, 0) - net * unmet
    value = [0] * count
    chosen: list[list[int]] = []
    for played in range(1, bracket.rounds + 1):
        after, over = [0] * count, [0] * count
        for team in range(count):
            extra, foes = pair[team], rivals(team, played)
            at = min(foes, key=lambda foe: value[foe] + extra.get(foe, 0))
            over[team] = at
            after[team] = value[team] + reach[played][team] + value[at] + extra.get(at, 0)
        value = after
        chosen.append(over)
    best = min(range(count), key=value.__getitem__)
    return value[best] + base, _ends(chosen, best)


def pays(bracket: Bracket, key: str, wins: Wins) -> int:
    """What a YES pays in an end, in millionths."""
    contract = bracket.contracts[key]
    if isinstance(contract, Reach):
        return ONE * (contract.team in wins[contract.wins - 1])
    played = meeting(contract.a, contract.b)
    before = wins[played - 2] if played > 1 else range(len(bracket.teams))
    if contract.a in before and contract.b in before:
        return ONE * (contract.a in wins[played - 1])
    return contract.unmet


def _ends(chosen: Sequence[Sequence[int]], champion: int) -> Wins:
    """The winners of each round, from the last one backwards."""
    winners = [champion]
    found: list[tuple[int, ...]] = [(champion,)]
    for over in chosen[:0:-1]:
        winners = sorted([*winners, *(over[team] for team in winners)])
        found.append(tuple(winners))
    return tuple(reversed(found))
