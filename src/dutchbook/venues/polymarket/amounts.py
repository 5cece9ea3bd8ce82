"""What an order gives and takes, in millionths of a dollar and of a share; exact, no float.

The rules are those of the official client (its ROUNDING_CONFIG and builder), done in whole numbers
where that works in binary floats.
"""

from typing import Final, NamedTuple

from dutchbook.domain.orders import Action
from dutchbook.domain.units import ONE


class Places(NamedTuple):
    """Decimal places that a tick size allows."""

    price: int
    size: int
    amount: int


PLACES: Final[dict[int, Places]] = {
    100_000: Places(1, 2, 3),
    10_000: Places(2, 2, 4),
    5_000: Places(3, 2, 5),
    2_500: Places(4, 2, 6),
    1_000: Places(3, 2, 5),
    100: Places(4, 2, 6),
}
"""By tick size in millionths; 0.005 and 0.0025 are of July 2026."""
SIZE_STEP: Final = 10_000
PX_STEP: Final = 100
"""The finest price and size that any tick size allows, in millionths."""


def exact(action: Action, px: int, qty: int) -> tuple[int, int]:
    """(maker, taker) amounts of a limit order whose price and size are as fine as may be.

    With a price on its tick and a size in hundredths the product never has more places than the
    tick allows, so nothing is rounded and the tick does not matter: an order keeps its bytes when
    the market's tick changes. ValueError if the price or the size is finer than that.
    """
    if not 0 < px < ONE or px % PX_STEP:
        raise ValueError(f"not a price in whole {PX_STEP} millionths: {px}")
    if qty <= 0 or qty % SIZE_STEP:
        raise ValueError(f"not a size in whole hundredths: {qty} millionths")
    cash = px * qty // ONE
    return (cash, qty) if action == "buy" else (qty, cash)


def limit(action: Action, px: int, qty: int, tick: int) -> tuple[int, int]:
    """(maker, taker) by the official rules for any price and size: the price to the nearest (ties
    to the even), the size down, the cash trimmed. ValueError for a tick that does not exist."""
    places = _places(tick)
    step = _step(places.price)
    px = _nearest(px, step) * step
    qty = qty // SIZE_STEP * SIZE_STEP
    cash = _trimmed(px * qty, ONE, places.amount)
    return (cash, qty) if action == "buy" else (qty, cash)


def market(action: Action, px: int, amount: int, tick: int) -> tuple[int, int]:
    """(maker, taker) of a market order: `amount` is dollars to spend, or shares to sell; `px` the
    worst price, rounded down. ValueError for a price that rounds to nothing, or an unknown tick."""
    places = _places(tick)
    step = _step(places.price)
    px = px // step * step
    if px <= 0:
        raise ValueError(f"a price below its tick: {px}")
    amount = amount // SIZE_STEP * SIZE_STEP
    if action == "buy":
        return amount, _trimmed(amount * ONE, px, places.amount)
    return amount, _trimmed(amount * px, ONE, places.amount)


def _trimmed(above: int, below: int, places: int) -> int:
    """A quotient of millionths with at most so many decimals: if longer, rounded up four further
    places on and, if still too long, cut off."""
    step = _step(places)
    whole, rest = divmod(above, below * step)
    if rest == 0:
        return whole * step
    up = -(-above * 10**4 // (below * step))  # in units of amount + 4 places
    return up // 10**4 * step


def _places(tick: int) -> Places:
    if tick not in PLACES:
        raise ValueError(f"not a tick size that is known: {tick} millionths")
    return PLACES[tick]


def _step(places: int) -> int:
    return int(10 ** (6 - places))


def _nearest(value: int, step: int) -> int:
    whole, rest = divmod(value, step)
    return whole + (2 * rest > step or (2 * rest == step and whole % 2 == 1))
