"""What the venue lets us do now: of all that it says, the strictest word counts."""

from typing import Final, Literal

from dutchbook.domain.account_events import VenueMode
from dutchbook.domain.orders import Order, Reason
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Out

Mode = Literal[
    "open", "post_only", "cancel_only", "paused", "closing_only", "blocked", "unauthorized"
]
STRICT: Final[tuple[Mode, ...]] = (
    "blocked", "unauthorized", "paused", "cancel_only", "closing_only", "post_only",
)  # fmt: skip
"""From the strictest on."""


class Standing:
    """Conditions by name; a change of the strictest one is told as VenueMode."""

    def __init__(self) -> None:
        self._all: dict[str, tuple[Mode, str, Ns]] = {}
        self._told: tuple[Mode, str, Ns] | None = None

    def set(self, name: str, mode: Mode, why: str, until: Ns = Ns(0)) -> list[Out]:
        """A condition holds from now on; `until` where the venue says how long."""
        self._all[name] = (mode, why[:300], until)
        return self._tell()

    def clear(self, name: str) -> list[Out]:
        """A condition holds no longer."""
        self._all.pop(name, None)
        return self._tell()

    def holds(self, name: str) -> bool:
        return name in self._all

    def refuses(self, order: Order) -> tuple[Reason, str] | None:
        """Why this order must not be sent now; None if it may."""
        mode, why, _ = self._strictest()
        closing = order.reduce_only or order.action == "sell"
        if mode == "open" or (mode == "closing_only" and closing):
            return None
        if mode == "post_only":
            return None if order.post_only else ("post_only_mode", why)
        reasons: dict[Mode, Reason] = {
            "blocked": "blocked",
            "closing_only": "blocked",
            "unauthorized": "unauthorized",
            "cancel_only": "cancel_only",
        }
        return reasons.get(mode, "disabled"), why

    def _strictest(self) -> tuple[Mode, str, Ns]:
        for mode in STRICT:
            for found in self._all.values():
                if found[0] == mode:
                    return found
        return "open", "", Ns(0)

    def _tell(self) -> list[Out]:
        now = self._strictest()
        if now == self._told:
            return []
        self._told = now
        return [VenueMode("polymarket", now[0], now[1], now[2])]
