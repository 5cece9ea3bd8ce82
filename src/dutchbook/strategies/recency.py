"""Recency: an hour of unusual volume that pushed the price one way; buy the other side."""

from typing import Annotated

from dutchbook.domain.meta import money
from dutchbook.domain.units import ONE, SECOND, Ns
from dutchbook.strategies.base import Outcome, QuoteView
from dutchbook.strategies.opinion import Opinion
from dutchbook.strategies.opinion_config import Common, px

HOUR = Ns(3_600 * SECOND)


class Config(Common, frozen=True, forbid_unknown_fields=True):
    """The shared ones, and what is a one-sided spike of an hour."""

    z: Annotated[
        int, money("deviations of volume above its own 24 h, more than which is a spike")
    ] = 3 * ONE
    one_sided: Annotated[int, px("share of it for one outcome, at least")] = 800_000
    points: Annotated[int, px("of a dollar that the price moved that way, at least")] = 30_000


class Recency(Opinion):
    """Counters spikes that no known signal explains."""

    name = "recency"
    config: Config

    def side(self, key: str, middle: int, view: QuoteView) -> Outcome | None:
        config, now = self.config, view.now
        memory = self.memory(key, now)
        if not memory.spike(now, config.z) or self.explains(key, Ns(now - HOUR), now):
            return None
        spent, yes, move = memory.last_hour(now)
        if yes * ONE >= config.one_sided * spent and move >= config.points:
            return "no"
        if (spent - yes) * ONE >= config.one_sided * spent and -move >= config.points:
            return "yes"
        return None
