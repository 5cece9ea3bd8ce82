"""Everything that goes wrong on the pretend exchanges: which faults, how often, in what order.

The rates stand in one table. The order and the spacing follow from the seed; the moment is when
a connection and a fitting frame are there.
"""

from collections.abc import Iterator
from random import Random
from typing import Final, Literal

from msgspec import Struct

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import MILLI, SECOND

Kind = Literal[
    "withheld", "duplicate", "reordered", "freeze", "disconnect", "slow", "malformed", "429", "tick"
]


class Rate(Struct, frozen=True):
    """One fault in a profile: its share of a round, its length and the rest after it, in ms."""

    kind: Kind
    share: int
    span_ms: tuple[int, int]
    rest_ms: tuple[int, int]


_REST = (1_050, 1_550)
PROFILES: Final[dict[str, tuple[Rate, ...]]] = {
    "none": (),
    # A round of nine takes about 17 s: each fault 3 to 4 times a minute on each venue.
    "rough": (
        Rate("withheld", 1, (0, 0), _REST),
        Rate("duplicate", 1, (0, 0), _REST),
        Rate("reordered", 1, (0, 0), _REST),
        Rate("freeze", 1, (1_000, 2_500), _REST),
        Rate("disconnect", 1, (0, 0), (2_000, 2_500)),
        Rate("slow", 1, (2_000, 2_000), _REST),
        Rate("malformed", 1, (0, 0), _REST),
        Rate("429", 1, (2_000, 2_000), (-1_000, -500)),  # only REST suffers: the next may overlap
        Rate("tick", 1, (0, 0), _REST),
    ),
}
PROFILES["storm"] = PROFILES["rough"]  # of the market data; mishap.py has the rest
START_NS: Final = 3 * SECOND
SLOW_MS: Final = (200, 600)
MALFORMED: Final = ("cut", "type", "nan", "unknown", "binary")


class Fault(Struct, frozen=True):
    """One planned fault. `span` and `rest` in ns; `how` and `in_place` matter for "malformed"."""

    kind: Kind
    span: int
    rest: int
    how: str
    in_place: bool
    chance: int


def profile(name: str) -> tuple[Rate, ...]:
    """The rates of a profile. Raises UsageError for an unknown name."""
    if name not in PROFILES:
        raise UsageError(
            f"unknown fault profile {name!r}", todo=f"use one of {', '.join(PROFILES)}"
        )
    return PROFILES[name]


def schedule(seed: int, venue: str, rates: tuple[Rate, ...]) -> Iterator[Fault]:
    """The endless faults of one venue: rounds in which each comes `share` times, shuffled."""
    random = Random(f"faults-{seed}-{venue}")
    turn = 0
    while rates:
        batch = [rate for rate in rates for _ in range(rate.share)]
        random.shuffle(batch)
        for rate in batch:
            turn += rate.kind == "malformed"
            yield Fault(
                rate.kind,
                random.randint(*rate.span_ms) * MILLI,
                random.randint(*rate.rest_ms) * MILLI,
                random.choice(MALFORMED),
                turn % 2 == 0,
                random.getrandbits(30),
            )
