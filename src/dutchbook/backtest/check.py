"""Does a strategy know what comes later? The tape is cut or its future shuffled; nothing decided
before may change.

A strategy that is made with the data at hand (a scaler fitted on all of it, a label, a table of
results) decides otherwise when that data ends earlier. Which event it knew is found by halving: the
first one without which the decision is another.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec

from dutchbook.backtest.plan import Plan, prepared, session_of
from dutchbook.backtest.session import Session
from dutchbook.backtest.tape import Item, Tape
from dutchbook.domain.digest import canonical
from dutchbook.domain.effects import CancelOrder, Effect, SubmitOrder, SubmitOrders
from dutchbook.domain.events import BookLevels, Event, TradePrinted
from dutchbook.domain.orders import Order
from dutchbook.domain.step import Passed, Step
from dutchbook.domain.units import SECOND, Ns, plain
from dutchbook.domain.wish import Quoter

POINTS = 4
Make = Callable[[Tape], dict[str, Quoter]]
"""Builds the quoters for a tape, once for each; {} for those that there are."""


class Peek(msgspec.Struct, frozen=True):
    """A decision that rests on what came later. `n`: which event of the tape was known too early.

    `decided` and `without`: what was decided with the whole tape, and with the tape cut before it.
    """

    seq: int
    at: Ns
    n: int
    event: str
    event_at: Ns
    how: str
    decided: str
    without: str

    def text(self) -> list[str]:
        """What to tell a person: the decision, the event, the mending."""
        early = (self.event_at - self.at) / SECOND
        return [
            f"the decision at step {self.seq} (t = {self.at}) rests on event {self.n} of the "
            f"tape, {self.event} at t = {self.event_at}, {early:.3f} s later",
            f"  with it:    {self.decided}",
            f"  without it: {self.without}",
            "to mend: decide from the view and from what on_trade and decide were told so far. "
            "Whatever is computed beforehand from the data (a mean, a scaler, a label, a result) "
            f"must be computed from events up to t = {self.at}: shift it by one event, or fit it "
            "on data that ends before the test begins.",
        ]


class Look(msgspec.Struct, frozen=True):
    """What a check found: so many decisions compared, so many changed, and the first of them."""

    decisions: int
    changed: int
    points: int
    peek: Peek | None = None

    @property
    def ok(self) -> bool:
        return self.peek is None


class _Decisions:
    """Every step that decided something, with how much of the tape had been seen."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, Step]] = []

    def saw(self, step: Step, session: Session) -> None:
        kept = tuple(note for note in step.notes if not isinstance(note, Passed))
        if any(isinstance(effect, SubmitOrder | SubmitOrders | CancelOrder)
               for effect in step.effects) or kept:  # fmt: skip
            self.rows.append((session.events, step))

    def sample(self, at: Ns, session: Session) -> None:
        """Nothing is sampled."""


def check(
    plan: Plan, tape: Tape, make: Make = lambda tape: {}, *, points: int = POINTS,
    tick: Callable[[int, int], None] = lambda n, of: None,
) -> Look:  # fmt: skip
    """Play the whole tape once, then its beginnings with a cut and with a shuffled future.

    Quoters that are made with the tape are besides made with another one and shown the true one:
    where that changes a decision, the tape is changed anew right after it. So one that peeks now
    and then is found at the decisions that rest on the tape, not only where the tape was cut.
    """
    made = bool(make(tape))
    rounds = 1 + 2 * points + (1 + points if made else 0)
    tick(0, rounds)
    whole = _decide(plan, tape, tape.items, len(tape.items), make)
    tick(1, rounds)
    compared = changed = 0
    first: tuple[int, int, str] | None = None
    for point, cut in enumerate(_cuts(whole, len(tape.items), points)):
        upto = [row for row in whole if row[0] < cut]
        for half, how in enumerate(("cut", "shuffled")):
            items = tape.items[:cut] if how == "cut" else _shuffled(tape.items, cut, plan.seed)
            again = _decide(plan, tape, items, cut, make)
            compared += len(upto)
            wrong = [n for n, row in enumerate(upto) if not _same(again, n, row)]
            changed += len(wrong)
            if wrong and (first is None or wrong[0] < first[0]):
                first = (wrong[0], cut, how)
            tick(2 + 2 * point + half, rounds)
    cut = whole[0][0] + 1 if made and whole else len(tape.items)
    for turn in range(1 + points):
        tick(min(rounds, 1 + 2 * points + turn), rounds)
        if cut >= len(tape.items):
            break
        shuffled = _shuffled(tape.items, cut, plan.seed)
        again = _decide(plan, tape, tape.items, len(tape.items), make, shuffled)
        suspect = next((n for n, row in enumerate(whole) if not _same(again, n, row)), None)
        upto = [row for row in whole if row[0] < cut]
        compared += len(upto)
        if suspect is None:
            break
        if whole[suspect][0] < cut:
            changed += sum(not _same(again, n, row) for n, row in enumerate(upto))
            if first is None or suspect < first[0]:
                first = (suspect, cut, "shuffled")
            break
        cut = whole[suspect][0] + 1
    tick(rounds, rounds)
    peek = _name(plan, tape, make, whole, first) if first is not None else None
    return Look(compared, changed, points, peek)


