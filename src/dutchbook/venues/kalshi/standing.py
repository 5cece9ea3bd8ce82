"""What the venue lets us do now: pauses, our key, its region, tripped groups; and its clock."""

from typing import Final, Literal

from dutchbook.domain.account_events import ClockSeen, VenueMode
from dutchbook.domain.units import SECOND, Ns
from dutchbook.venues.base import Out
from dutchbook.venues.kalshi.refusals import Refusal

Mode = Literal[
    "open", "post_only", "cancel_only", "paused", "closing_only", "blocked", "unauthorized"
]
CLOCK_EVERY: Final = 10 * SECOND
_WORST: Final[tuple[Mode, ...]] = (
    "blocked", "unauthorized", "paused", "cancel_only", "closing_only", "post_only",
)  # fmt: skip


class Standing:
    """Every source may hold trading back by itself; the worst of them is what is told, once.

    `asks`: set when an answer makes the exchange's own status worth asking for. `asked`: when
    the question left whose answer is being read.
    """

    def __init__(self) -> None:
        self.holds: dict[str, tuple[Mode, str, Ns]] = {}
        self.told_last: tuple[Mode, str, Ns] | None = None
        self.clock_at: Ns = Ns(-CLOCK_EVERY)
        self.asks = False
        self.asked = Ns(0)

    def hold(self, source: str, mode: Mode, why: str, until: Ns = Ns(0)) -> list[Out]:
        """A source says so; "open" takes its word back."""
        if mode == "open":
            self.holds.pop(source, None)
        else:
            self.holds[source] = (mode, why, until)
        return self._tell()

    def told(self, status: int, got: Refusal, now: Ns) -> list[Out]:
        """What a refusal means beyond its one request."""
        if status >= 500 or got.reason == "cancel_only":
            self.asks = True
        if status not in (401, 403):
            return []
        if got.reason == "blocked":
            return self.hold("venue", "blocked", got.text)  # until a person starts anew
        return self.hold("key", "unauthorized", got.text)

    def heard(self) -> list[Out]:
        """A signed request was answered well: the key is good."""
        return self.hold("key", "open", "") if "key" in self.holds else []

    def clock(self, venue_at: Ns, now: Ns) -> list[Out]:
        """Our clock less the venue's, now and then.

        The venue wrote its time between our question and our reading of the answer, so the skew
        lies between two bounds; the one nearer to zero is told: a slow answer is no wrong clock.
        """
        if venue_at <= 0 or now - self.clock_at < CLOCK_EVERY:
            return []
        self.clock_at = now
        least, most = self.asked - venue_at, now - venue_at
        return [ClockSeen("kalshi", Ns(max(least, 0) or min(most, 0)))]

    def _tell(self) -> list[Out]:
        held = sorted(self.holds.values(), key=lambda hold: _WORST.index(hold[0]))
        now: tuple[Mode, str, Ns] = held[0] if held else ("open", "", Ns(0))
        if (
            self.told_last is not None
            and self.told_last[0] == now[0]
            and now[2] == self.told_last[2]
        ):
            return []
        self.told_last = now
        return [VenueMode("kalshi", *now)]
