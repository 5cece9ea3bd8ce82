"""What can be traded: a binary market on a venue, its grid, lot, fees and its place in an event."""

from typing import Literal

import msgspec

from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd


class Band(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Prices from `start` to `end` (both included) lie `step` apart; all in millionths."""

    start: Px
    end: Px
    step: Px


CENT = (Band(Px(0), Px(ONE), Px(10_000)),)
MILL = (Band(Px(0), Px(ONE), Px(1_000)),)


def on_grid(grid: tuple[Band, ...], px: int) -> bool:
    """Whether a price is one that the grid allows, the ends 0 and 1 excluded."""
    return 0 < px < ONE and any(
        band.start <= px <= band.end and (px - band.start) % band.step == 0 for band in grid
    )


class FeeSchedule(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How a venue charges. `kind` names the formula in `domain/fees.py`.

    Rates are millionths (0.07 -> 70_000); `precision` is what the account's balance is rounded
    to, in millionths of a dollar (Kalshi: 10_000), 0 for none.
    """

    kind: Literal["kalshi", "polymarket", "none"]
    taker: int = 0
    maker: int = 0
    exponent: int = 1
    precision: Usd = Usd(0)


Status = Literal["unopened", "open", "paused", "closed", "settled"]
ALIVE = ("open", "paused")
"""A paused market is still part of a basket; the fresh-book gate says why it can't be bought."""


class Instrument(msgspec.Struct, frozen=True, array_like=True):
    """A binary market on one venue, in YES terms. `key` is `venue:symbol`, stable and stored.

    `tokens` are the venue's own names for the YES and NO sides where each has a book of its own
    (Polymarket), else empty. `settles` is when money is expected back, 0 if unknown.
    `neg_risk` (Polymarket) and `shard` (Kalshi's exchange index) say which of the venue's own
    exchanges an order for it goes to. `raw` is the venue's own text of terms: untrusted, shown,
    never run.
    """

    key: str
    venue: str
    symbol: str
    event: str
    title: str
    outcome: str
    grid: tuple[Band, ...]
    fees: FeeSchedule
    lot: Qty = Qty(10_000)
    size_min: Qty = Qty(10_000)
    cost_min: Usd = Usd(0)
    status: Status = "open"
    closes: Ns = Ns(0)
    settles: Ns = Ns(0)
    tokens: tuple[str, ...] = ()
    rules: str = ""
    category: str = ""
    volume: Usd = Usd(0)
    neg_risk: bool = False
    shard: int = 0


class EventGroup(msgspec.Struct, frozen=True, array_like=True):
    """A question with its markets. `exclusive`: at most one settles YES, says the venue.

    `exhaustive`: at least one does, says the venue: false where the venue does not say, and false
    for a negative-risk event with an open "Other" outcome.
    """

    key: str
    venue: str
    title: str
    members: tuple[str, ...]
    exclusive: bool = False
    exhaustive: bool = False
    why: str = ""
