"""The port of time: what may be asked of a clock, real or pretended."""

from collections.abc import Callable
from typing import Protocol

from dutchbook.domain.units import Ns


class Alarm(Protocol):
    """A call that a clock was asked to make."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Wall time that never goes back, monotonic time, and calls to be made later."""

    def now(self) -> Ns:
        """Ns since 1970 UTC; never less than an earlier answer."""
        ...

    def mono(self) -> Ns:
        """Ns since some moment; it advances as time does, whatever is done to the wall clock."""
        ...

    def after(self, span: Ns, call: Callable[[], object]) -> Alarm:
        """Make `call` once when `span` ns have passed (at once for 0 or less, but not inside)."""
        ...
