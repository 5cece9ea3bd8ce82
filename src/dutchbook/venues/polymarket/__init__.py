"""Polymarket as a pure protocol: discovery, the market socket, REST cross-checks, and trading."""

from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.shapes import Decoder, bodies, decode
from dutchbook.venues.polymarket.venue import Polymarket

__all__ = ["Config", "Decoder", "Polymarket", "bodies", "build", "decode"]


def build(config: Config) -> Polymarket:
    """The protocol with these settings; it does nothing until `start` is called."""
    return Polymarket(config)
