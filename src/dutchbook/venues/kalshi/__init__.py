"""Kalshi's market data as a pure protocol: catalogue over REST, books over one WebSocket."""

from dutchbook.venues.kalshi.bodies import bodies, decode, kind_of
from dutchbook.venues.kalshi.config import Config
from dutchbook.venues.kalshi.reader import Reader
from dutchbook.venues.kalshi.venue import Kalshi, build

__all__ = ["Config", "Kalshi", "Reader", "bodies", "build", "decode", "kind_of"]
