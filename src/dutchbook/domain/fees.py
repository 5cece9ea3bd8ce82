"""What a venue charges for a fill, in whole numbers, with its own rounding.

Kalshi (schedule of 2026-07-07): model fee = rate x C x P x (1-P), rounded up to $0.000001 per
fill; the balance change is then rounded down to the account's precision, and a per-order
accumulator gives whole precision units back. Polymarket (2026-09): fee = C x rate x
(P x (1-P))^exponent, taker only, five decimals, ties half up, at least $0.00001.
"""

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, Usd, ceil_div


def cost(px: int, qty: int) -> Usd:
    """What `qty` contracts cost at `px`, rounded up to a millionth of a dollar."""
    return Usd(ceil_div(px * qty, ONE))


def fill_fee(fees: FeeSchedule, px: int, qty: int, *, maker: bool = False) -> Usd:
    """The trade fee of one fill, before the balance is rounded.

    Raises ValueError for a price outside 0 to 1 or a negative size: a fee is never a gift.
    """
    if not 0 <= px <= ONE or qty < 0:
        raise ValueError(f"no fill can be {qty} at {px}")
    rate = fees.maker if maker else fees.taker
    if fees.kind == "none" or rate == 0 or qty == 0 or px in (0, ONE):
        return Usd(0)
    if fees.kind == "kalshi":
        return Usd(ceil_div(rate * qty * px * (ONE - px), ONE**3))
    spread = (px * (ONE - px)) ** fees.exponent
    unit = 10 * ONE ** (1 + 2 * fees.exponent)  # five decimals: tens of millionths
    tens = (2 * rate * qty * spread + unit) // (2 * unit)
    return Usd(max(10, tens * 10))


def rounded(fees: FeeSchedule, exact: int) -> Usd:
    """What leaves the balance for an exact amount: up to the account's precision, where it has one.

    The difference is Kalshi's `rounding_fee`.
    """
    return Usd(ceil_div(exact, fees.precision) * fees.precision if fees.precision else exact)


def order_total(fees: FeeSchedule, fills: list[tuple[int, int]], *, maker: bool = False) -> Usd:
    """What an order that buys these (price, size) fills takes out of the account, fees included.

    The accumulator returns whole units of the rounding, so the sum is rounded up once.
    """
    return rounded(
        fees, sum(cost(px, qty) + fill_fee(fees, px, qty, maker=maker) for px, qty in fills)
    )


def fee_max(fees: FeeSchedule, px: int, qty: int, action: str, lot: int) -> Usd:
    """The most that a venue can charge: at the worst price that the limit allows, and rounding.

    Fees are highest at 50 cents; a buy fills at `px` or less, a sale at `px` or more.
    """
    worst = min(px, ONE // 2) if action == "buy" else max(px, ONE // 2)
    if worst in (0, ONE):
        worst = px
    lots = max(1, qty // lot)
    dust = 10 * min(lots, 1_000)  # each fill is rounded up by itself
    return Usd(fill_fee(fees, worst, qty) + fees.precision + dust)
