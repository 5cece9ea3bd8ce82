"""Rate limits as the venues keep them: token buckets and sliding windows, time as argument."""

from collections import deque

from dutchbook.domain.units import SECOND, ceil_div


class TokenBucket:
    """`rate` tokens a second are added, at most `capacity` saved; integer arithmetic in ns."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = capacity * SECOND
        self._at: int | None = None

    def take(self, cost: int, now: int) -> bool:
        """Take `cost` tokens, or nothing and False."""
        self._fill(now)
        if cost * SECOND > self._level:
            return False
        self._level -= cost * SECOND
        return True

    def charge(self, cost: int, now: int) -> None:
        """Take `cost` tokens, even if that leaves a debt."""
        self._fill(now)
        self._level -= cost * SECOND

    @property
    def left(self) -> int:
        """Whole tokens as of the last request."""
        return self._level // SECOND

    def wait(self, cost: int) -> int:
        """Nanoseconds from the last request until `cost` tokens are there."""
        return max(0, ceil_div(cost * SECOND - self._level, self.rate))

    def _fill(self, now: int) -> None:
        if self._at is not None and now > self._at:
            full = self.capacity * SECOND
            self._level = min(full, self._level + (now - self._at) * self.rate)
        self._at = now if self._at is None else max(now, self._at)


class Window:
    """At most `most` requests in any `span` ns."""

    def __init__(self, most: int, span: int = 10 * SECOND) -> None:
        self.most = most
        self.span = span
        self._seen: deque[int] = deque()

    def take(self, now: int) -> bool:
        """Count one request; False when the window is full."""
        while self._seen and self._seen[0] <= now - self.span:
            self._seen.popleft()
        if len(self._seen) >= self.most:
            return False
        self._seen.append(now)
        return True
