"""A seeded market of two venues with known mispricings: pure, time and seed are arguments."""

from dutchbook.emulators.market.plantfile import PlantError, PlantSpec, read_plants
from dutchbook.emulators.market.shapes import (
    Change,
    SimEvent,
    SimMarket,
    SimSeries,
    Trade,
    Update,
)
from dutchbook.emulators.market.world import World

__all__ = [
    "Change",
    "PlantError",
    "PlantSpec",
    "SimEvent",
    "SimMarket",
    "SimSeries",
    "Trade",
    "Update",
    "World",
    "read_plants",
]
