"""What went through the world, in plain numbers."""


class Counters:
    """What went through, in plain numbers; the summary of a run is made of these."""

    def __init__(self) -> None:
        self.events = 0
        self.books = 0
        self.trades = 0
        self.gaps_seen = 0
        self.gaps_recovered = 0
        self.malformed = 0
        self.duplicates = 0
        self.stale_ignored = 0
        self.unverifiable = 0
        self.verified = 0
        self.polled = 0
        self.checks_agreed = 0
        self.checks_failed = 0
        self.checks_lapsed = 0
        self.causes: dict[str, int] = {}
