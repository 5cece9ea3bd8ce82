"""What the pretend Polymarket does not take now: restarts, restricted modes, regions."""

from typing import Any, Final

from dutchbook.domain.units import SECOND, ceil_div
from dutchbook.emulators.halts import Halts
from dutchbook.emulators.wire.rest import Ask, Refusal

RESTARTS: Final = {"error": "matching engine is restarting, retry later"}
DISABLED: Final = {"error": "Trading is currently disabled. Check polymarket.com for updates"}
CANCEL_ONLY: Final = {
    "error": "Trading is currently cancel-only. New orders are not accepted, but cancels are "
    "allowed."
}
POST_ONLY: Final = "post-only mode: only post-only orders and cancels are allowed"
BLOCKED: Final = {"error": "Trading restricted in your region"}
CLOSED_ONLY: Final = {"error": "address in closed only mode"}


class Stops:
    """Raises Refusal for what the mode in force does not take."""

    def __init__(self, halts: Halts) -> None:
        self._halts = halts

    def mode(self, now: int) -> str:
        return self._halts.mode(now)

    def ends(self, ask: Ask) -> None:
        """Cancels: not while the matching engine restarts or the exchange is disabled."""
        match self._halts.mode(ask.now):
            case "restart":
                ask.said["Retry-After"] = str(self._left(ask.now))
                raise Refusal(425, RESTARTS)
            case "disabled":
                raise Refusal(503, DISABLED)

    def begins(self, ask: Ask) -> None:
        """New orders of whatever kind."""
        self.ends(ask)
        match self._halts.mode(ask.now):
            case "cancel_only":
                raise Refusal(503, CANCEL_ONLY)
            case "blocked":
                raise Refusal(403, BLOCKED)

    def takes(self, now: int, *, buy: bool, post_only: bool) -> None:
        """One order: only such as rest, or such as close."""
        match self._halts.mode(now):
            case "post_only" if not post_only:
                raise Refusal(503, self._post_only(now))
            case "closed_only" if buy:
                raise Refusal(400, CLOSED_ONLY)

    def _post_only(self, now: int) -> dict[str, Any]:
        left = self._left(now)
        return {"error": POST_ONLY, "code": "post_only_mode", "retry_after_seconds": left}

    def _left(self, now: int) -> int:
        """Seconds until it ends, as far as that is known."""
        halt = self._halts.current(now)
        return ceil_div(halt.end - now, SECOND) if halt is not None and halt.end else 1
