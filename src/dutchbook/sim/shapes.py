"""What happens in a pretend market: levels that change, trades, and both at one moment."""

import msgspec

from dutchbook.domain.units import Ns


class Change(msgspec.Struct, gc=False):
    """One level of one token's own book, own prices; sizes are totals in millionths.

    Kalshi: token 0 BID is a YES bid, token 1 BID is a NO bid at its NO price; there are no asks.
    Polymarket: token 0 or 1, BID or ASK.
    """

    key: str
    token: int
    side: int
    px: int
    old: int
    new: int


class Trade(msgspec.Struct, gc=False):
    """A public trade. `px` is in YES terms; the taker bought YES, or NO at ONE - px."""

    id: str
    px: int
    qty: int
    buy_yes: bool


class Update(msgspec.Struct, gc=False):
    """Everything that happened at one moment to ONE market; it belongs into one frame or burst.

    `status` is the market's new status ("open" or "paused"), None if unchanged.
    """

    key: str
    at: Ns
    changes: list[Change]
    trade: Trade | None = None
    status: str | None = None
