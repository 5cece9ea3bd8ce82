"""The user channel: our own orders and trades as they happen. Nothing missed is sent again."""

from typing import Final

import msgspec

from dutchbook.domain.account_events import OrderCanceled
from dutchbook.domain.orders import Reason
from dutchbook.domain.units import SECOND, Ns, Qty
from dutchbook.venues.base import Dial, Out, Sign
from dutchbook.venues.polymarket.account_wire import OpenOrder, Trade, read
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.numbers import SIZES
from dutchbook.venues.polymarket.open_orders import seen, word
from dutchbook.venues.polymarket.records import Known
from dutchbook.venues.polymarket.requests import bad
from dutchbook.venues.polymarket.trades import Trades
from dutchbook.venues.polymarket.wire import FRAME_MAX, UNREADABLE, items

STREAM: Final = "polymarket.user"
_FIRST: Final = (
    b'{"type":"user","auth":{"apiKey":"@key@","secret":"@secret@","passphrase":"@pass@"}}'
)
_EARLY: Final = Ns(5 * SECOND)


class Kind(msgspec.Struct):
    event_type: str


class UserFeed:
    """Frames of the user channel as events. `followed` is what trades of it are still open."""

    def __init__(self, config: Config, known: Known, trades: Trades) -> None:
        self._config = config
        self._known = known
        self._trades = trades
        self.open_trades: list[str] = []

    def dial(self) -> Dial:
        """The first frame carries the credentials; io puts them there."""
        config = self._config
        keys = ((config.api_key, "@key@"), (config.api_secret, "@secret@"),
                (config.api_passphrase, "@pass@"))  # fmt: skip
        return Dial(
            config.user_ws,
            sign=tuple(Sign(key, "", kind="reveal", into=into) for key, into in keys),
            heartbeat="PING",
            heartbeat_every=config.ping_every,
            first=_FIRST,
        )

    def read(self, data: bytes, now: Ns) -> list[Out]:
        """One frame: an object, or a list of them; what can't be read is BadInput."""
        if data == b"PONG":
            return []
        try:
            if len(data) > FRAME_MAX:
                raise ValueError(f"{len(data)} bytes, more than {FRAME_MAX}")
            parts = [bytes(part) for part in items.decode(data)] if data[:1] == b"[" else [data]
        except UNREADABLE as error:
            return [_bad("", error)]
        out: list[Out] = []
        for index, part in enumerate(parts):
            try:
                out += self._one(part, now)
            except UNREADABLE as error:
                out.append(_bad(f"[{index}]" if data[:1] == b"[" else "", error))
        return out

    def _one(self, data: bytes, now: Ns) -> list[Out]:
        kind = read(data, Kind).event_type
        if kind == "order":
            return self._order(read(data, OpenOrder), now)
        if kind == "trade":
            trade = read(data, Trade)
            out = self._trades.tell(trade)
            if out and self._trades.unsettled(trade.id):
                self.open_trades.append(trade.id)
            return out
        raise ValueError(f"not a message of the user channel: {kind[:40]!r}")

    def _order(self, found: OpenOrder, now: Ns) -> list[Out]:
        kind = found.type.upper()
        if kind == "CANCELLATION":
            return [self._canceled(found, now)]
        if kind not in ("PLACEMENT", "UPDATE"):
            raise ValueError(f"not a kind of order message: {found.type[:40]!r}")
        status = word(found.status or "LIVE")
        full = SIZES[found.size_matched] >= SIZES[found.original_size]
        if status in ("open", "filled"):
            # MATCHED is said of a match, not of the whole order: what can rest may still rest.
            status = "filled" if full else "open"
        return [seen(found, self._known, status)]

    def _canceled(self, found: OpenOrder, now: Ns) -> OrderCanceled:
        """A cancellation; an expiry is one too, and says so in its status or only by its time."""
        record = seen(found, self._known, "canceled")
        left = Qty(max(0, record.qty - record.filled))
        return OrderCanceled(
            record.order, record.venue_order, self._why(found, record.order, now), left,
            record.filled, found.status[:80],
        )  # fmt: skip

    def _why(self, found: OpenOrder, ours: str, now: Ns) -> Reason:
        status = found.status.upper()
        if "BALANCE" in status:
            return "funds"
        if "MARKET" in status:
            return "closed"
        if status and status not in ("LIVE", "MATCHED") and word(status) == "expired":
            return "expired"
        order = self._known.orders.get(ours)
        if order is None:
            return "other"
        if order.tif == "gtd" and now >= order.expires - _EARLY:
            return "expired"
        if order.tif == "fok":
            return "killed"
        return "no_match" if order.tif == "ioc" else "operator"


def _bad(where: str, error: Exception) -> Out:
    return msgspec.structs.replace(bad(where, error), stream=STREAM)
