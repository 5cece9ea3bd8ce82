"""What the answer to a cancel says of each order; of a failed one it says nothing at all."""

from dutchbook.domain.account_events import CancelFailed, OrderCanceled
from dutchbook.domain.events import CheckFailed
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket import refusals
from dutchbook.venues.polymarket.account_wire import Canceled, evidence, named, read, refusal
from dutchbook.venues.polymarket.records import Known
from dutchbook.venues.polymarket.requests import Answer, bad
from dutchbook.venues.polymarket.wire import UNREADABLE


def read_answer(answer: Answer, asked: dict[str, str], known: Known) -> list[Out]:
    """`asked`: our ids by the venue's names; empty where all orders were meant."""
    if answer.status != 200:
        gone = answer.status == 404 and refusal(answer.body) is not None
        return _failed(asked, answer.said(), gone)
    try:
        found = read(answer.body, Canceled)
        ended = [named(name) for name in found.canceled]
        left = {named(name): why for name, why in found.not_canceled.items()}
    except UNREADABLE as error:
        return [bad("cancel", error), *_failed(asked, "an answer that can't be read", False)]
    proof, waiting = evidence(answer.body), dict(asked)
    out: list[Out] = []
    for name in ended:
        ours = waiting.pop(name, "") or known.of(name)
        out.append(OrderCanceled(ours, name, "operator", evidence=proof))
    for name, why in left.items():
        ours = waiting.pop(name, "") or known.of(name)
        if ours:
            out.append(CancelFailed(ours, why[:300], gone=refusals.gone(why)))
    return [*out, *(CancelFailed(one, "not in the answer") for one in waiting.values())]


def _failed(asked: dict[str, str], why: str, gone: bool) -> list[Out]:
    """A cancel of some orders, or of all, that nobody knows to have been carried out."""
    if not asked:
        return [CheckFailed("polymarket:orders", f"not everything is canceled: {why}"[:300])]
    return [CancelFailed(order, why, gone=gone) for order in asked.values()]
