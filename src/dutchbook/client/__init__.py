"""The client of a running dutchbook: `Client` (async), `follow` (plain loop), typed messages."""

from dutchbook.client.errors import Ended, Gone, HubError
from dutchbook.client.feed import Feed
from dutchbook.client.link import Client
from dutchbook.client.plain import follow
from dutchbook.hub.wire import Alerted, Book, Fill, Opportunity, Outcome, Signal

__all__ = [
    "Alerted", "Book", "Client", "Ended", "Feed", "Fill", "Gone", "HubError", "Opportunity",
    "Outcome", "Signal", "follow",
]  # fmt: skip