def _cuts(whole: list[tuple[int, Step]], length: int, points: int) -> list[int]:
    """Where to cut: right after decisions, spread over all that there are."""
    seen = [n for n, _ in whole if 0 < n < length]
    if not seen:
        return []
    return sorted({seen[len(seen) * k // (points + 1)] + 1 for k in range(1, points + 1)})


def _decide(
    plan: Plan, tape: Tape, items: list[Item], upto: int, make: Make,
    made_with: list[Item] | None = None,
) -> list[tuple[int, Step]]:  # fmt: skip
    """What is decided on the first `upto` events by strategies that were made with `items`, or
    with other ones."""
    given = msgspec.structs.replace(tape, items=items)
    other = given if made_with is None else msgspec.structs.replace(tape, items=made_with)
    watch = _Decisions()
    session = session_of(plan, given, watch, digest=False, made=make(other))
    shown = msgspec.structs.replace(given, items=items[:upto])
    session.play(prepared(plan, shown))
    return watch.rows


def _same(again: list[tuple[int, Step]], n: int, row: tuple[int, Step]) -> bool:
    return n < len(again) and again[n][1] == row[1] and canonical(again[n][1]) == canonical(row[1])


def _shuffled(items: list[Item], cut: int, seed: int) -> list[Item]:
    """The same times after the cut, with the events in another order (that of their hashes)."""
    later = items[cut:]
    order = sorted(range(len(later)), key=lambda n: _hash(f"future {seed} {cut} {n}"))
    moved = [(at, later[place][1]) for (at, _), place in zip(later, order, strict=True)]
    return [*items[:cut], *moved]


def _hash(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


def _name(
    plan: Plan, tape: Tape, make: Make, whole: list[tuple[int, Step]], first: tuple[int, int, str]
) -> Peek:
    """Halve for the event: the shortest beginning of the tape with which it is decided alike."""
    n, cut, how = first
    seen, step = whole[n]
    low, high = seen, len(tape.items)  # with `high` events it is decided so; with `seen` perhaps
    while low < high:
        middle = (low + high) // 2
        again = _decide(plan, tape, tape.items[:middle], min(middle, seen + 1), make)
        if _same(again, n, whole[n]):
            high = middle
        else:
            low = middle + 1
    place = max(0, high - 1)
    if place < seen:  # a cut changes nothing: it was the order of what follows
        place = cut
    at, event = tape.items[min(place, len(tape.items) - 1)]
    without = _decide(plan, tape, tape.items[:place], min(place, seen + 1), make)
    other = without[n][1] if n < len(without) else None
    return Peek(
        step.envelope.seq, step.envelope.at, place, named(event), at, how, told(step),
        told(other) if other is not None else "nothing",
    )  # fmt: skip


def named(event: Event) -> str:
    """An event in a few words."""
    if isinstance(event, BookLevels):
        kind = "snapshot" if event.snapshot else "change"
        levels = ", ".join(
            f"{('bid', 'ask')[side]} {plain(px)} x {plain(size)}"
            for side, px, size in event.levels[:2]
        )
        return f"BookLevels {event.key} ({kind}: {levels})"
    if isinstance(event, TradePrinted):
        return f"TradePrinted {event.key} ({plain(event.qty)} at {plain(event.px)})"
    key: Any = getattr(event, "key", "")
    return f"{type(event).__name__} {key}".strip()


def told(step: Step) -> str:
    """What a step decided, in a few words."""
    words = [_effect(effect) for effect in step.effects]
    words += [type(note).__name__ for note in step.notes]
    return "; ".join(word for word in words if word)[:300] or "nothing"


def _effect(effect: Effect) -> str:
    if isinstance(effect, SubmitOrder):
        return _order(effect.order)
    if isinstance(effect, SubmitOrders):
        return "; ".join(_order(order) for order in effect.orders)
    return f"cancel {effect.order.id}" if isinstance(effect, CancelOrder) else ""


def _order(order: Order) -> str:
    what = f"{order.action} {order.outcome} {plain(order.qty)} at {plain(order.px)}"
    return f"{what} of {order.key} ({order.strategy or order.basket})"
