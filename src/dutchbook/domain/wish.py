"""What a strategy that quotes or takes a view wants to stand in a market, as values."""

from typing import Protocol, runtime_checkable

import msgspec

from dutchbook.domain.candidate import Catalogue, Outcome, View
from dutchbook.domain.events import TradePrinted
from dutchbook.domain.orders import Action, Tif
from dutchbook.domain.units import ONE, Ns, Px, Qty, Usd


class Wish(msgspec.Struct, frozen=True, array_like=True):
    """An order that should stand now. It is no order yet: the executor and the gate decide.

    `slot` names its place within the strategy ("bid"): while the wish of a slot stays the same, its
    order keeps its place in the queue; a changed wish replaces it; one no longer wished is
    canceled. What follows an "@" names a try of a taker: all tries of a slot rest together after a
    refusal. `px` is of the outcome named. `tif` gtc rests, ioc takes and is not asked for again
    until the wish was dropped. `edge`: profit expected per contract after fees, millionths of a
    dollar; `confidence` of it, calibrated, in millionths.
    """

    slot: str
    key: str
    outcome: Outcome
    action: Action
    px: Px
    qty: Qty
    tif: Tif = "gtc"
    post_only: bool = True
    edge: int = 0
    confidence: int = ONE
    why: str = ""


class Position(msgspec.Struct, frozen=True):
    """What one strategy holds of an outcome, at what cost (fees included), since when."""

    qty: Qty = Qty(0)
    cost: Usd = Usd(0)
    since: Ns = Ns(0)


class QuoteView(View, Protocol):
    """The view, and what the strategy that is asked holds itself."""

    def position(self, key: str, outcome: Outcome) -> Position: ...

    def ours(self, key: str) -> list[tuple[bool, Px, Qty]]:
        """What all our live orders still have in a market: (bids for YES, price of YES, size).

        The books show them, too; a price that is made from books must leave them out.
        """
        ...


class Quoter(Protocol):
    """A strategy with an opinion: says for a market what it wants to stand there now.

    It keeps state of its own only from what it is told here, in order, so that a replay decides
    alike. It is asked when a best price of the market changed, something of it was filled, its
    book became fresh or stale, and at least every `review` nanoseconds. It is asked only where it
    may quote: not on a stale book, at a halted, paused or unreconciled venue, or while a run ends.
    `age_max`: no order of it stands longer, in ns; 0: no bound.
    """

    name: str
    review: int
    age_max: int

    def watches(self, catalogue: Catalogue) -> list[str]:
        """The keys of the markets that it wants to be asked about."""
        ...

    def on_trade(self, trade: TradePrinted, view: QuoteView) -> None:
        """A trade was printed in a market that it watches."""
        ...

    def decide(self, key: str, view: QuoteView) -> list[Wish] | None:
        """All wishes for this market; [] for none; None to leave what stands as it is."""
        ...


@runtime_checkable
class Leans(Protocol):
    """A `Quoter` whose wishes rest on other markets' prices, too: it is asked when those move."""

    def leans_on(self, key: str) -> list[str]:
        """Those others for a market that it watches, as of the last call of `watches`."""
        ...


@runtime_checkable
class Settles(Protocol):
    """A `Quoter` that wants to hear what became of what it held to the end."""

    def settled(self, key: str, yes_pays: Usd) -> None:
        """A market was determined: what one YES contract pays."""
        ...
