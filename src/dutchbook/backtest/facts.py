"""From a session that was played to the record that every report is made from."""

import bisect
from collections import Counter
from collections.abc import Iterable

import msgspec

from dutchbook import __version__
from dutchbook.backtest import delays, feebook, trades, worth
from dutchbook.backtest.observer import Observer
from dutchbook.backtest.plan import Plan
from dutchbook.backtest.session import Session
from dutchbook.backtest.tape import Item, Tape
from dutchbook.domain.account_events import OrderFilled
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.report.record import (
    VERSION,
    Count,
    Fill,
    Gap,
    Honesty,
    Market,
    Meta,
    Order,
    Path,
    Record,
    Resolution,
    Trade,
)
from dutchbook.report.revision import revision
from dutchbook.state.lives import Life

GAP = Ns(600 * SECOND)
GAPS_MAX = 50


def record_of(
    plan: Plan, tape: Tape, session: Session, observer: Observer, name: str, command: str = ""
) -> Record:
    """Everything that is known of the run."""
    assert session.engine.trading is not None
    account = session.engine.trading.account
    keys = dict.fromkeys(life.order.key for life in account.orders.values())
    proved = worth.proved(account, observer.resolved).held
    marks = worth.marks(account, session.engine.view, observer.resolved, keys, proved)
    since = session.first
    done = trades.baskets(account, observer, marks, since)
    held, owner = trades.positions(account, observer, marks, since)
    lives = [life for life in account.orders.values() if life.decided_at >= since]
    made = sorted([*done, *held], key=lambda trade: (trade.opened_at, trade.id))
    instruments = session.engine.world.instruments
    made = [_placed(trade, instruments) for trade in made]
    fills = [_fill(life, fill, owner, observer) for life in lives for fill in life.fills]
    points = observer.points
    meta = Meta(
        name, "backtest", session.first, session.at, Usd(observer.capital),
        tuple(plan.names()), command, plan.seed, __version__, revision(), plan.digest(),
        tape.digest, __version__, _fee_model(plan, tape), delays.constant(plan.latency), 0,
    )  # fmt: skip
    return Record(
        VERSION, meta, honesty(plan, tape, session), tuple(made),
        tuple(sorted(fills, key=lambda fill: (fill.at, fill.id))),
        tuple(_order(life) for life in lives),
        tuple(points), (), tuple(_markets(made, instruments, observer, marks)),
        tuple(Path(key, tuple(ats), tuple(mids)) for key, (ats, mids) in observer.mids.items()),
        tuple(_funnel(session, observer, lives)),
        tuple(Count(name, n) for name, n in observer.rejects.most_common()),
    )  # fmt: skip


def _placed(trade: Trade, instruments: dict[str, Instrument]) -> Trade:
    market = instruments.get(trade.legs[0].key if trade.legs else trade.event)
    if market is None:
        return trade
    return msgspec.structs.replace(
        trade,
        category=getattr(market, "category", ""),
        event=getattr(market, "event", "") or trade.event,
        closes_at=getattr(market, "closes", Ns(0)),
    )


def _order(life: Life) -> Order:
    order = life.order
    return Order(
        order.id, order.basket, order.key, order.venue, order.outcome, order.action, order.px,
        order.qty, life.filled, life.decided_at, life.state, life.reason,
    )  # fmt: skip


def _fill(life: Life, fill: OrderFilled, owner: dict[str, str], observer: Observer) -> Fill:
    seen = observer.seen.get(life.order.id)
    levels = seen.levels if seen is not None else ()
    best = levels[0][0] if levels else None
    top = levels[0][1] if levels else 0
    shown = sum(size for _, size in levels)
    deeper = 0 if fill.maker or best is None else (fill.qty if fill.px != best else 0)
    beyond = 0 if fill.maker else max(0, min(fill.qty, life.order.qty - max(shown, top)))
    name = f"{fill.venue}/{fill.trade}"
    return Fill(
        name, life.order.basket or owner.get(f"{fill.order}/{fill.trade}", ""), fill.order,
        life.order.strategy or life.order.basket[:1], fill.venue, fill.key, fill.outcome,
        fill.action, fill.px, fill.qty, fill.fee, fill.maker, fill.venue_at,
        None if best is None else Px(best), Qty(deeper), Qty(beyond),
        _px(observer.fill_mids.get(fill.trade + fill.order)),
        tuple(_after(observer, fill)),
    )  # fmt: skip


