"""5,000 messages a second over loopback into 1,000 books."""

from bench.feed import sustained as run

__all__ = ["run"]
