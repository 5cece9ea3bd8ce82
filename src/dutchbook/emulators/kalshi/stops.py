"""The pretend Kalshi's pauses: of the exchange, of trading, of one exchange index."""

from typing import Any, Final

from dutchbook.emulators.halts import Halts
from dutchbook.emulators.kalshi.auth import nested
from dutchbook.emulators.wire.rest import Ask, Refusal
from dutchbook.emulators.wire.text import iso

SHARDS: Final = ("default", "combos", "crypto", "tennis and baseball")
WEEK: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PAUSED: Final = "paused"
CLOSED: Final = "exchange_paused"
"""Trading paused takes cancels; the rarer pause of the whole exchange takes nothing."""


class Stops:
    """Refuses what a pause does not take, and tells of it."""

    def __init__(self, halts: Halts) -> None:
        self._halts = halts

    def takes(self, shard: int, now: int, *, cancel: bool = False) -> None:
        """Raise Refusal where this index takes no new orders, or not even cancels."""
        mode = self._halts.mode(now, shard)
        if mode == CLOSED:
            raise Refusal(409, nested("exchange_paused", "the exchange is paused"))
        if mode and not cancel:
            raise Refusal(409, nested("trading_is_paused", "trading is paused"))

    def status(self, ask: Ask) -> Any:
        """`/exchange/status`, with what holds for each index."""
        body = self._row(None, ask.now)
        halt = self._halts.current(ask.now)
        if halt is not None and halt.end:
            body["exchange_estimated_resume_time"] = iso(halt.end)
        rows = [
            {"exchange_index": n, "description": name, **self._row(n, ask.now)}
            for n, name in enumerate(SHARDS)
        ]
        return body | {"exchange_index_statuses": rows}

    def _row(self, shard: int | None, now: int) -> dict[str, Any]:
        mode = self._halts.mode(now, shard)
        return {
            "exchange_active": mode != CLOSED,
            "trading_active": not mode,
            "intra_exchange_transfers_active": mode != CLOSED,
        }

    def schedule(self, ask: Ask) -> Any:
        """`/exchange/schedule`: always open, but for the pauses that are planned."""
        day = [{"open_time": "00:00", "close_time": "00:00"}]
        hours = {"start_time": "2025-01-01T00:00:00Z", "end_time": "2030-01-01T00:00:00Z"}
        planned = [halt for halt in self._halts.planned if halt.end and halt.shard is None]
        windows = [
            {"start_datetime": iso(halt.start), "end_datetime": iso(halt.end)} for halt in planned
        ]
        return {
            "schedule": {
                "standard_hours": [hours | dict.fromkeys(WEEK, day)],
                "maintenance_windows": windows,
            }
        }
