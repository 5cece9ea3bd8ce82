"""20,000 messages a second over loopback for ten seconds, and how soon all is decided on."""

from bench.feed import burst as run

__all__ = ["run"]
