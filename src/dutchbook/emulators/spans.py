"""Stretches of time as sorted lists of (from, to), to say when several things held at once."""

Spans = list[tuple[int, int]]


def both(a: Spans, b: Spans) -> Spans:
    """When both held."""
    found: Spans = []
    i = j = 0
    while i < len(a) and j < len(b):
        start, end = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if start < end:
            found.append((start, end))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return found


def outside(a: Spans) -> Spans:
    """When it did not hold."""
    edges = [-(1 << 62), *(t for span in a for t in span), 1 << 62]
    return [(s, e) for s, e in zip(edges[::2], edges[1::2], strict=True) if s < e]


class Switch:
    """Notes when something is on; `spans(now)` closes what is still on at `now`."""

    __slots__ = ("_found", "_since")

    def __init__(self) -> None:
        self._found: Spans = []
        self._since: int | None = None

    @property
    def on(self) -> bool:
        return self._since is not None

    def turn(self, on: bool, t: int) -> None:
        """On or off from `t`; a second time the same changes nothing."""
        if on and self._since is None:
            self._since = t
        elif not on and self._since is not None:
            if t > self._since:
                self._found.append((self._since, t))
            self._since = None

    def spans(self, now: int) -> Spans:
        """All stretches so far, the open one ended at `now`."""
        open_one = self._since is not None and now > self._since
        return [*self._found, *([(self._since or 0, now)] if open_one else [])]
