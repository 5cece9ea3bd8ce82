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
            if data != b"PONG":
                self._one(stream, data, now, out, "")
            return out
        try:
            parts = items.decode(data) if len(data) <= FRAME_MAX else None
        except UNREADABLE as error:
            self._unreadable(stream, "", error, now, out)
            return out
        if parts is None:
            self._unreadable(stream, "", ValueError(f"{len(data)} bytes"), now, out)
            return out
        for index, part in enumerate(parts):
            self._one(stream, bytes(part), now, out, f"[{index}]")
        return out

    def _one(self, stream: str, data: bytes, now: Ns, out: list[Out], place: str) -> None:
        try:
            if len(data) > FRAME_MAX:
                raise ValueError(f"{len(data)} bytes, more than {FRAME_MAX}")
            message = _decode(data)
            if data.count(b'":') != keys_of(message):
                no_key_twice(data)
        except UNREADABLE as error:
            self._unreadable(stream, place, error, now, out)
            return
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
            self._bad(stream, place, error, message, now, out)
        except ValueError:
            self._bad(stream, place, fault(message, now), message, now, out)

    def _price_change(self, stream: str, message: PriceChange, now: Ns, out: list[Out]) -> None:
        at = millis(message.timestamp, now // MILLI + AHEAD_MS)
        market, assets = message.market, self.registry.assets
        books: dict[str, tuple[Asset, list[Level], int, int]] = {}
        for change in message.price_changes:
            asset = assets.get(change.asset_id)
            if asset is None or asset.market != market:
                asset = self.asset(market, change.asset_id, message, now, out)
            px, side = PRICES[change.price], BID if change.side == "BUY" else ASK
            bid = ask = -1
            if change.best_bid is not None and change.best_ask is not None:
                bid, ask = BESTS[change.best_bid], BESTS[change.best_ask] or ONE
            if asset.token:
                px, side = ONE - px, 1 - side
                if bid >= 0:
                    bid, ask = ONE - ask, ONE - bid
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
            asset.last = at
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
        asset.last = at
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
        keys = (key,) if key else ()
        out.append(FeedGap(stream, cause, key or stream, expected, got, keys))
        resync = self.resyncs.get(stream)
        if resync is None:
            return
        if key:
            tokens = [token for token in self.registry.markets[key].tokens if token]
        else:
            tokens = self.registry.streams.get(stream, [])
        out.extend(resync.demand(tokens, now))

    def _unreadable(
        self, stream: str, place: str, error: Exception, now: Ns, out: list[Out]
    ) -> None:
        text = "nested too deep" if isinstance(error, RecursionError) else str(error)
        what, _, path = text.partition(" - at `$")
        out.append(BadInput(stream, place + path.rstrip("`"), what))
        self.gap(stream, "malformed", "", 0, 0, now, out)

    def _bad(
        self,
        stream: str,
        place: str,
        error: RemoteProtocolError,
        message: Any,
        now: Ns,
        out: list[Out],
    ) -> None:
        """A message of the right shape with a wrong value: it concerns the market it names."""
        where = f"{place}.{error.where}" if place and error.where else place + error.where
        what = str(error).split(": ", 2)[-1].rstrip(".")
        out.append(BadInput(stream, where, what, error.market))
        key = self._concerned(message)
        if key:
            self.gap(stream, "malformed", key, 0, 0, now, out)

    def _concerned(self, message: Any) -> str:
        """The known market that a message is about, by its name or by one of its tokens."""
        key = f"polymarket:{message.market}"
        if key in self.registry.markets:
            return key
        changes = getattr(message, "price_changes", None) or [message]
        for change in changes:
            known = self.registry.assets.get(getattr(change, "asset_id", ""))
            if known is not None:
                return known.key
        return ""
