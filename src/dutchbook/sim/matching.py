"""The book of one market: four queues in price-time order, and what a taker meets in them.

Places are token * 2 + side (BID 0, ASK 1) with the token's own prices. Whoever wants to sell YES at
p also shows as a bid for NO at 1-p: a chunk of liquidity is shown at its own place and, where it
is mirrored, at the other one; it is one chunk, so what is taken from it is gone from both.
"""

from bisect import insort
from collections.abc import Callable, Iterator

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.units import ONE
from dutchbook.sim.shapes import Change

Spot = tuple[int, int]
"""(place, price)."""


def mirror(spot: Spot) -> Spot:
    """Where the same liquidity shows on the other token."""
    place, px = spot
    return 3 - place, ONE - px


class Chunk:
    """Size at one price; `order` is a participant's, "" the crowd's; `spots` where it is shown."""

    __slots__ = ("order", "owner", "qty", "spots")

    def __init__(self, order: str, owner: str, qty: int, spots: tuple[Spot, ...]) -> None:
        self.order = order
        self.owner = owner
        self.qty = qty
        self.spots = spots


class Match:
    """A part of a taker's order met a chunk, at a price of the place that was taken from."""

    __slots__ = ("chunk", "px", "qty")

    def __init__(self, chunk: Chunk, px: int, qty: int) -> None:
        self.chunk = chunk
        self.px = px
        self.qty = qty


class Market:
    """Chunks by place and price, oldest first; `touched` are totals as they were, by spot."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.queues: tuple[dict[int, list[Chunk]], ...] = ({}, {}, {}, {})
        self.prices: tuple[list[int], ...] = ([], [], [], [])
        self.touched: dict[Spot, int] = {}

    # -- liquidity -------------------------------------------------------------------------------

    def add(self, chunk: Chunk) -> None:
        """Show a chunk, behind what is there already."""
        for place, px in chunk.spots:
            self._touch((place, px))
            queue = self.queues[place].get(px)
            if queue is None:
                queue = self.queues[place][px] = []
                insort(self.prices[place], px)
            queue.append(chunk)

    def shrink(self, chunk: Chunk, qty: int) -> None:
        """Take `qty` from a chunk; an empty one is gone."""
        for spot in chunk.spots:
            self._touch(spot)
        chunk.qty -= qty
        if chunk.qty <= 0:
            for place, px in chunk.spots:
                queue = self.queues[place][px]
                queue.remove(chunk)
                if not queue:
                    del self.queues[place][px]
                    self.prices[place].remove(px)

    def total(self, spot: Spot) -> int:
        """What is shown at a price of a place."""
        place, px = spot
        return sum(chunk.qty for chunk in self.queues[place].get(px, ()))

    def ahead(self, chunk: Chunk) -> int:
        """What was shown before a chunk at its own price."""
        place, px = chunk.spots[0]
        queue = self.queues[place][px]
        return sum(one.qty for one in queue[: queue.index(chunk)])

    def crowd(self, spot: Spot) -> int:
        """What of it is the crowd's."""
        place, px = spot
        return sum(chunk.qty for chunk in self.queues[place].get(px, ()) if not chunk.order)

    def set_crowd(self, wanted: dict[Spot, int], owner: str) -> list[Chunk]:
        """Bring the crowd's sizes to these totals; returns the chunks that are new.

        What changes alike at a spot and its mirror is one chunk; the rest is shown on one side.
        """
        deltas = {spot: total - self.crowd(spot) for spot, total in wanted.items()}
        made: list[Chunk] = []
        for spot in list(deltas):
            other = mirror(spot)
            mine, its = deltas[spot], deltas.get(other, 0)
            if mine * its > 0:
                both = min(abs(mine), abs(its)) * (1 if mine > 0 else -1)
                self._change(both, (spot, other), owner, made)
                deltas[spot] -= both
                deltas[other] -= both
        for spot, total in wanted.items():  # what was on one side only left its mirror as it was
            if delta := total - self.crowd(spot):
                self._change(delta, (spot,), owner, made)
        return made

    def _change(self, delta: int, spots: tuple[Spot, ...], owner: str, made: list[Chunk]) -> None:
        if delta > 0:
            chunk = Chunk("", owner, delta, spots)
            self.add(chunk)
            made.append(chunk)
            return
        left = -delta
        place, px = spots[0]
        for chunk in reversed([c for c in self.queues[place].get(px, ()) if not c.order]):
            if left <= 0:
                return
            part = min(left, chunk.qty)
            left -= part
            others = tuple(spot for spot in chunk.spots if spot not in spots)
            self.shrink(chunk, part)
            if others:  # it stays where it was not taken away
                self.add(Chunk("", owner, part, others))

    # -- taking ----------------------------------------------------------------------------------

    def facing(self, outcome: int, buy: bool, limit: int) -> Iterator[tuple[int, list[Chunk]]]:
        """What a taker meets, best price first: (price, chunks oldest first)."""
        place = outcome * 2 + (ASK if buy else BID)
        prices = list(self.prices[place])
        for px in prices if buy else reversed(prices):
            if (px > limit) if buy else (px < limit):
                return
            yield px, list(self.queues[place].get(px, ()))

    def take(
        self, outcome: int, buy: bool, limit: int, qty: int, skip: Callable[[Chunk], str],
        room: Callable[[int], int],
    ) -> tuple[list[Match], str]:  # fmt: skip
        """Match up to `qty`; returns the matches and why it ended early ("" if it did not).

        `skip` says of a chunk "pass" (leave it), "end" (the taker ends here), "drop" (the chunk
        goes without a match), or "". `room`: how much the taker can still pay for at a price.
        """
        found: list[Match] = []
        for px, chunks in self.facing(outcome, buy, limit):
            for chunk in chunks:
                if qty <= 0:
                    return found, ""
                verdict = skip(chunk)
                if verdict == "end":
                    return found, "self_trade"
                if verdict == "drop":
                    found.append(Match(chunk, px, 0))
                    continue
                part = min(qty, chunk.qty, room(px)) if not verdict else 0
                if verdict:
                    continue
                if part <= 0:
                    return found, ""
                found.append(Match(chunk, px, part))
                self.shrink(chunk, part)
                qty -= part
        return found, ""

    def available(self, outcome: int, buy: bool, limit: int, passed: str) -> int:
        """How much a taker could get, orders of owner `passed` left out."""
        return sum(
            chunk.qty
            for _, chunks in self.facing(outcome, buy, limit)
            for chunk in chunks
            if not (passed and chunk.owner == passed)
        )

    # -- telling ---------------------------------------------------------------------------------

    def changes(self, bids_only: bool) -> list[Change]:
        """What is shown otherwise than at the last call."""
        found = []
        for spot, old in self.touched.items():
            place, px = spot
            new = self.total(spot)
            if new != old and not (bids_only and place % 2 == ASK):
                found.append(Change(self.key, place // 2, place % 2, px, old, new))
        self.touched = {}
        return found

    def _touch(self, spot: Spot) -> None:
        if spot not in self.touched:
            self.touched[spot] = self.total(spot)
