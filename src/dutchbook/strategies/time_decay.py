"""Time: a price that decays too slowly or too fast towards its date; buy towards the curve."""

from typing import Annotated

from dutchbook.domain.units import ONE, SECOND
from dutchbook.strategies.base import Outcome, QuoteView
from dutchbook.strategies.opinion import OUTCOMES, Opinion, left
from dutchbook.strategies.opinion_config import Common, span


class Config(Common, frozen=True, forbid_unknown_fields=True):
    """The shared ones, and how near the date must be."""

    left_max_s: Annotated[int, span("seconds to the close, at most")] = 30 * 86_400


class TimeDecay(Opinion):
    """Trades towards the table's curve over the time that is left.

    The curve is what the table has fitted for the span to the close in this category; where it
    has only a figure for any time, there is no curve and no opinion.
    """

    name = "time_decay"
    config: Config

    def side(self, key: str, middle: int, view: QuoteView) -> Outcome | None:
        time = left(view.instrument(key), view.now)
        if time is None or time > self.config.left_max_s * SECOND:
            return None
        best: tuple[int, Outcome] | None = None
        for side in OUTCOMES:
            px = middle if side == "yes" else ONE - middle
            found = [one for one in self.estimates(key, side, px, view) if one.cell.horizon]
            edge = max((one.win - px for one in found), default=0)
            if edge > 0 and (best is None or edge > best[0]):
                best = edge, side
        return best[1] if best else None
