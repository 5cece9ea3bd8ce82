"""The desks between feed and servers: the market moves, and participants trade in it."""

from collections.abc import Callable
from itertools import chain
from typing import Any

from dutchbook.domain.units import ONE, Ns
from dutchbook.emulators.feed import Feed
from dutchbook.emulators.market.shapes import SimEvent, SimMarket, SimSeries, Update
from dutchbook.sim.desk import Desk

US = "us"
"""The owner of the keys that the exchanges make; bots have names of their own."""
START_CASH = 100_000 * ONE
SHARDS = (0, 1, 2, 3)


class Floor:
    """A Feed for the servers, with a desk for each venue. `us` starts with $100,000 at each.

    `stands_still` says of a market that it is paused: what the crowd did then comes afterwards.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._at = Ns(0)
        self._held: list[Update] = []
        self._over: list[Update] = []
        self.stands_still: Callable[[str, int], bool] = lambda key, now: False
        self.desks = {venue: Desk(feed, venue) for venue in ("kalshi", "polymarket")}
        took = getattr(feed, "take", None)
        for venue, desk in self.desks.items():
            if took is not None:
                desk.took = took
            for shard in SHARDS if venue == "kalshi" else (0,):
                share = START_CASH // 4 if venue == "kalshi" else START_CASH
                desk.bank.fund(US, shard, share)

    @property
    def series(self) -> dict[str, SimSeries]:
        return self._feed.series

    @property
    def events(self) -> dict[str, SimEvent]:
        return self._feed.events

    @property
    def markets(self) -> dict[str, SimMarket]:
        return self._feed.markets

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]:
        return self._feed.ladder(key, token, side)

    def begin(self, now: Ns) -> None:
        self._feed.begin(now)

    def advance(self, now: Ns) -> list[Update]:
        """What happened up to `now`, the crowd's doings as participants' orders left them."""
        each = getattr(self._feed, "each", None)
        # What participants did since the last call comes before all that the crowd does now, and
        # is told with the time of that call: a client must never see time go back.
        found = [update for desk in self.desks.values() for update in desk.drain()]
        over, self._over = self._over, []
        found += over
        for update in found:
            update.at = self._at or now
        self._at = now
        held, self._held = self._held, []
        for update in held:
            update.at = max(update.at, now)
        for update in chain(held, each(now) if each is not None else self._feed.advance(now)):
            if self._feed.markets[update.key].status not in ("open", "paused"):
                continue  # it is over, but the crowd does not know
            if self.stands_still(update.key, now):
                self._held.append(update)
                continue
            desk = self.desks[update.key.partition(":")[0]]
            found += desk.crowd(update)
            if update.status == "paused":
                desk.paused(update.key, update.at)
        for desk in self.desks.values():
            desk.expire(now)
            found += desk.drain()
        return found

    def settle(self, key: str, yes_pays: int, now: int) -> None:
        """Pay what a market is worth, and let the venue tell of it."""
        desk, market = self.desks[key.partition(":")[0]], self._feed.markets[key]
        market.pays, market.status = yes_pays, "settled"
        desk.settle(key, yes_pays, now)
        self._over.append(Update(key, Ns(now), [], status="settled"))

    def drain_truth(self) -> list[dict[str, Any]]:
        return self._feed.drain_truth()

    def links(self) -> list[dict[str, Any]]:
        return self._feed.links()


def truth_of(desk: Desk) -> dict[str, Any]:
    """Everything that a venue knows of its participants, in millionths."""
    return {
        "venue": desk.venue,
        "owners": {
            owner.name: {
                "cash": sum(owner.cash.values()),
                "shards": {str(shard): cash for shard, cash in owner.cash.items()},
                "funded": owner.funded,
                "positions": [
                    [key, ("yes", "no")[outcome], qty]
                    for (key, outcome), qty in sorted(owner.held.items())
                    if qty
                ],
                "fees": sum(owner.fees.values()),
            }
            for owner in desk.bank.owners.values()
        },
        "orders": [
            {
                "id": one.ticket.id,
                "client": one.ticket.client,
                "owner": one.ticket.owner,
                "at": one.ticket.at,
                "key": one.ticket.key,
                "outcome": ("yes", "no")[one.ticket.outcome],
                "buy": one.ticket.buy,
                "px": one.ticket.px,
                "qty": one.ticket.qty,
                "filled": one.filled,
                "canceled": one.canceled,
                "left": one.left,
                "ended": one.ended,
                "paid": one.paid,
                "fees": one.fees,
                "deals": [deal.id for deal in one.deals],
            }
            for one in desk.orders.values()
        ],
        "deals": [
            {
                "id": deal.id,
                "key": deal.key,
                "px": deal.px,
                "qty": deal.qty,
                "taker": deal.taker,
                "maker": deal.maker,
                "taker_owner": deal.taker_owner,
                "maker_owner": deal.maker_owner,
                "taker_fee": deal.taker_fee + deal.taker_rounding,
                "maker_fee": deal.maker_fee + deal.maker_rounding,
            }
            for deal in desk.deals
        ],
    }
