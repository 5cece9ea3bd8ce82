"""What participants ask of a pretend exchange, and what comes of it; both venues' fronts use it."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.orders import Tif
from dutchbook.sim.shapes import Trade

Refusal = Literal[
    "unknown_market", "not_open", "funds", "no_account", "price", "size", "crosses", "killed",
    "reduce_only", "duplicate",
]  # fmt: skip
Ended = Literal[
    "", "filled", "asked", "expired", "no_match", "self_trade", "reduce_only", "paused", "closed",
    "group", "heartbeat", "funds", "amended", "crosses", "unmatched",
]  # fmt: skip
CROWD = "crowd"
"""The owner of all liquidity that the generated market or the tape brings."""


class Ticket(msgspec.Struct, frozen=True):
    """An order as the desk takes it; the venue's front has checked form, grid and rights.

    `outcome` 0 YES, 1 NO; `px` of that outcome; sizes and money in millionths, times in ns.
    `spend`: a market buy by amount: at most so much cash besides fees (0: no such bound).
    `self_trade`: what happens when it meets an order of its owner ("" trades with itself).
    """

    id: str
    owner: str
    key: str
    outcome: int
    buy: bool
    px: int
    qty: int
    tif: Tif
    at: int
    client: str = ""
    expires: int = 0
    post_only: bool = False
    reduce_only: bool = False
    self_trade: Literal["", "taker", "maker"] = ""
    spend: int = 0
    group: str = ""
    cancel_on_pause: bool = False


class Deal(msgspec.Struct, frozen=True):
    """One match. `px` is the maker's price in YES terms; the taker's order and one maker's order.

    `maker` "" with owner CROWD where generated liquidity was taken, `taker` "" where the crowd
    took. `how`: the two sides exchange, mint a YES and a NO, or merge them.
    """

    id: str
    key: str
    at: int
    px: int
    qty: int
    how: Literal["exchange", "mint", "merge"]
    taker: str
    taker_owner: str
    taker_outcome: int
    taker_buy: bool
    maker: str
    maker_owner: str
    maker_outcome: int
    maker_buy: bool
    taker_fee: int = 0
    maker_fee: int = 0
    taker_rounding: int = 0
    maker_rounding: int = 0


class Standing(msgspec.Struct):
    """An order at the desk. qty == filled + canceled + left, always; `ended` "" while it rests.

    `paid`: cash for the filled part without fees (buy: out, sell: in); `fees`: charged so far.
    """

    ticket: Ticket
    left: int
    filled: int = 0
    canceled: int = 0
    ended: Ended = ""
    paid: int = 0
    fees: int = 0
    changed: int = 0
    deals: list[Deal] = msgspec.field(default_factory=list)


class Refused(Exception):
    """The desk takes no such order; nothing changed."""

    def __init__(self, code: Refusal, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class Happened(msgspec.Struct, frozen=True):
    """Told to a venue's front at once, so that it can tell its clients: one thing, in order.

    placed, filled (with the deal; told once for the taker and once for the maker), ended,
    amended; settled, paid and voided concern an owner's money and have no order.
    """

    what: Literal["placed", "filled", "ended", "amended", "settled", "paid", "voided"]
    owner: str
    at: int
    standing: Standing | None = None
    deal: Deal | None = None
    key: str = ""
    cash: int = 0
    detail: str = ""


def how_met(taker_buys: bool, maker_buys: bool) -> Literal["exchange", "mint", "merge"]:
    """Two purchases mint a YES and a NO, two sales merge them."""
    if taker_buys != maker_buys:
        return "exchange"
    return "mint" if taker_buys else "merge"


def changed(ticket: Ticket, px: int, qty: int) -> Ticket:
    return msgspec.structs.replace(ticket, px=px, qty=qty)


def trade_of(deal: Deal) -> Trade:
    return Trade(deal.id, deal.px, deal.qty, deal.taker_buy == (deal.taker_outcome == 0))


class Terms(Protocol):
    """What the desk needs to know of a market."""

    @property
    def fees(self) -> FeeSchedule: ...
    @property
    def status(self) -> str: ...
    @property
    def exchange_index(self) -> int: ...


class Source(Protocol):
    """Where the crowd's liquidity comes from."""

    @property
    def markets(self) -> Mapping[str, Any]: ...

    def ladder(self, key: str, token: int, side: int) -> dict[int, int]: ...
