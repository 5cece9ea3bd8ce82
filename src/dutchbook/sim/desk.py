"""The trading desk of a pretend venue: participants' orders against the crowd's and each other's.

The crowd is whatever feeds the market (a generator, a tape): its levels are set from outside, and
what participants take of them is told back, so that feed and book never disagree.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.units import ONE, Ns
from dutchbook.sim.matching import Chunk, Market, Match, Spot, mirror
from dutchbook.sim.money import Bank, Fill, Side
from dutchbook.sim.shapes import Trade, Update
from dutchbook.sim.words import (
    CROWD,
    Deal,
    Ended,
    Happened,
    Refused,
    Source,
    Standing,
    Terms,
    Ticket,
    changed,
    how_met,
    trade_of,
)

LOT = 10_000
PLENTY = 1 << 60
RESTS = ("gtc", "gtd")


class Desk:
    """`tell` is called with everything that happens, at once; `drain` gives the public side of it.

    `took`: told (key, token, side, px, size) what participants took of the crowd's levels
    (negative: what the crowd did not take after all).
    """

    def __init__(self, source: Source, venue: str) -> None:
        self.source = source
        self.venue = venue
        self.bids_only = venue == "kalshi"
        self.bank = Bank(netting=self.bids_only)
        self.orders: dict[str, Standing] = {}
        self.deals: list[Deal] = []
        self.tell: list[Callable[[Happened], None]] = []
        self.took: Callable[[str, int, int, int, int], None] = lambda *_: None
        self.books: dict[str, Market] = {}
        self.resting: dict[str, dict[str, Chunk]] = {}
        self._sides: dict[str, list[Side]] = {}
        self._settled: dict[str, int] = {}
        self._out: list[Update] = []
        for key in source.markets:
            if key.startswith(f"{venue}:"):
                self._open(key)

    def _open(self, key: str) -> None:
        book = self.books[key] = Market(key)
        wanted: dict[Spot, int] = {}
        for place in range(4):
            for px, size in self.source.ladder(key, place // 2, place % 2).items():
                wanted.update(self._shown((place, px), size))
        book.set_crowd(wanted, CROWD)
        book.touched = {}

    def _shown(self, spot: Spot, size: int) -> dict[Spot, int]:
        """Kalshi tells bids only: each is an offer of the other outcome, too."""
        return {spot: size, mirror(spot): size} if self.bids_only else {spot: size}

    def terms(self, key: str) -> Terms:
        found: Terms = self.source.markets[key]
        return found

    def of_owner(self, owner: str) -> list[Standing]:
        """An owner's orders, oldest first."""
        return [one for one in self.orders.values() if one.ticket.owner == owner]

    def drain(self) -> list[Update]:
        """The public side of what participants did since the last call."""
        taken, self._out = self._out, []
        return taken

    # -- orders ----------------------------------------------------------------------------------

    def place(self, ticket: Ticket) -> Standing:
        """Match an order, let the rest rest or end. Raises Refused; then nothing changed."""
        standing = self.admit(ticket)
        self.work(standing, ticket.at)
        return standing

    def admit(self, ticket: Ticket) -> Standing:
        """Take an order that is to be matched later, with `work`. Raises Refused."""
        if ticket.id in self.orders:
            raise Refused("duplicate", ticket.id)
        book = self.books.get(ticket.key)
        if book is None:
            raise Refused("unknown_market", ticket.key)
        if self.terms(ticket.key).status != "open" or ticket.key in self._settled:
            raise Refused("not_open", ticket.key)
        standing = Standing(ticket, ticket.qty, changed=ticket.at)
        self.check(standing)
        self.orders[ticket.id] = standing
        self._happened("placed", standing, ticket.at)
        return standing

    def stillborn(self, ticket: Ticket, why: Ended) -> Standing:
        """Note an order that ended as it came."""
        standing = self.orders[ticket.id] = Standing(ticket, ticket.qty, changed=ticket.at)
        self._happened("placed", standing, ticket.at)
        self.end(standing, why, ticket.at)
        return standing

    def check(self, standing: Standing) -> None:
        """Whether an order may be worked now. Raises Refused."""
        ticket = standing.ticket
        book = self.books[ticket.key]
        if ticket.reduce_only and self._reducible(ticket) < ticket.qty:
            raise Refused("reduce_only", ticket.key)
        if ticket.buy:
            shard = self.terms(ticket.key).exchange_index
            cash = self.bank.owner(ticket.owner).cash
            if shard not in cash:
                raise Refused("no_account", f"shard {shard}")
            if self._need(standing) > self.free(ticket.owner, shard):
                raise Refused("funds", ticket.owner)
        elif self.sellable(ticket.owner, ticket.key, ticket.outcome) < ticket.qty:
            raise Refused("funds", f"{ticket.key} is not held")
        crossing = next(book.facing(ticket.outcome, ticket.buy, ticket.px), None)
        if ticket.post_only and crossing is not None:
            raise Refused("crosses", ticket.key)
        if ticket.tif == "fok" and not self._whole(ticket, book):
            raise Refused("killed", ticket.key)

    def _whole(self, ticket: Ticket, book: Market) -> bool:
        """Whether a fill-or-kill can be filled now."""
        passed = ticket.owner if ticket.self_trade else ""
        if not ticket.spend:
            return book.available(ticket.outcome, ticket.buy, ticket.px, passed) >= ticket.qty
        left = ticket.spend
        for px, chunks in book.facing(ticket.outcome, ticket.buy, ticket.px):
            left -= px * sum(c.qty for c in chunks if c.owner != passed) // ONE
            if left <= 0:
                return True
        return False

    def _reducible(self, ticket: Ticket) -> int:
        held = self.bank.owner(ticket.owner).held
        outcome = ticket.outcome if not ticket.buy else 1 - ticket.outcome
        return held.get((ticket.key, outcome), 0)

    def sellable(self, owner: str, key: str, outcome: int) -> int:
        """Contracts held, less what open orders offer already."""
        offered = sum(
            one.left
            for one in self._live(owner)
            if not one.ticket.buy and (one.ticket.key, one.ticket.outcome) == (key, outcome)
        )
        return self.bank.owner(owner).held.get((key, outcome), 0) - offered

    def free(self, owner: str, shard: int) -> int:
        """Cash on a shard, less what open orders there hold back."""
        held = sum(
            self._need(one)
            for one in self._live(owner)
            if self.terms(one.ticket.key).exchange_index == shard
        )
        return self.bank.owner(owner).cash.get(shard, 0) - held

    def _live(self, owner: str) -> list[Standing]:
        chunks = (chunk for by_order in self.resting.values() for chunk in by_order.values())
        return [self.orders[chunk.order] for chunk in chunks if chunk.owner == owner]

    def _need(self, standing: Standing) -> int:
        return self.bank.need(standing, self.terms(standing.ticket.key).fees, LOT)

    def work(self, standing: Standing, at: int) -> None:
        """Match as a taker; then the rest rests, or ends."""
        ticket = standing.ticket
        book = self.books[ticket.key]
        matches, why = book.take(
            ticket.outcome, ticket.buy, ticket.px, standing.left,
            lambda chunk: self._self_trade(ticket, chunk), lambda px: self._room(standing, px),
        )  # fmt: skip
        deals = [deal for match in matches if (deal := self._deal(standing, match, at))]
        if not standing.left or (ticket.spend and self._room(standing, ticket.px) < LOT):
            self.end(standing, "filled", at)
        elif why:
            self.end(standing, "self_trade", at)
        elif ticket.tif not in RESTS:
            self.end(standing, "no_match", at)
        else:
            self._rest(standing, book)
        self._publish(book, at, deals)

    def _self_trade(self, ticket: Ticket, chunk: Chunk) -> str:
        if chunk.owner != ticket.owner or not ticket.self_trade:
            return ""
        return "end" if ticket.self_trade == "taker" else "drop"

    def _room(self, standing: Standing, px: int) -> int:
        spend = standing.ticket.spend
        return (spend - standing.paid) * ONE // px // LOT * LOT if spend and px else PLENTY

    def _rest(self, standing: Standing, book: Market) -> None:
        ticket = standing.ticket
        spot = (ticket.outcome * 2 + (BID if ticket.buy else ASK), ticket.px)
        chunk = Chunk(ticket.id, ticket.owner, standing.left, (spot, mirror(spot)))
        book.add(chunk)
        self.resting.setdefault(ticket.key, {})[ticket.id] = chunk

    def ahead(self, name: str) -> int:
        """What stands before a resting order at its price."""
        ticket = self.orders[name].ticket
        chunk = self.resting[ticket.key][name]
        return self.books[ticket.key].ahead(chunk)

    def cancel(self, name: str, at: int, why: Ended = "asked") -> int:
        """End what is left of an order; returns how much that was, 0 if nothing was left."""
        standing = self.orders.get(name)
        if standing is None or standing.ended:
            return 0
        left = standing.left
        self._unrest(standing)
        self.end(standing, why, at)
        self._publish(self.books[standing.ticket.key], at, [])
        return left

    def cancel_owner(self, owner: str, at: int, why: Ended = "asked", key: str = "") -> list[str]:
        """End every open order of an owner (in one market, if named); returns their ids."""
        names = [s.ticket.id for s in self._live(owner) if key in ("", s.ticket.key)]
        for name in names:
            self.cancel(name, at, why)
        return names

    def amend(self, name: str, px: int, qty: int, at: int) -> Standing:
        """New price and total size. Its place in the queue stays only where it merely shrinks.

        Raises Refused, KeyError if there is no such open order.
        """
        standing = self.orders[name]
        if standing.ended:
            raise KeyError(name)
        left = qty - standing.filled
        if left <= 0:
            raise Refused("size", "not above what is filled")
        book, before = self.books[standing.ticket.key], standing.ticket
        chunk = self.resting[before.key][name]
        standing.changed = at
        if px == before.px and left <= standing.left:
            book.shrink(chunk, standing.left - left)
            standing.ticket, standing.left = changed(before, px, qty), left
        else:
            self._amend_fully(standing, book, px, qty, left, at)
        self._happened("amended", standing, at)
        self._publish(book, at, [])
        return standing

    def _amend_fully(
        self, standing: Standing, book: Market, px: int, qty: int, left: int, at: int
    ) -> None:
        before, old = standing.ticket, standing.left
        self._unrest(standing)
        standing.ticket, standing.left = changed(before, px, qty), left
        try:
            self.check(standing)
        except Refused:
            standing.ticket, standing.left = before, old
            self._rest(standing, book)
            raise
        self.work(standing, at)

    def expire(self, at: int) -> None:
        """End what was good until a moment that has passed."""
        for by_order in list(self.resting.values()):
            for name in list(by_order):
                expires = self.orders[name].ticket.expires
                if expires and expires <= at:
                    self.cancel(name, at, "expired")

    def _unrest(self, standing: Standing) -> None:
        chunk = self.resting.get(standing.ticket.key, {}).pop(standing.ticket.id, None)
        if chunk is not None:
            self.books[standing.ticket.key].shrink(chunk, chunk.qty)

    def end(self, standing: Standing, why: Ended, at: int) -> None:
        """Nothing more will come of what is left of an order that rests nowhere."""
        standing.canceled += standing.left
        standing.left, standing.ended, standing.changed = 0, why, at
        self._happened("ended", standing, at)

    # -- deals -----------------------------------------------------------------------------------

    def _deal(self, taker: Standing, match: Match, at: int) -> Deal | None:
        """Book a match on both sides and tell both; a dropped chunk's order is canceled."""
        maker = self.orders.get(match.chunk.order)
        if not match.qty:
            assert maker is not None
            self._unrest(maker)
            self.end(maker, "self_trade", at)
            return None
        mine = taker.ticket
        its = maker.ticket if maker else None
        outcome = its.outcome if its else mine.outcome
        buys = its.buy if its else not mine.buy
        how = how_met(mine.buy, buys)
        mine_fill = self._book(taker, match.px, match.qty, False, at)
        its_fill = None
        if maker is not None:
            px = match.px if outcome == mine.outcome else ONE - match.px
            its_fill = self._book(maker, px, match.qty, True, at)
        else:
            self._told_crowd(mine.key, match)
        deal = Deal(
            self._name(mine.key), mine.key, at, match.px if not mine.outcome else ONE - match.px,
            match.qty, how, mine.id, mine.owner, mine.outcome, mine.buy, match.chunk.order,
            match.chunk.owner, outcome, buys, mine_fill.fee, its_fill.fee if its_fill else 0,
            mine_fill.rounding, its_fill.rounding if its_fill else 0,
        )  # fmt: skip
        sides = [Side(taker, match.qty, mine_fill)]
        if maker is not None and its_fill is not None:
            sides.append(Side(maker, match.qty, its_fill))
        self._dealt(deal, sides, at)
        return deal

    def _dealt(self, deal: Deal, sides: list[Side], at: int) -> None:
        self.deals.append(deal)
        self._sides[deal.id] = sides
        for side in sides:
            side.standing.deals.append(deal)
            self._happened("filled", side.standing, at, deal, side.fill.cash)
            if side.standing.ticket.id != deal.taker and not side.standing.left:
                self.resting[deal.key].pop(side.standing.ticket.id, None)
                self.end(side.standing, "filled", at)

    def _book(self, standing: Standing, px: int, qty: int, maker: bool, at: int) -> Fill:
        terms = self.terms(standing.ticket.key)
        standing.filled += qty
        standing.left -= qty
        standing.changed = at
        return self.bank.fill(standing, px, qty, maker, terms.fees, terms.exchange_index)

    def _told_crowd(self, key: str, match: Match) -> None:
        for place, px in match.chunk.spots:
            self.took(key, place // 2, place % 2, px, match.qty)

    def _name(self, key: str) -> str:
        return hashlib.blake2b(f"{key} {len(self.deals)}".encode(), digest_size=16).hexdigest()

    def _publish(self, book: Market, at: int, deals: list[Deal]) -> None:
        changes = book.changes(self.bids_only)
        for deal in deals:
            yes = deal.taker_buy == (deal.taker_outcome == 0)
            trade = Trade(deal.id, deal.px, deal.qty, yes)
            self._out.append(Update(book.key, Ns(at), changes, trade))
            changes = []
        if changes:
            self._out.append(Update(book.key, Ns(at), changes))

    def _happened(
        self, what: Any, standing: Standing, at: int, deal: Deal | None = None, cash: int = 0
    ) -> None:
        told = Happened(
            what, standing.ticket.owner, at, standing, deal, standing.ticket.key, cash,
            standing.ended,
        )  # fmt: skip
        for listener in self.tell:
            listener(told)

    # -- the crowd -------------------------------------------------------------------------------

    def crowd(self, update: Update) -> list[Update]:
        """What the feed's update becomes when participants have orders there."""
        book = self.books[update.key]
        wanted: dict[Spot, int] = {}
        for change in update.changes:
            spot = (change.token * 2 + change.side, change.px)
            wanted.update(self._shown(spot, change.new))
        if not self.resting.get(update.key):
            book.set_crowd(wanted, CROWD)
            # What the feed believes was there may have been taken: the book knows what changes.
            changes = book.changes(self.bids_only)
            return [Update(update.key, update.at, changes, update.trade, update.status)]
        deals = self._crowd_takes(book, update, wanted)
        deals += self._crowd_crosses(book, update.at, wanted)
        book.set_crowd(wanted, CROWD)
        changes = book.changes(self.bids_only)
        out = [Update(update.key, update.at, [], trade_of(deal)) for deal in deals]
        rest = update.trade
        if rest is not None:
            left = rest.qty - sum(deal.qty for deal in deals if deal.taker_owner == CROWD)
            rest = Trade(rest.id, rest.px, left, rest.buy_yes) if left > 0 else None
        return [*out, Update(update.key, update.at, changes, rest, update.status)]

    def _crowd_takes(self, book: Market, update: Update, wanted: dict[Spot, int]) -> list[Deal]:
        """A trade of the crowd meets participants who were first."""
        trade = update.trade
        if trade is None:
            return []
        outcome = 0 if trade.buy_yes else 1
        px = trade.px if trade.buy_yes else ONE - trade.px
        before = {spot: book.crowd(spot) for spot in wanted}
        matches, _ = book.take(outcome, True, px, trade.qty, lambda c: "", lambda p: PLENTY)
        met = [match for match in matches if match.chunk.order]
        deals = [self._from_crowd(book.key, match, outcome, True, update.at) for match in met]
        spared = sum(match.qty for match in met)
        if spared:
            spot = (outcome * 2 + ASK, px)
            for place in (spot, mirror(spot)):
                if place in wanted and before.get(place, 0) > 0:
                    wanted[place] += spared
                    self.took(book.key, place[0] // 2, place[0] % 2, place[1], -spared)
        return deals

    def _crowd_crosses(self, book: Market, at: int, wanted: dict[Spot, int]) -> list[Deal]:
        """New levels of the crowd meet participants' orders that they cross."""
        deals: list[Deal] = []
        seen: set[Spot] = set()
        for spot, total in list(wanted.items()):
            delta = total - book.crowd(spot)
            if delta <= 0 or spot in seen:
                continue
            seen |= {spot, mirror(spot)}
            place, px = spot
            buys = place % 2 == BID
            matches, _ = book.take(
                place // 2, buys, px, delta, lambda c: "" if c.order else "pass", lambda p: PLENTY
            )
            found = [self._from_crowd(book.key, m, place // 2, buys, at) for m in matches]
            gone = sum(match.qty for match in matches)
            for one in (spot, mirror(spot)) if gone else ():
                if one in wanted:
                    wanted[one] -= gone
                    self.took(book.key, one[0] // 2, one[0] % 2, one[1], gone)
            deals += found
        return deals

    def _from_crowd(self, key: str, match: Match, outcome: int, buys: bool, at: int) -> Deal:
        maker = self.orders[match.chunk.order]
        its = maker.ticket
        px = match.px if its.outcome == outcome else ONE - match.px
        fill = self._book(maker, px, match.qty, True, at)
        how = how_met(buys, its.buy)
        deal = Deal(
            self._name(key), key, at, match.px if not outcome else ONE - match.px, match.qty, how,
            "", CROWD, outcome, buys, its.id, its.owner, its.outcome, its.buy, 0, fill.fee, 0,
            fill.rounding,
        )  # fmt: skip
        self._dealt(deal, [Side(maker, match.qty, fill)], at)
        return deal

    # -- ends ------------------------------------------------------------------------------------

    def paused(self, key: str, at: int) -> None:
        """Trading stopped: orders that asked for it are canceled."""
        for name in list(self.resting.get(key, {})):
            if self.orders[name].ticket.cancel_on_pause:
                self.cancel(name, at, "paused")

    def close(self, key: str, at: int) -> None:
        """Trading is over: whatever rests ends."""
        for name in list(self.resting.get(key, {})):
            self.cancel(name, at, "closed")

    def settle(self, key: str, yes_pays: int, at: int) -> None:
        """End every order of a market and pay everybody what it is worth; once."""
        if key in self._settled:
            return
        self.close(key, at)
        self._settled[key] = yes_pays
        shard = self.terms(key).exchange_index
        for owner in list(self.bank.owners):
            yes, no, cash = self.bank.settle(owner, key, yes_pays, shard)
            if yes or no:
                detail = f"{yes} {no} {yes_pays}"
                told = Happened("settled", owner, at, key=key, cash=cash, detail=detail)
                for listener in self.tell:
                    listener(told)

    def void(self, name: str, at: int) -> None:
        """A deal never happened: both sides have their money and contracts back, exactly."""
        deal = next(deal for deal in self.deals if deal.id == name)
        shard = self.terms(deal.key).exchange_index
        for side in self._sides.pop(name, []):
            standing, fill = side.standing, side.fill
            ticket = standing.ticket
            qty = side.qty if ticket.buy else -side.qty
            fee = fill.fee + fill.rounding
            self.bank.undo(ticket.owner, deal.key, ticket.outcome, qty, fill.cash, fee, shard)
            standing.filled -= side.qty
            standing.canceled += side.qty
            standing.paid -= fill.value
            standing.fees -= fee
            standing.deals.remove(deal)
            self._happened("voided", standing, at, deal, -fill.cash)
