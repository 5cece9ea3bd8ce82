"""The world as strategies may read it: offers of an outcome, freshness, the catalogue."""

from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.relations import Link, digest_of, stamp_of
from dutchbook.domain.units import ONE, Ns, Px, Qty
from dutchbook.state.books import Book
from dutchbook.state.graph import Graph
from dutchbook.state.world import World
from dutchbook.strategies.base import Candidate, Outcome


class WorldView:
    """Implements `strategies.base.View` and `Catalogue` over one World at one instant."""

    def __init__(self, world: World, graph: Graph) -> None:
        self.world = world
        self.graph = graph
        self.now = Ns(0)
        self.seq = 0
        self.run = ""

    def _token(self, key: str, outcome: Outcome) -> int:
        return 1 if outcome == "no" and self.world.tokens[key] == 2 else 0

    def instrument(self, key: str) -> Instrument:
        return self.world.instruments[key]

    def stale(self, key: str, outcome: Outcome) -> str:
        token = 0 if outcome == "yes" else self._token(key, outcome)
        return self.world.stale(key, token, self.now)

    def why_stale(self, candidate: Candidate) -> str:
        """Why a basket can't be read as a whole; a complement needs its books confirmed."""
        for key, outcome in candidate.legs:
            why = self.stale(key, outcome)
            if why:
                return why
        key = candidate.legs[0][0]
        if candidate.kind == "complement" and not self.world.mirrors.confirmed(key, self.now):
            return "mirror_unconfirmed"
        return ""

    def best(self, key: str, outcome: Outcome) -> tuple[Px, Qty]:
        books = self.world.books
        if outcome == "yes":
            book = books.get(key, 0)
            return (Px(book.ask), Qty(book.ask_qty)) if book.ask < ONE else (Px(ONE), Qty(0))
        book = books.get(key, self._token(key, outcome))
        return (Px(ONE - book.bid), Qty(book.bid_qty)) if book.bid > 0 else (Px(ONE), Qty(0))

    def source(self, key: str, outcome: Outcome) -> Book:
        """The book that an outcome is bought from; KeyError if it is unknown."""
        return self.world.books.get(key, self._token(key, outcome))

    def offers(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        book = self.world.books.get(key, self._token(key, outcome))
        if outcome == "yes":
            return [(Px(px), Qty(qty)) for px, qty in book.asks(levels)]
        return [(Px(ONE - px), Qty(qty)) for px, qty in book.bids(levels)]

    def bids(self, key: str, outcome: Outcome, levels: int) -> list[tuple[Px, Qty]]:
        book = self.world.books.get(key, self._token(key, outcome))
        if outcome == "yes":
            return [(Px(px), Qty(qty)) for px, qty in book.bids(levels)]
        return [(Px(ONE - px), Qty(qty)) for px, qty in book.asks(levels)]

    def book(self, key: str, outcome: Outcome) -> tuple[int, int, int]:
        book = self.source(key, outcome)
        return book.token, book.version, book.seq

    def instruments(self) -> list[Instrument]:
        return list(self.world.instruments.values())

    def groups(self) -> list[EventGroup]:
        return list(self.world.groups.values())

    def approved(self) -> list[Link]:
        """Approved links, save those whose markets' texts are not those that a person read."""
        return [link for link in self.graph.approved() if self._as_read(link)]

    def _as_read(self, link: Link) -> bool:
        stamp = stamp_of(link)
        if not stamp:
            return True
        listed = [self.world.instruments.get(key) for key in link.members]
        texts = [text for one in listed if one for text in (one.title, one.outcome, one.rules)]
        return all(listed) and digest_of(texts) == stamp
