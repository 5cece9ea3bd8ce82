"""What of arbitrage can be set for each kind; that it is one, its certificate proves."""

from typing import Annotated

import msgspec

from dutchbook.domain.meta import money
from dutchbook.domain.units import ONE


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind that is switched off is still found, proved and shown, but not traded."""

    budget: Annotated[
        int, money("$ that baskets of it may hold and offer; 0: the limits of risk alone", 0)
    ] = 0
    edge_min: Annotated[
        int, money("net profit per $1 of payout to trade it; 0: arbitrage.edge_min", 0, ONE)
    ] = 0
