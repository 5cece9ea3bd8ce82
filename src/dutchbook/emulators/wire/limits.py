"""Rate limits as the venues keep them: token buckets and sliding windows, time as argument."""

from collections import deque

from dutchbook.domain.units import SECOND


class TokenBucket:
    """`rate` tokens a second are added, at most `capacity` saved; integer arithmetic in ns."""

    def __init__(self, rate: int, capacity: int) -> None:
        self.rate = rate
        self.capacity = capacity
        self._level = capacity * SECOND
        self._at: int | None = None

    def take(self, cost: int, now: int) -> bool:
        """Take `cost` tokens, or nothing and False."""
        if self._at is not None and now > self._at:
            full = self.capacity * SECOND
            self._level = min(full, self._level + (now - self._at) * self.rate)
        self._at = now if self._at is None else max(now, self._at)
        if cost * SECOND > self._level:
            return False
        self._level -= cost * SECOND
        return True


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
