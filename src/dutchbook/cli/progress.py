"""Progress on longer work: a line that moves on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Callable

EVERY = {True: 0.2, False: 5.0}


class Progress:
    """Counts what goes by; says so on standard error, never more than it must."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.count = 0
        self._began = self._said = time.monotonic()
        self._live = sys.stderr.isatty()
        self._open = False

    def at(self, at: int, walk: Callable[[int], None]) -> None:
        """One more thing, of the moment `at` (ns); `walk` may wait for that moment."""
        walk(at)
        self.count += 1
        if self.count % 256 == 0:
            self._say(at)

    def _say(self, at: int) -> None:
        now = time.monotonic()
        if now - self._said < EVERY[self._live]:
            return
        self._said = now
        day = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at / 1e9))
        rate = self.count / (now - self._began)
        text = f"{self.what}: {self.count:,} at {day} UTC, {rate:,.0f}/s"
        end = "" if self._live else "\n"
        print(f"\r{text}   " if self._live else text, end=end, file=sys.stderr, flush=True)
        self._open = self._live

    def end(self) -> None:
        if self._open:
            print(file=sys.stderr)

    def seconds(self) -> float:
        return round(time.monotonic() - self._began, 3)
