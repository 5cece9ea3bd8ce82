"""Chooses what feeds the pretend exchanges: the generated market or a recorded tape."""

import time
from collections.abc import Iterable

from dutchbook.domain.units import Ns
from dutchbook.emulators.feed import Feed
from dutchbook.emulators.market import World, read_plants
from dutchbook.emulators.tape import Recorded, TapeFeed


def generated(seed: int, plants: bytes | None = None) -> Feed:
    """The seeded market from now on. Raises PlantError for a plants file that can't be."""
    specs = read_plants(plants) if plants is not None else None
    return World(seed, Ns(time.time_ns()), specs, waits=True)


def recorded(frames: Iterable[Recorded]) -> Feed:
    """The market that a recording shows, played from the first connection on."""
    return TapeFeed(frames, Ns(time.time_ns()))