def _px(value: int | None) -> Px | None:
    return None if value is None else Px(value)


def _after(observer: Observer, fill: OrderFilled) -> Iterable[tuple[Ns, Px]]:
    """The mid of its outcome 1, 5 and 30 minutes later, where the sample reaches so far."""
    ats, mids = observer.mids.get(fill.key, ([], []))
    for minutes in (1, 5, 30):
        span = Ns(minutes * 60 * SECOND)
        at = fill.venue_at + span
        if not observer.points or at > observer.points[-1].at:
            return
        n = bisect.bisect_right(ats, at)
        if n:
            yield span, mids[n - 1] if fill.outcome == "yes" else Px(ONE - mids[n - 1])


def _markets(
    made: list[Trade], instruments: dict[str, Instrument], observer: Observer, marks: worth.Marks
) -> Iterable[Market]:
    for key in dict.fromkeys(leg.key for trade in made for leg in trade.legs):
        market = instruments.get(key)
        resolved = observer.resolved.get(key)
        resolution: Resolution = "unknown"
        if resolved is not None:
            resolution = {ONE: "yes", 0: "no"}.get(resolved[0], "void")  # type: ignore[assignment]
        yield Market(
            key, key.partition(":")[0], getattr(market, "title", ""), getattr(market, "rules", ""),
            getattr(market, "category", ""), getattr(market, "event", "") or key,
            getattr(market, "closes", Ns(0)), resolved[1] if resolved else Ns(0), resolution,
            Px(marks.of(key, "yes")),
        )  # fmt: skip


def _funnel(session: Session, observer: Observer, lives: list[Life]) -> Iterable[Count]:
    yield Count("events", session.events)
    yield Count("markets", len(session.engine.world.instruments))
    if observer.funnel["found"]:
        yield Count("found", observer.funnel["found"])
    yield Count("ordered", len(lives))
    yield Count("filled", sum(bool(life.fills) for life in lives))


def _fee_model(plan: Plan, tape: Tape) -> str:
    model = "those that the markets carry" if tape.fees else feebook.MODEL
    return model if plan.fees == ONE else f"{model}, times {plan.fees / ONE:g}"


def honesty(plan: Plan, tape: Tape, session: Session) -> Honesty:
    """What must be said before any figure."""
    queue = {
        "back": "ours stands last in its queue, and only trades or a smaller level move it on",
        "share": "cancels at its level move ours on in proportion",
    }[plan.queue]
    settled = ", ".join(f"{venue} {s / 3600:g} h" for venue, s in sorted(plan.lockup_s.items()))
    notes = [
        *tape.notes,
        f"Orders take {plan.latency} to the venue, the feed {plan.feed}; markets pay after: "
        f"{settled}.",
        "Nobody reacts to our orders, and what we take stays in the recorded books (the same shown "
        "size fills us once).",
    ]
    if tape.errors:
        notes.append(f"{len(tape.errors)} rows could not be read, the first: {tape.errors[0]}")
    return Honesty(
        f"{tape.fills}; {queue}", tape.survivorship or "whatever was recorded, chosen by whoever "
        "recorded it",
        "at the last best bid for what is held, 0 where there was none; proved baskets at their "
        "worst payoff",
        tuple(_gaps(tape.items)), notes=tuple(notes),
    )  # fmt: skip


def _gaps(items: list[Item]) -> list[Gap]:
    found: list[Gap] = []
    last = items[0][0] if items else Ns(0)
    for at, _ in items:
        if at - last > GAP:
            found.append(Gap(last, at, "no data"))
        last = at
    found.sort(key=lambda gap: gap.start - gap.end)
    return sorted(found[:GAPS_MAX], key=lambda gap: gap.start)


def reasons(observer: Observer) -> Counter[str]:
    """Why orders ended and opportunities were passed over."""
    return observer.rejects + observer.stages
