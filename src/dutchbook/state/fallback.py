"""While a stream's socket is down: REST copies of its most valuable books, a few at a time.

A copy stands for the book for as long as a cross-check would; the stream's own snapshot replaces
it. What does not fit the venue's read budget waits in the driver, so few are asked for at once.
"""

from typing import TYPE_CHECKING

from dutchbook.domain.effects import AskCheck
from dutchbook.domain.events import BookLevels, BookSeen
from dutchbook.domain.units import SECOND, Ns
from dutchbook.state.books import BookFault
from dutchbook.state.feeds import BookId, Feed

if TYPE_CHECKING:
    from dutchbook.state.world import World

PATIENCE = Ns(5 * SECOND)
"""A socket may be down for so long before REST is asked."""
AT_ONCE = 5
"""Markets asked for at each tick."""
MOST = 100
"""Of each stream, at most so many markets are kept up this way."""


class Fallback:
    """Whose turn it is, and when each book was last seen by REST while its stream was down."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.seen: dict[BookId, Ns] = {}
        self._turn: dict[str, int] = {}

    def tick(self, now: Ns) -> None:
        """Ask for the next few books of every stream that has been down for too long."""
        for stream, feed in self.world.feeds.items():
            if feed.up or not feed.books or now - feed.down_at < PATIENCE:
                continue
            keys = self._valuable(feed)
            at = self._turn.get(stream, 0) % len(keys)
            self._turn[stream] = at + AT_ONCE
            chosen = keys[at : at + AT_ONCE]
            venue = self.world.instruments[chosen[0]].venue
            self.world.asks.append(AskCheck(venue, tuple(chosen)))

    def _valuable(self, feed: Feed) -> list[str]:
        known = self.world.instruments
        keys = dict.fromkeys(key for key, _ in feed.books)
        return sorted(keys, key=lambda key: (-known[key].volume, key))[:MOST]

    def take(self, feed: Feed, event: BookSeen, seq: int, now: Ns) -> str:
        """A copy came while the stream is down: it is our book until the stream has its own."""
        world, book_id = self.world, (event.key, event.token)
        whole = BookLevels(event.key, event.token, feed.stream, True, False, event.levels)
        try:
            world.books.apply(whole)
        except BookFault as fault:
            return world.refuse(event.key, fault.what, fault.detail)
        self.seen[book_id] = now
        world.count.polled += 1
        world.books.get(*book_id).seq = seq
        world.top_moved(event.key, book_id, now, now)
        return event.key

    def fresh(self, book_id: BookId, now: Ns) -> bool:
        """Whether a REST copy is young enough to be read."""
        return now - self.seen.get(book_id, Ns(0)) <= self.world.limits.check
