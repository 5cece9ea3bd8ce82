"""The pretend Polymarket as one object: its shelf, sessions, REST, and how it misbehaves."""

from collections.abc import Callable, Mapping
from typing import Final

from dutchbook.domain.units import MILLI
from dutchbook.emulators.feed import Feed
from dutchbook.emulators.halts import Halts
from dutchbook.emulators.market.shapes import Update
from dutchbook.emulators.past import LAG_MAX, Past
from dutchbook.emulators.polymarket.account import AccountReads
from dutchbook.emulators.polymarket.clob import Clob, Windows
from dutchbook.emulators.polymarket.gamma import Gamma
from dutchbook.emulators.polymarket.life import Trades
from dutchbook.emulators.polymarket.messages import Published, Shelf
from dutchbook.emulators.polymarket.owners import Owners
from dutchbook.emulators.polymarket.rates import TIERS
from dutchbook.emulators.polymarket.session import PolymarketSession
from dutchbook.emulators.polymarket.stops import Stops
from dutchbook.emulators.polymarket.trading import Trading
from dutchbook.emulators.polymarket.userchannel import (
    Private,
    UserSession,
    order_message,
    trade_messages,
)
from dutchbook.emulators.wire.outbox import Frame
from dutchbook.emulators.wire.spoil import plainly
from dutchbook.sim.desk import Desk
from dutchbook.sim.words import Happened

UNKNOWN_MARKET: Final = "0x" + "00ff" * 16
USER_WS: Final = "/ws/user"
UNKNOWN_ASSET: Final = "1" + "7" * 76


class PolymarketVenue:
    """`publish` returns what the sessions are to be told."""

    name = "polymarket"

    def __init__(self, feed: Feed, desk: Desk, owners: Owners) -> None:
        self.shelf = Shelf(feed)
        self.windows = Windows()
        self.desk = desk
        self.owners = owners
        addresses = {name: address for address, name in owners.names.items()}
        self.trades = Trades(desk, addresses)
        self.halts = Halts()
        self.trading = Trading(self.shelf, desk, owners, Stops(self.halts))
        self.past = Past(desk)
        self.reads = AccountReads(
            self.shelf, self.past, owners, self.trades, self.halts, self.trading.delays.pending
        )
        self.clob = Clob(self.shelf, self.windows, [*self.trading.paths(), *self.reads.paths()])
        self.gamma = Gamma(self.shelf, self.windows, self.reads.data_paths())
        self.out: Callable[[Published], None] = lambda news: None
        self.cut: Callable[[], None] = lambda: None
        self.tell: Callable[[Private], None] = lambda message: None
        self.fails: Callable[[int], bool] = lambda now: False
        desk.tell.append(self._heard)

    def session(self, path: str, headers: Mapping[str, str]) -> PolymarketSession | UserSession:
        """A conversation on the market socket, or on the user socket."""
        if path.startswith(USER_WS):
            return UserSession(self.owners)
        return PolymarketSession(self.shelf)

    def _heard(self, told: Happened) -> None:
        """Something happened at the desk: the owners' sockets are told."""
        message = order_message(self.reads, told)
        if message is not None:
            self.tell(message)
        deal = told.deal if told.what == "filled" else None
        if deal is not None and deal.id not in self.trades.deals:
            self.trades.matched(deal)
            if self.fails(told.at):
                self.trades.fails[deal.id] = None
            for trade in trade_messages(self.shelf, self.trades, deal, told.at):
                self.tell(trade)

    def poll(self, now: int) -> None:
        """Trades move on in their lives; hearts that stopped are noticed."""
        self.trading.poll(now)
        self.past.poll(now)
        for halt in self.halts.begun(now):
            if halt.drop:
                self.cut()
        for deal in self.trades.poll(now):
            for message in trade_messages(self.shelf, self.trades, deal, now):
                self.tell(message)

    def stands_still(self, key: str, now: int) -> bool:
        """Whether nothing can be matched now."""
        return self.halts.mode(now) in ("restart", "disabled", "cancel_only")

    def switch(self, name: str, value: int) -> bool:
        """Change how the venue behaves; False where it has no such switch."""
        match name:
            case "stale_ms" if value * MILLI <= LAG_MAX:
                self.past.lag = value * MILLI
            case "sports_delay_ms":
                self.shelf.delays["Sports"] = value
            case "crypto_delay_ms":
                self.shelf.delays["Crypto"] = value
            case "tier" if value < len(TIERS):
                self.trading.rates.change(TIERS[value])
            case "rate_warnings":
                self.trading.rates.warns = bool(value)
            case _:
                return False
        return True

    def publish(self, update: Update) -> Published:
        return self.shelf.publish(update)

    def flip_tick(self, now: int) -> str:
        news = self.shelf.flip_tick(now)
        if news is None:
            return ""
        self.out(news)
        return news.market

    def spoil(self, frame: Frame, how: str) -> tuple[str | bytes, bool] | None:
        """An unknown market never stands in a real frame's place: nobody would notice the loss."""
        if how != "unknown":
            return plainly(frame.text, how), False
        text = frame.text.replace(frame.market, UNKNOWN_MARKET)
        for asset in self.shelf.markets[frame.market].tokens:
            text = text.replace(asset, UNKNOWN_ASSET)
        return text, True
