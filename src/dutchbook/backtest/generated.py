"""The seeded market of the pretend exchanges as a tape: the same seed and span, the same events."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from dutchbook.backtest.tape import Item, Tape
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    Event,
    EventListed,
    FeedUp,
    InstrumentListed,
    Level,
    LinkProposed,
    OperatorAsked,
    StatusChanged,
    TradePrinted,
)
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.relations import Link, stamped
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd, micros
from dutchbook.emulators.market import World
from dutchbook.emulators.market.shapes import SimMarket, Update
from dutchbook.runtime.links import Entry

START: Final = Ns(1_790_000_000 * SECOND)
SPAN: Final = Ns(600 * SECOND)
STREAMS: Final = {"kalshi": "kalshi.book", "polymarket": "polymarket.market.0"}
_SPANS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SOURCE = re.compile(r"sim:([0-9]{1,18})(?::([0-9]{1,6})([smhd]))?")


def parse(text: str) -> tuple[int, Ns] | None:
    """(seed, span) of "sim:7" or "sim:7:30m"; None where it is no such text."""
    found = _SOURCE.fullmatch(text)
    if found is None:
        if text.startswith("sim:"):
            raise UsageError(f"no seed in {text!r}", todo="write sim:7, or sim:7:30m")
        return None
    seed, count, unit = found.groups()
    if count and not int(count):
        raise UsageError(f"{text!r} lasts no time", todo="write sim:7, or sim:7:30m")
    return int(seed), Ns(int(count) * _SPANS[unit] * SECOND) if count else SPAN


def generated(seed: int, span: Ns = SPAN) -> Tape:
    """The market of a seed from its beginning, for `span` ns."""
    name = f"sim:{seed}:{span // SECOND}s"
    digest = hashlib.blake2b(f"generated market 1 {name}".encode(), digest_size=16).hexdigest()
    return Tape(
        name, digest, list(_items(seed, span)),
        fills="shown books and trades of a generated market; ours move nobody else",
        survivorship="generated: no market is missing",
        notes=("The market is generated: mispricings are planted in it. No figure says anything "
               "about real venues.",),
        fees=True,
    )  # fmt: skip


def _items(seed: int, span: Ns) -> Iterator[Item]:
    world = World(seed, START, None)
    for event in world.events.values():
        group = EventGroup(
            event.key, event.venue, event.title, tuple(event.members), event.exclusive,
            event.exhaustive and not event.augmented,
        )  # fmt: skip
        yield START, EventListed(group)
    for market in world.markets.values():
        yield START, InstrumentListed(_listed(market))
    yield from _links(world)
    for stream in STREAMS.values():
        yield START, FeedUp(stream)
    for market in world.markets.values():
        two = market.venue == "polymarket"
        levels: list[list[Level]] = [[], []]
        for token in (0, 1):
            for side in (BID, ASK):
                for px, size in world.ladder(market.key, token, side).items():
                    levels[token if two else 0].append(_level(token, side, px, size))
        for token in range(1 + two):
            stream = STREAMS[market.venue]
            yield START, BookLevels(market.key, token, stream, True, False, levels[token])
    for update in world.each(Ns(START + span)):
        for one in _events(update, world.markets[update.key]):
            yield update.at, one


def _events(update: Update, market: SimMarket) -> Iterator[Event]:
    stream = STREAMS[market.venue]
    if update.trade is not None:
        trade = update.trade
        yield TradePrinted(
            update.key, stream, Px(trade.px), Qty(trade.qty), trade.buy_yes, trade.id, update.at
        )
    two = market.venue == "polymarket"
    for token in range(1 + two):
        mine = [change for change in update.changes if change.token == token or not two]
        if mine:
            levels = [_level(c.token, c.side, c.px, c.new) for c in mine]
            yield BookLevels(update.key, token, stream, False, False, levels, venue_at=update.at)
    if update.status is not None:
        yield StatusChanged(update.key, "open" if update.status == "open" else "paused")


def _level(token: int, side: int, px: int, size: int) -> Level:
    """A level of a token's own book in YES terms."""
    return (side, px, size) if token == 0 else (ASK if side == BID else BID, ONE - px, size)


def _listed(market: SimMarket) -> Instrument:
    two = market.venue == "polymarket"
    return Instrument(
        market.key, market.venue, market.symbol, market.event, market.title, market.outcome,
        market.grid, market.fees, Qty(10_000), Qty(market.size_min),
        Usd(ONE) if two else Usd(0), "open", market.closes, market.expires,
        market.tokens if two else (), market.rules, market.category, Usd(0), market.neg_risk,
        market.exchange_index,
    )  # fmt: skip


def _links(world: World) -> Iterator[Item]:
    for line in world.links():
        entry = msgspec.convert(line, Entry)
        link = Link(
            entry.id, entry.kind, entry.members, entry.version,
            stamped(entry.evidence, entry.rules), micros(entry.confidence),
        )  # fmt: skip
        yield START, LinkProposed(link)
        if entry.approved:
            yield START, OperatorAsked("generator", "approve", (entry.id, str(entry.version)))
