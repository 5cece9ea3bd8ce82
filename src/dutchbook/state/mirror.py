"""The mirror of a token pair: YES and NO books of one market must tell the same, and are checked.

Where their best prices differ, a message was lost, or somebody sells both sides for less than a
dollar. The difference is believed when the venue confirmed it: it claimed best prices equal to
ours for both books since the mirror broke, or its REST copies of both agreed with ours.
"""

from typing import TYPE_CHECKING

from dutchbook.domain.units import MILLI, Ns
from dutchbook.state.feeds import BookId

if TYPE_CHECKING:
    from dutchbook.state.world import World

PATIENCE = Ns(100 * MILLI)
"""Two messages may bring the two books of a market; so long their tops may differ unasked."""


class Mirrors:
    """Broken mirrors: since when, and the venue's time (`made`) of the last change to a top there.

    Both books of a market change in one message, one after the other: between the two, the claim
    for the second is older than the change of the first, and confirms nothing.
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.off: dict[str, tuple[Ns, int]] = {}
        self._claimed: dict[BookId, int] = {}

    def claimed(self, book_id: BookId, made: int) -> None:
        """The venue claimed best prices for this book, and they are ours."""
        self._claimed[book_id] = made

    def look(self, key: str, made: int, now: Ns) -> None:
        """A best price of a market with two books changed."""
        yes, no = self.world.books.get(key, 0), self.world.books.get(key, 1)
        if yes.bid != no.bid or yes.ask != no.ask:
            # What was confirmed until now has as long as any to be so again.
            since = now if self.confirmed(key, now) else self.off[key][0]
            self.off[key] = since, made
        elif key in self.off:
            del self.off[key]
            self.world.checks.confirmed.pop(key, None)

    def confirmed(self, key: str, now: Ns) -> bool:
        """Whether the venue confirmed both books as they are; true if their mirror holds."""
        if key not in self.off:
            return True
        since, made = self.off[key]
        if all(self._claimed.get((key, token), 0) >= made for token in (0, 1)):
            return True
        checked = self.world.checks.confirmed.get(key, Ns(0))
        return checked >= since and now - checked <= self.world.limits.check

    def doubtful(self, key: str, now: Ns) -> bool:
        """Broken for longer than two messages take, and not confirmed."""
        return now - self.off[key][0] >= PATIENCE and not self.confirmed(key, now)
