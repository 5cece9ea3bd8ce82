"""Replay without a catalogue: markets and their grids are learnt from the frames themselves."""

from typing import Final

from dutchbook.domain.events import BookLevels, GridChanged, InstrumentListed
from dutchbook.domain.instrument import CENT, Band, FeeSchedule, Instrument
from dutchbook.domain.units import ONE, Px
from dutchbook.venues.base import Out

STEPS: Final = (10_000, 1_000, 100)


class Learner:
    """Lists a market where its first book change is met. No fees are assumed.

    A market's grid is the coarsest of `STEPS` that all its prices so far are on.
    """

    def __init__(self) -> None:
        self._steps: dict[str, int] = {}

    def teach(self, outs: list[Out]) -> list[Out]:
        """The same events, each new market and finer grid told before the change that shows it."""
        told: list[Out] = []
        for out in outs:
            if isinstance(out, BookLevels):
                told += self._about(out)
            told.append(out)
        return told

    def _about(self, event: BookLevels) -> list[Out]:
        key, before = event.key, self._steps.get(event.key)
        news: list[Out] = [] if before else [InstrumentListed(_listed(key))]
        step = before or STEPS[0]
        for _, px, _ in event.levels:
            while px % step and step > STEPS[-1]:
                step = STEPS[STEPS.index(step) + 1]
        self._steps[key] = step
        if step != (before or STEPS[0]):
            news.append(GridChanged(key, (Band(Px(0), Px(ONE), Px(step)),)))
        return news


def _listed(key: str) -> Instrument:
    symbol = key.removeprefix("kalshi:")
    return Instrument(
        key=key,
        venue="kalshi",
        symbol=symbol,
        event=key,
        title=symbol,
        outcome="Yes",
        grid=CENT,
        fees=FeeSchedule("kalshi"),
    )
