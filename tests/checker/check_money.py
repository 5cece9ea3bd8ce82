"""The checker's own arithmetic: decimals to whole millionths, fees of both venues, basket edges."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor

ONE = 1_000_000


def whole(text):
    """A decimal text as whole millionths. Raises ValueError for anything else."""
    if not isinstance(text, str) or not text or text.strip("-.0123456789"):
        raise ValueError(f"not a decimal: {text!r}")
    try:
        value = Decimal(text) * ONE
    except ArithmeticError:
        raise ValueError(f"not a decimal: {text!r}") from None
    if value != int(value):
        raise ValueError(f"too many places: {text!r}")
    return int(value)


def fill_cost(market, px, qty):
    """Dollars (exact) that buying `qty` at `px` costs with the fee of that one fill."""
    price, count = Fraction(px, ONE), Fraction(qty, ONE)
    rate = Fraction(market["fee_rate"], ONE)
    model = rate * count * price * (1 - price)
    pays = Fraction(ceil(price * count * ONE), ONE)
    if market["market"].startswith("kalshi:"):
        return pays + Fraction(ceil(model * ONE), ONE)
    if not rate:
        return pays
    return pays + max(
        Fraction(floor(model * 100_000 + Fraction(1, 2)), 100_000), Fraction(1, 10**5)
    )


def order_cost(market, fills):
    """Dollars that an order takes out of the account: Kalshi rounds it up to its precision."""
    total = sum((fill_cost(market, px, qty) for px, qty in fills), Fraction(0))
    if market["rounds_to"]:
        unit = Fraction(market["rounds_to"], ONE)
        return ceil(total / unit) * unit
    return total


def walk(ladder, qty):
    """The fills, cheapest first, that buy `qty` from offers {px: size}; None if too few."""
    fills = []
    for px in sorted(ladder):
        part = min(qty, ladder[px])
        fills.append((px, part))
        qty -= part
        if qty == 0:
            return fills
    return None


def net_edge(legs, payout, qty):
    """Millionths of profit per $1 of payout; legs are (market, offers). None if too few."""
    pays = Fraction(payout * qty, ONE * ONE)
    cost = Fraction(0)
    for market, ladder in legs:
        fills = walk(ladder, qty)
        if fills is None:
            return None
        cost += order_cost(market, fills)
    return floor((pays - cost) / pays * ONE)


def best_net_edge(legs, payout, least):
    """The best net edge over all sizes from `least` on at which a level of a leg is used up."""
    tries = {least}
    for _, ladder in legs:
        sofar = 0
        for px in sorted(ladder)[:8]:
            sofar += ladder[px]
            if sofar > least:
                tries.add(sofar)
    edges = [net_edge(legs, payout, qty) for qty in sorted(tries)[:10]]
    return max((edge for edge in edges if edge is not None), default=None)
