"""The checker's own arithmetic: decimals to whole millionths, fees of both venues, basket edges."""

from decimal import Decimal

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


def up(a, b):
    """a / b for whole numbers, rounded up."""
    return (a + b - 1) // b


def fill_cost(market, px, qty):
    """Millionths of a dollar that buying `qty` at `px` costs, with the fee of that one fill.

    rate, size and price are millionths each, so the model fee is fee / 10^18 millionths.
    """
    pays = up(px * qty, ONE)
    fee = market["fee_rate"] * qty * px * (ONE - px)
    if market["market"].startswith("kalshi:"):
        return pays + up(fee, 10**18)
    if not fee:
        return pays
    fives, rest = divmod(fee, 10**19)  # Polymarket: five decimals, ties up, at least one of them
    return pays + 10 * max(1, fives + (rest * 2 >= 10**19))


def order_cost(market, fills):
    """Millionths that an order takes out of the account: Kalshi rounds it up to its precision."""
    total = sum(fill_cost(market, px, qty) for px, qty in fills)
    unit = market["rounds_to"] or 1
    return up(total, unit) * unit


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
    pays = payout * qty // ONE
    cost = 0
    for market, ladder in legs:
        fills = walk(ladder, qty)
        if fills is None:
            return None
        cost += order_cost(market, fills)
    return (pays - cost) * ONE // pays


def tries(legs, least):
    """`least`, and every larger size at which a level of a leg is used up; the best is there."""
    found = {least}
    for _, ladder in legs:
        sofar = 0
        for px in sorted(ladder)[:8]:
            sofar += ladder[px]
            if sofar > least:
                found.add(sofar)
    return sorted(found)[:10]


def best_net_edge(legs, payout, least):
    """The best net edge at any size from `least` on; None if so much can't be had."""
    edges = [net_edge(legs, payout, qty) for qty in tries(legs, least)]
    return max((edge for edge in edges if edge is not None), default=None)


def pays_at_all(legs, payout, least, threshold):
    """Whether there is a size from `least` on with at least that net edge."""
    if any(not ladder for _, ladder in legs):
        return False
    if payout - sum(min(ladder) for _, ladder in legs) <= 0:
        return False
    edges = (net_edge(legs, payout, qty) for qty in tries(legs, least))
    return any(edge is not None and edge >= threshold for edge in edges)
