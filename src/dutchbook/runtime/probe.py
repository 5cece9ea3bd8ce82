"""Asks the venues who we are to them: clock, permission, balance, rates, fees, a first book."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from dutchbook.domain.account_events import (
    AccountSeen,
    AccountUnseen,
    ClockSeen,
    RateSeen,
    VenueMode,
)
from dutchbook.domain.effects import AskAccount
from dutchbook.domain.errors import UsageError, VenueUnreachable
from dutchbook.domain.events import BookLevels, Event, FeedDown, InstrumentListed
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.units import MILLI, Ns
from dutchbook.io.driver import Driver
from dutchbook.io.http import Network
from dutchbook.runtime import feeds
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.settings import Settings

SECONDS: Final = 15.0
UNNAMED: Final = "main"
"""What an account is called here that the settings do not name."""


class Seen:
    """What one venue said of itself and of us; None: not told within the time."""

    def __init__(self, venue: str, account: str) -> None:
        self.venue = venue
        self.account = account
        self.markets: dict[str, Instrument] = {}
        self.mode: VenueMode | None = None
        self.money: AccountSeen | None = None
        self.rate: RateSeen | None = None
        self.skew: Ns | None = None
        self.book_after: Ns | None = None
        self.why = ""
        self.began = Ns(0)

    def hear(self, event: Event, now: Ns) -> None:
        if isinstance(event, InstrumentListed):
            self.markets[event.instrument.key] = event.instrument
        elif isinstance(event, VenueMode):
            self.mode = event if event.mode != "open" else None
            self.why = f"{event.mode}: {event.why}" if self.mode else ""
        elif isinstance(event, AccountSeen):
            self.money = event
        elif isinstance(event, AccountUnseen | FeedDown):
            self.why = event.why
        elif isinstance(event, RateSeen):
            self.rate = event
        elif isinstance(event, ClockSeen):
            self.skew = event.skew
        elif isinstance(event, BookLevels) and self.book_after is None:
            self.book_after = Ns(now - self.began)

    def done(self) -> bool:
        """Whether there is nothing more to wait for."""
        told = (self.money is not None and self.mode is None) or not self.account
        return told and self.book_after is not None and bool(self.markets)

    def row(self) -> dict[str, Any]:
        """As `venue test` has it; `ok` if books come, and where we trade, money and permission."""
        trading = self.money is not None and self.mode is None
        return {
            "venue": self.venue,
            "account": self.account,
            "ok": self.book_after is not None and (trading or not self.account),
            "markets": len(self.markets),
            "first_book_ms": None if self.book_after is None else self.book_after // MILLI,
            "clock_skew_ms": None if self.skew is None else self.skew // MILLI,
            "authenticated": self.money is not None,
            "trading": (self.mode.mode if self.mode else "open") if self.money else "unknown",
            "cash": self.money.cash if self.money else None,
            "allowance": self.money.allowance if self.money else None,
            "open_orders": len(self.money.orders) if self.money else None,
            "holdings": len(self.money.holdings) if self.money else None,
            "orders_at_once": self.rate.burst if self.rate else None,
            "orders_per_second": self.rate.per_second if self.rate else None,
            "why": self.why,
        }


async def probe(
    settings: Settings,
    only: str = "",
    seconds: float = SECONDS,
    say: Callable[[str], None] = lambda text: None,
) -> list[Seen]:
    """Connect to the venues as a run would, ask, listen, and leave; nothing is ordered.

    Raises ConfigError where keys are missing or refused.
    """
    settings = _named(settings, only)
    clock, transport = SystemClock(), Network()
    found: list[Seen] = []
    drivers: list[Driver] = []
    try:
        venues, signer = feeds.venues(settings, trading=True)
        try:
            await feeds.credentials(settings, None, signer, transport, clock)
        except VenueUnreachable as error:
            say(str(error))
        named: Any = settings.venues
        for venue in venues:
            seen = Seen(venue.name, getattr(named, venue.name).account)
            seen.began = clock.now()
            driver = Driver(
                venue, _listener(seen, clock), clock=clock, signer=signer, transport=transport
            )
            found.append(seen)
            drivers.append(driver)
            driver.start()
        await _wait(found, drivers, clock, seconds, say)
    finally:
        await asyncio.gather(*(driver.stop() for driver in drivers))
        await transport.close()
    return found


def _listener(seen: Seen, clock: SystemClock) -> Callable[[str, list[Event]], None]:
    def listen(stream: str, events: list[Event]) -> None:
        for event in events:
            seen.hear(event, clock.now())

    return listen


async def _wait(
    found: list[Seen],
    drivers: list[Driver],
    clock: SystemClock,
    seconds: float,
    say: Callable[[str], None],
) -> None:
    """Ask for the accounts, again where no answer came, until all is told or the time is over."""
    until, asked, told = clock.now() + seconds * 1_000 * MILLI, 0.0, ""
    while clock.now() < until and not all(seen.done() for seen in found):
        missing = ", ".join(seen.venue for seen in found if not seen.done())
        if missing != told:
            told = missing
            say(f"waiting for {missing} ...")
        if clock.now() - asked > 2_000 * MILLI:
            asked = clock.now()
            for seen, driver in zip(found, drivers, strict=True):
                if seen.account and seen.money is None and driver.venue.ready():
                    driver.do(AskAccount(seen.venue, "probe", (), clock.now()))
        await asyncio.sleep(0.05)


def _named(settings: Settings, only: str) -> Settings:
    """Only the venue asked for; an account that has a key gets a name."""
    venues = settings.venues
    if only and only not in feeds.VENUES:
        raise UsageError(f"no venue {only!r}", todo=f"name one of {', '.join(feeds.VENUES)}")
    chosen: dict[str, Any] = {}
    one: Any
    for name in feeds.VENUES:
        one = getattr(venues, name)
        enabled = (only == name) or (not only and one.enabled)
        account = one.account
        if enabled and not account and feeds.has_key(settings, name):
            account = UNNAMED
        chosen[name] = msgspec.structs.replace(one, enabled=enabled, account=account)
    return msgspec.structs.replace(settings, venues=msgspec.structs.replace(venues, **chosen))
