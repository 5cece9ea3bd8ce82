"""What done baskets pay back at least: only as far as every leg of them is still held."""

from typing import TYPE_CHECKING

from dutchbook.domain.units import ONE, ceil_div

if TYPE_CHECKING:
    from dutchbook.state.account import Account


def hold(account: "Account", name: str, qty: int) -> None:
    """A basket is done: `qty` shares, or less where some of it became cash with another."""
    begun = account.baskets[name].begun
    held = account.ledger.held
    kept = min(qty, *(held(leg.key, leg.outcome) // leg.weight for leg in begun.legs))
    if kept > 0:
        account.guaranteed[name] = begun.payout * kept // ONE


def trim(account: "Account") -> None:
    """Contracts went, by whatever order or payment: without them no basket pays what it promised.

    Of baskets that share a leg the later names lose theirs first.
    """
    ledger = account.ledger
    shrunk, ledger.shrunk = ledger.shrunk, {}
    for asset in shrunk if account.guaranteed else ():
        key, _, outcome = asset.rpartition("|")
        left = int(ledger.held(key, outcome))
        sharing = [
            name for name in account.guaranteed
            if any(leg.key == key and leg.outcome == outcome
                   for leg in account.baskets[name].begun.legs)
        ]  # fmt: skip
        for name in sorted(sharing):
            payout = account.baskets[name].begun.payout
            qty = ceil_div(account.guaranteed[name] * ONE, payout) if payout > 0 else 0
            weight = next(
                leg.weight for leg in account.baskets[name].begun.legs
                if (leg.key, leg.outcome) == (key, outcome)
            )  # fmt: skip
            kept = min(qty, left // weight)
            left -= kept * weight
            if not kept:
                del account.guaranteed[name]
            elif kept < qty:
                account.guaranteed[name] = payout * kept // ONE
