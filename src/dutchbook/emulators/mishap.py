"""What befalls requests about orders: answers that are lost, late or wrong, by a seeded table.

Each kind names the faults of the reliability notes that it brings about.
"""

from random import Random
from typing import Final, Literal

from msgspec import Struct

from dutchbook.domain.units import MILLI, SECOND

Kind = Literal[
    "lost_reply", "reset_reply", "never_arrives", "error_after", "timeout_after", "garbage_after",
    "throttled", "html_throttled", "slow", "late_reply", "gateway", "read_error",
]  # fmt: skip


class Mishap(Struct, frozen=True):
    """One mishap: how often of 1,000 requests, before or after the exchange acts, for how long."""

    kind: Kind
    per_mille: int
    acts: bool
    span_ms: tuple[int, int] = (0, 0)
    faults: str = ""


ORDERS: Final = (
    Mishap("lost_reply", 25, True, (5_500, 6_000), "F27 F29 blackhole after the exchange acted"),
    Mishap("reset_reply", 25, True, (0, 0), "F27 connection reset after the exchange acted"),
    Mishap("never_arrives", 10, False, (0, 0), "F27 F33 reset before the exchange acted"),
    Mishap("error_after", 20, True, (0, 0), "F28 500 to 524 after the exchange acted"),
    Mishap("timeout_after", 10, True, (0, 0), "F29 408 after the exchange acted"),
    Mishap("garbage_after", 10, True, (0, 0), "F53 2xx with an empty object, HTML or half a body"),
    Mishap("throttled", 10, False, (0, 0), "F30 429 with and without Retry-After"),
    Mishap("slow", 20, True, (200, 900), "F30 silent queueing, F42 lag"),
    Mishap("late_reply", 10, True, (2_000, 4_000), "F29 the answer comes late"),
)
READS: Final = (
    Mishap("read_error", 30, False, (0, 0), "F28 F57 F61 502 on a read"),
    Mishap("slow", 20, True, (200, 900), "F36 a slow read"),
    Mishap("reset_reply", 10, True, (0, 0), "F27 a read that is cut"),
)
PRIVATE: Final = {"lost": 30, "twice": 60, "late": 40}
"""Of 1,000 private messages: lost (F81), sent twice (F43), late (F41); Polymarket and Kalshi."""
FAILED: Final = 40
"""Of 1,000 Polymarket trades: FAILED after MATCHED (F45)."""
STALE_MS: Final = (1_000, 1_000)
"""How far reads of positions lag behind the fills (F42, F57)."""
CALM: Final = 3 * SECOND
"""No mishap so long after the start: the accounts are opened in peace."""


class Storm:
    """Draws mishaps for one venue; `scripted` kinds come first. `done` counts what happened."""

    def __init__(self, venue: str, seed: int, on: bool) -> None:
        self._random = Random(f"storm {venue} {seed}")
        self._on = on
        self._since = 0
        self.quiet = False
        self.scripted: list[str] = []
        self.done: dict[str, int] = {}

    def request(self, order: bool, read: bool, now: int) -> tuple[Mishap, int] | None:
        """What befalls this request: the mishap and its span in ns; None for most."""
        table = ORDERS if order else READS if read else ()
        if order and self.scripted:
            name = self.scripted.pop(0)
            found = next((one for one in ORDERS if one.kind == name), None)
            return self._drawn(found) if found is not None else None
        if not self._active(now) or not table:
            return None
        dice = self._random.randrange(1_000)
        for mishap in table:
            if dice < mishap.per_mille:
                return self._drawn(mishap)
            dice -= mishap.per_mille
        return None

    def private(self, now: int) -> str:
        """What befalls a private message: "", lost, twice or late."""
        if not self._active(now):
            return ""
        dice = self._random.randrange(1_000)
        for kind, share in PRIVATE.items():
            if dice < share:
                self._count(kind)
                return kind
            dice -= share
        return ""

    def fails(self, now: int) -> bool:
        """Whether a trade that was just matched will fail."""
        if self._active(now) and self._random.randrange(1_000) < FAILED:
            self._count("failed_trade")
            return True
        return False

    def status(self) -> int:
        """One of the statuses with which a gateway hides what became of an order."""
        return self._random.choice((500, 502, 503, 504, 520, 524))

    def _active(self, now: int) -> bool:
        self._since = self._since or now
        return self._on and not self.quiet and now - self._since > CALM

    def _drawn(self, mishap: Mishap) -> tuple[Mishap, int]:
        self._count(mishap.kind)
        return mishap, self._random.randint(*mishap.span_ms) * MILLI

    def _count(self, kind: str) -> None:
        self.done[kind] = self.done.get(kind, 0) + 1
