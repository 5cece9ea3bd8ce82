"""Finding every open event and market: Gamma page by page, the CLOB for fees that Gamma lacks."""

from typing import Final

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BadInput
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Call, Out, Wake
from dutchbook.venues.polymarket import gamma
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.wire import UNREADABLE, no_key_twice

STREAM: Final = "polymarket.gamma"
AGAIN: Final = "discovery"
LOOKUP_TRIES: Final = 5


class Discovery:
    """One pass over the catalogue. `done` once every page and every fee is known."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cursor = ""
        self._paging = False
        self._failures = 0
        self._lookups: dict[str, Instrument] = {}
        self._tries: dict[str, int] = {}
        self._postponed: list[str] = []
        self.done = False
        self.pages = 0
        self.instruments: dict[str, Instrument] = {}
        self.groups: dict[str, EventGroup] = {}

    def start(self) -> list[Out]:
        self._paging = True
        return [self._page()]

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        """A page or a fee lookup came; anything but 200 is tried again after a while."""
        if status != 200:
            return self._again(call, f"HTTP {status}", now, final=400 <= status < 425)
        if call.startswith("clob-market:"):
            return self._on_clob(call, body, now)
        return self._on_page(call, body, now)

    def on_lost(self, call: str, now: Ns) -> list[Out]:
        return self._again(call, "no answer", now, final=False)

    def on_wake(self) -> list[Out]:
        """The pause is over: ask again for what failed."""
        calls, self._postponed = self._postponed, []
        return [self._lookup(name) if name else self._page() for name in calls]

    def lookup(self, instrument: Instrument) -> list[Out]:
        """Ask the CLOB for the fees of a market; it counts as found once they are known."""
        self._lookups[instrument.symbol] = instrument
        self.done = False
        return [self._lookup(instrument.symbol)]

    def _page(self) -> Call:
        after = f"&after_cursor={_quoted(self._cursor)}" if self._cursor else ""
        url = f"{self._config.gamma_url}/events/keyset?limit={self._config.page_size}"
        return Call("events:", "GET", f"{url}&closed=false{after}", bucket="gamma.events")

    def _lookup(self, symbol: str) -> Call:
        url = f"{self._config.clob_url}/clob-markets/{_quoted(symbol)}"
        return Call(f"clob-market:{symbol}", "GET", url, bucket="clob")

    def _on_page(self, call: str, body: bytes, now: Ns) -> list[Out]:
        try:
            page = gamma.events.decode(body)
        except UNREADABLE as error:
            bad = BadInput(STREAM, "events", str(error))
            return [bad, *self._again(call, "a page that can't be read", now, final=False)]
        self._failures = 0
        self.pages += 1
        out: list[Out] = []
        for index, raw in enumerate(page.events):
            out += self._on_event(bytes(raw), f"events[{index}]")
        full = len(self.instruments) >= self._config.markets_max
        if page.next_cursor and page.next_cursor != self._cursor and page.events and not full:
            self._cursor = page.next_cursor
            return [*out, self._page()]
        self._paging = False
        return [*out, *self._finish()]

    def _on_event(self, data: bytes, place: str) -> list[Out]:
        found, members, out = read_event(data, place)
        if found is None:
            return out
        unread = len(found.markets) - len(members)
        kept = []
        for market, listed, known in members:
            if known:
                self.instruments[listed.key] = listed
            elif listed.status == "open" or listed.status == "paused":
                out += self.lookup(listed)
            else:
                unread += 1
                continue
            kept.append((market, listed))
        self.groups[gamma.event_key(found)] = gamma.group(found, kept, unread)
        return out

    def _on_clob(self, call: str, body: bytes, now: Ns) -> list[Out]:
        listed = self._lookups.get(call.partition(":")[2])
        if listed is None:
            return []
        try:
            found = gamma.clob_market.decode(body)
            no_key_twice(body)
            fees = gamma.schedule(found.fd.r, found.fd.e) if found.fd else None
        except UNREADABLE as error:
            bad = BadInput("polymarket.clob", "clob-markets", str(error), listed.symbol)
            return [bad, *self._again(call, "unreadable", now, final=True)]
        del self._lookups[listed.symbol]
        fees = fees or msgspec.structs.replace(listed.fees, taker=0)
        twin = listed.neg_risk if found.nr is None else found.nr
        self.instruments[listed.key] = msgspec.structs.replace(listed, fees=fees, neg_risk=twin)
        return self._finish()

    def _again(self, call: str, why: str, now: Ns, *, final: bool) -> list[Out]:
        """Try later, waiting longer each time; a lookup that is refused for good is dropped."""
        self._failures += 1
        wait = min(
            self._config.back_off_first << min(self._failures - 1, 16), self._config.back_off_most
        )
        symbol = call.partition(":")[2]
        if symbol:
            self._tries[symbol] = self._tries.get(symbol, 0) + 1
            if final or self._tries[symbol] >= LOOKUP_TRIES:
                return self._drop(symbol, why)
        self._postponed.append(symbol)
        return [Wake(AGAIN, Ns(now + wait))]

    def _drop(self, symbol: str, why: str) -> list[Out]:
        """Fees that nobody states are not taken to be zero: the market is left out."""
        listed = self._lookups.pop(symbol, None)
        if listed is None:
            return []
        what = f"its fees are unknown ({why}), so the market is left out"
        found = self.groups.get(listed.event)
        if found is not None:
            members = tuple(key for key in found.members if key != listed.key)
            self.groups[found.key] = msgspec.structs.replace(
                found, members=members, exhaustive=False, why="a market of it was left out"
            )
        return [BadInput("polymarket.clob", "clob-markets", what, symbol), *self._finish()]

    def _finish(self) -> list[Out]:
        self.done = not self._paging and not self._lookups
        return []


def read_event(
    data: bytes, place: str
) -> tuple[gamma.Event | None, list[tuple[gamma.Market, Instrument, bool]], list[Out]]:
    """An event with those of its markets that can be read, and BadInput for the rest."""
    out: list[Out] = []
    try:
        no_key_twice(data)
        found = gamma.event.decode(data)
    except UNREADABLE as error:
        return None, [], [BadInput(STREAM, place, str(error))]
    category, key = gamma.category_of(found), gamma.event_key(found)
    members = []
    for index, raw in enumerate(found.markets):
        where = f"{place}.markets[{index}]"
        try:
            market = gamma.market.decode(raw)
            members.append((market, *gamma.instrument(market, key, category)))
        except RemoteProtocolError as error:
            what = str(error).split(": ", 2)[-1].rstrip(".")
            out.append(BadInput(STREAM, f"{where}.{error.where}", what, error.market))
        except UNREADABLE as error:
            out.append(BadInput(STREAM, where, str(error)))
    return found, members, out


def _quoted(text: str) -> str:
    """Percent-encode what could end a path or a query."""
    safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(c if c in safe else "".join(f"%{b:02X}" for b in c.encode()) for c in text)
