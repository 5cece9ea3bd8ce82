"""From account state to rows: what each table says of an order, a fill, a basket, a position."""

from typing import Any

from dutchbook.domain.account_events import OrderFilled
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.step import Closed
from dutchbook.domain.units import Ns
from dutchbook.state.account import Account, BasketLife, Life
from dutchbook.state.ledger import Entry

Row = dict[str, Any]


def order(life: Life, seq: int) -> Row:
    one = life.order
    return {
        "id": one.id, "venue": one.venue, "account": one.account, "key": one.key,
        "outcome": one.outcome, "action": one.action, "px": one.px, "qty": one.qty,
        "tif": one.tif, "purpose": one.purpose, "basket": one.basket, "strategy": one.strategy,
        "venue_order": life.venue_order, "state": life.state, "reason": life.reason,
        "why": life.why, "filled": life.filled, "canceled": life.canceled, "paid": life.paid,
        "fees": life.fees, "decided_at": life.decided_at, "since": life.since, "seq": seq,
    }  # fmt: skip


def fill(life: Life, one: OrderFilled, state: str, at: Ns, seq: int) -> Row:
    return {
        "venue": one.venue, "account": one.account, "trade": one.trade, "ref": life.order.id,
        "leg": one.leg, "order_id": life.order.id, "key": one.key, "outcome": one.outcome,
        "action": one.action, "px": one.px, "qty": one.qty, "fee": one.fee, "maker": one.maker,
        "state": state, "venue_at": one.venue_at, "at": at, "seq": seq,
    }  # fmt: skip


def trade(basket: BasketLife, seq: int) -> Row:
    begun = basket.begun
    return {
        "id": begun.id, "opportunity": begun.opportunity, "kind": begun.kind,
        "strategy": begun.strategy, "style": begun.style, "stage": basket.stage,
        "why": basket.why, "qty": begun.qty, "payout": begun.payout, "capital": begun.capital,
        "promised": begun.promised, "locked": basket.locked, "began_at": begun.at,
        "moved_at": basket.moved_at, "seq": seq,
    }  # fmt: skip


def legs(basket: BasketLife, seq: int) -> list[Row]:
    return [
        {
            "trade": basket.begun.id, "leg": n, "key": leg.key, "outcome": leg.outcome,
            "px": leg.px, "qty": leg.qty, "order_id": leg.order, "seq": seq,
        }
        for n, leg in enumerate(basket.begun.legs)
    ]  # fmt: skip


def position(account: Account, asset: str, seq: int) -> Row:
    key, _, side = asset.rpartition("|")
    outcome: Any = side
    return {
        "key": key, "outcome": outcome, "qty": account.held(key, outcome),
        "sellable": account.sellable(key, outcome), "cost": account.cost(key, outcome),
        "seq": seq,
    }  # fmt: skip


def ledger(entry: Entry, first: int) -> list[Row]:
    return [
        {
            "seq": entry.seq, "n": first + n, "at": entry.at, "what": entry.what,
            "ref": entry.ref, "account": posting.account, "asset": posting.asset,
            "amount": posting.amount,
        }
        for n, posting in enumerate(entry.postings)
    ]  # fmt: skip


def opportunity(name: str, certificate: Certificate, opened_at: Ns, seq: int) -> Row:
    text = " ".join(f"{leg.instrument}|{leg.outcome}" for leg in certificate.legs)
    return {
        "id": f"{certificate.run}:{name}", "kind": certificate.kind, "legs": text,
        "edge": certificate.edge, "qty": certificate.qty, "capital": certificate.capital,
        "proved": certificate.proved, "opened_at": opened_at, "closed_at": 0, "why": "",
        "best": certificate.edge, "seq": seq,
    }  # fmt: skip


def closed(row: Row, note: Closed, at: Ns, seq: int) -> Row:
    return row | {"closed_at": at, "why": note.why, "best": note.best, "seq": seq}
