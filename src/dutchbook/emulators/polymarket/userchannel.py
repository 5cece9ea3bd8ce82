"""One client's conversation on the pretend Polymarket's user socket."""

import hmac
from typing import Any

import msgspec

from dutchbook.domain.units import MILLI
from dutchbook.emulators.polymarket.account import AccountReads
from dutchbook.emulators.polymarket.life import Trades
from dutchbook.emulators.polymarket.messages import Shelf
from dutchbook.emulators.polymarket.owners import Owners
from dutchbook.emulators.wire.outbox import Frame
from dutchbook.sim.words import Deal, Happened

KINDS = {"placed": "PLACEMENT", "filled": "UPDATE", "ended": "CANCELLATION", "amended": "UPDATE"}


class Private:
    """A message for one owner's connections. `market` is the condition id."""

    def __init__(self, owner: str, market: str, body: dict[str, Any]) -> None:
        self.owner = owner
        self.market = market
        self.text = msgspec.json.encode(body).decode()


class UserSession:
    """Silent until the first frame names valid credentials."""

    private = True

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self.owner = ""
        self._markets: set[str] = set()

    def on_text(self, text: str, now: int) -> list[Frame]:
        try:
            command = msgspec.json.decode(text)
            auth = command.get("auth") or {}
            markets = command.get("markets") or []
        except (msgspec.DecodeError, AttributeError):
            return [Frame("INVALID OPERATION")]
        if auth:
            key = self._owners.keys.get(str(auth.get("apiKey")))
            if key is None or not hmac.compare_digest(str(auth.get("secret")), key.secret):
                return [Frame('{"error":"Unauthorized/Invalid api key"}')]
            self.owner = self._owners.owner_of(key.address)
        if isinstance(markets, list):
            self._markets |= {str(market) for market in markets}
        return []

    def on_published(self, news: Any) -> list[Frame]:
        """Nothing of the public side is told here."""
        return []

    def on_private(self, message: Private) -> list[Frame]:
        wanted = not self._markets or message.market in self._markets
        if message.owner != self.owner or not wanted:
            return []
        return [Frame(message.text, "private", False, message.market)]

    def on_overflow(self, why: str) -> list[str]:
        return []


def order_message(reads: AccountReads, told: Happened) -> Private | None:
    """What an owner is told of an order; a fill that completes it says so."""
    one = told.standing
    if one is None or told.what not in KINDS:
        return None
    if told.what == "ended" and one.ended == "filled":
        return None
    kind = KINDS[told.what]
    row = reads.row(one)
    if told.what == "filled" and not one.left:
        row["status"] = "MATCHED"
    body = {"event_type": "order", "type": kind, "timestamp": str(told.at // MILLI)} | row
    return Private(told.owner, row["market"], body | {"order_owner": told.owner})


def trade_messages(shelf: Shelf, trades: Trades, deal: Deal, now: int) -> list[Private]:
    """One message for each side, and again for each status."""
    market = shelf.feed.markets[deal.key]
    found = []
    for side, one in trades.sides(deal):
        body = {"event_type": "trade", "type": "TRADE", "timestamp": str(now // MILLI)}
        body |= trades.row(deal, side, market, now) | {"trade_owner": one.ticket.owner}
        found.append(Private(one.ticket.owner, market.symbol, body))
    return found
