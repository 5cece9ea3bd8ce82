"""Frames of the market socket into events: the hot path, and what is done about bad ones."""

from collections.abc import Callable
from typing import Any, Final

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import (
    ASK,
    BID,
    BadInput,
    BodySeen,
    BookLevels,
    FeedGap,
    GapCause,
    Level,
)
from dutchbook.domain.units import MILLI, ONE, Ns
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket import notices
from dutchbook.venues.polymarket.faults import AHEAD_MS, fault
from dutchbook.venues.polymarket.ladder import book_hash, levels
from dutchbook.venues.polymarket.learn import Learner
from dutchbook.venues.polymarket.numbers import BESTS, PRICES, SIZES, millis
from dutchbook.venues.polymarket.registry import Asset, Registry
from dutchbook.venues.polymarket.resync import Resync
from dutchbook.venues.polymarket.wire import (
    FRAME_MAX,
    UNREADABLE,
    Book,
    PriceChange,
    UserOrder,
    UserTrade,
    frame,
    items,
    keys_of,
    no_key_twice,
)

_decode: Final = frame.decode


class Frames:
    """Reads frames. What must be asked for again goes through `resyncs`, one per open socket."""

    def __init__(self, registry: Registry, learner: Learner | None) -> None:
        self.registry = registry
        self.learner = learner
        self.resyncs: dict[str, Resync] = {}
        self.new_market: Callable[..., list[Out]] | None = None

    def read(self, stream: str, data: bytes, now: Ns) -> list[Out]:
        """Everything that a frame says; a bad one becomes BadInput and a gap, never an error."""
        out: list[Out] = []
        if data[:1] != b"[":
            if data != b"PONG" and self._one(stream, data, now, out, ""):
                self.gap(stream, "malformed", "", 0, 0, now, out)
            return out
        try:
            if len(data) > FRAME_MAX:
                raise ValueError(f"{len(data)} bytes, more than {FRAME_MAX}")
            parts = items.decode(data)
        except UNREADABLE as error:
            out.append(_unreadable(stream, "", error))
            parts = []
            self.gap(stream, "malformed", "", 0, 0, now, out)
        broken = False
        for index, part in enumerate(parts):
            broken |= self._one(stream, bytes(part), now, out, f"[{index}]")
        if broken:
            self.gap(stream, "malformed", "", 0, 0, now, out)
        return out

    def _one(self, stream: str, data: bytes, now: Ns, out: list[Out], place: str) -> bool:
        """Read one message; True if book data may have been lost with it."""
        try:
            if len(data) > FRAME_MAX:
                raise ValueError(f"{len(data)} bytes, more than {FRAME_MAX}")
            message = _decode(data)
            if data.count(b":") != keys_of(message):
                no_key_twice(data)
        except UNREADABLE as error:
            out.append(_unreadable(stream, place, error))
            return True
        try:
            if type(message) is PriceChange:
                self._price_change(stream, message, now, out)
            elif type(message) is Book:
                self._book(stream, message, now, out)
            elif isinstance(message, UserOrder | UserTrade):
                kind = "order" if isinstance(message, UserOrder) else "trade"
                key = f"polymarket:{message.market[:128]}"
                out.append(BodySeen("polymarket", f"user.{kind}", 1, (key,)))
            else:
                notices.read(self, stream, message, now, out)
        except RemoteProtocolError as error:
            out.append(_bad(stream, place, error))
        except ValueError:
            out.append(_bad(stream, place, fault(message, now)))
        else:
            return False
        return isinstance(message, PriceChange | Book)

    def _price_change(self, stream: str, message: PriceChange, now: Ns, out: list[Out]) -> None:
        at = millis(message.timestamp, now // MILLI + AHEAD_MS)
        market, assets = message.market, self.registry.assets
        books: dict[str, tuple[Asset, list[Level], int, int]] = {}
        for change in message.price_changes:
            asset = assets.get(change.asset_id)
            if asset is None or asset.market != market:
                asset = self.asset(market, change.asset_id, message, now, out)
            px, side = PRICES[change.price], BID if change.side == "BUY" else ASK
            bid = -1 if change.best_bid is None else BESTS[change.best_bid]
            ask = -1 if change.best_ask is None else BESTS[change.best_ask] or ONE
            if asset.token:
                px, side = ONE - px, 1 - side
                bid, ask = -1 if ask < 0 else ONE - ask, -1 if bid < 0 else ONE - bid
            level = (side, px, SIZES[change.size])
            book = books.get(change.asset_id)
            if book is None:
                books[change.asset_id] = (asset, [level], bid, ask)
            else:
                book[1].append(level)
                books[change.asset_id] = (asset, book[1], bid, ask)
        late = False
        for asset, found, bid, ask in books.values():
            if at < asset.last:
                if not late:
                    late = True
                    self.gap(stream, "time", asset.key, asset.last, at, now, out)
                continue
            if asset.live:
                asset.last = at  # what is not applied, because the book is stale, sets no mark
            if self.learner is not None:
                self.learner.grid(asset.key, found, out)
            venue_at = Ns(at * MILLI)
            out.append(
                BookLevels(asset.key, asset.token, stream, False, False, found, bid, ask, venue_at)
            )

    def _book(self, stream: str, message: Book, now: Ns, out: list[Out]) -> None:
        at = millis(message.timestamp, now // MILLI + AHEAD_MS)
        asset = self.registry.assets.get(message.asset_id)
        if asset is None or asset.market != message.market:
            asset = self.asset(message.market, message.asset_id, message, now, out)
        found = levels(message, asset.token)
        digest = book_hash(message)
        if at < asset.last:
            self.gap(stream, "time", asset.key, asset.last, at, now, out)
            return
        if digest and digest != message.hash:
            self.gap(stream, "hash", asset.key, 0, 0, now, out)
            return
        asset.last, asset.live = at, True
        if self.learner is not None:
            self.learner.grid(asset.key, found, out)
        resync = self.resyncs.get(stream)
        if resync is not None:
            resync.seen(asset.id)
        out.append(
            BookLevels(
                asset.key,
                asset.token,
                stream,
                True,
                False,
                found,
                venue_at=Ns(at * MILLI),
                hashed=1 if digest else 0,
            )
        )

    def asset(self, market: str, asset_id: str, message: Any, now: Ns, out: list[Out]) -> Asset:
        """The token of a message, learnt now if that is the mode; RemoteProtocolError if alien."""
        if self.learner is not None:
            broken = fault(message, now)
            if broken.where:
                raise broken
            return self.learner.asset(market, asset_id, out)
        known = self.registry.assets.get(asset_id)
        what = f"the token is of {known.market[:80]}" if known else "a token that is not known"
        raise RemoteProtocolError("polymarket", "asset_id", what, market=market[:128])

    def gap(
        self,
        stream: str,
        cause: GapCause,
        key: str,
        expected: int,
        got: int,
        now: Ns,
        out: list[Out],
    ) -> None:
        """Something was lost: of one market, or of the whole stream where `key` is empty."""
        out.append(FeedGap(stream, cause, key or stream, expected, got, (key,) if key else ()))
        tokens = self.registry.tokens(stream, key)
        self.registry.stale(tokens)
        resync = self.resyncs.get(stream)
        if resync is not None:
            out.extend(resync.demand(tokens, now))


def _unreadable(stream: str, place: str, error: Exception) -> BadInput:
    text = "nested too deep" if isinstance(error, RecursionError) else str(error)
    what, _, path = text.partition(" - at `$")
    return BadInput(stream, (place + path.rstrip("`")).lstrip("."), what)


def _bad(stream: str, place: str, error: RemoteProtocolError) -> BadInput:
    where = f"{place}.{error.where}" if place and error.where else place + error.where
    return BadInput(stream, where, str(error).split(": ", 2)[-1].rstrip("."), error.market)
