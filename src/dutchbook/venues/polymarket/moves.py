"""Shares that became cash, or the other way, without an order: splits, merges, redemptions."""

from typing import Final

from dutchbook.domain.account_events import Paid
from dutchbook.domain.candidate import Outcome
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.account_wire import Activity, named
from dutchbook.venues.polymarket.numbers import exact
from dutchbook.venues.polymarket.records import Known

KINDS: Final = ("SPLIT", "MERGE", "REDEEM")


def check(found: list[Activity]) -> None:
    """ValueError if a number or an id makes no sense; other kinds of activity are left alone."""
    for one in found:
        if one.type in KINDS:
            if exact(one.size) < 0 or exact(one.usdc_size) < 0 or one.timestamp < 0:
                raise ValueError("a number below zero")
            named(one.transaction_hash)
            named(one.condition_id)


def paid(found: list[Activity], known: Known) -> list[Out]:
    """Each of them as Paid, once. A redemption burns all that was held of both outcomes, and does
    not say what that was: it is what the last complete report said. Before the first one of a
    process it is not told, and the books burn what they hold."""
    out: list[Out] = []
    for one in found:
        if one.type not in KINDS:
            continue
        event = _paid(one, known)
        if event.id not in known.paid:
            known.paid.add(event.id)
            out.append(event)
    return out


def _paid(one: Activity, known: Known) -> Paid:
    qty, cash, at = exact(one.size), exact(one.usdc_size), Ns(one.timestamp * SECOND)
    key = known.key_of(one.condition_id)
    kind = one.type.lower()
    name = f"{kind}:{named(one.transaction_hash)}:{named(one.condition_id)}"
    if one.type == "SPLIT":
        return Paid("polymarket", known.account, "split", name, Usd(-qty), at, key, Qty(qty))
    if one.type == "MERGE":
        return Paid("polymarket", known.account, "merge", name, Usd(qty), at, key, Qty(qty))
    yes, no = _held(key, "yes", known), _held(key, "no", known)
    px = Px(ONE if yes and cash == yes else 0)
    return Paid("polymarket", known.account, "redeem", name, Usd(cash), at, key, yes, no, px)


def _held(key: str, outcome: Outcome, known: Known) -> Qty:
    return known.balances.get((key, outcome), Qty(0))
