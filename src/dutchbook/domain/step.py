"""What one step did: the only thing that screens, tables, subscribers and tests read."""

from typing import Literal

import msgspec

from dutchbook.domain.candidate import Outcome
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Effect
from dutchbook.domain.events import Envelope
from dutchbook.domain.orders import LegPlan
from dutchbook.domain.units import Ns, Px, Qty, Usd


class Opened(msgspec.Struct, frozen=True, array_like=True, tag="Opened"):
    """An opportunity passed every stage; its certificate says why it is one."""

    id: str
    certificate: Certificate


class Improved(msgspec.Struct, frozen=True, array_like=True, tag="Improved"):
    """An open opportunity grew: the certificate that is worth more than the one before it."""

    id: str
    certificate: Certificate


class Closed(msgspec.Struct, frozen=True, array_like=True, tag="Closed"):
    """An opportunity is no longer one. `best` is the highest edge that it had, in millionths."""

    id: str
    why: str
    opened_at: Ns
    best: int


class Passed(msgspec.Struct, frozen=True, array_like=True, tag="Passed"):
    """A candidate was passed over: at which stage of the funnel, why, and the numbers."""

    key: str
    stage: str
    reason: str
    numbers: dict[str, int]


class Healed(msgspec.Struct, frozen=True, array_like=True, tag="Healed"):
    """Every book that a gap had made stale was seen whole again."""

    stream: str
    scope: str
    gaps: int


class Found(msgspec.Struct, frozen=True, array_like=True, tag="Found"):
    """Something about a book that a person should know: crossed, broken, mirror off, refused."""

    key: str
    what: str
    detail: str


class Refused(msgspec.Struct, frozen=True, array_like=True, tag="Refused"):
    """The gate said no: which check, why, and the numbers. `what` is an opportunity or order id."""

    what: str
    check: str
    reason: str
    numbers: dict[str, int]


Stage = Literal["legs", "complete", "unwind", "done", "unwound", "stuck"]


class BasketBegun(msgspec.Struct, frozen=True, array_like=True, tag="BasketBegun"):
    """A basket was decided: equal shares of every leg. Its orders are effects of the same step.

    `promised` is what the certificate proves for the whole size, `capital` the most it costs,
    `payout` the worst payoff per contract; `unwind_max` the most that giving up may cost;
    `residual` what is lost if its venues part ways (0 where there is only one).
    """

    id: str
    opportunity: str
    kind: str
    qty: Qty
    payout: Usd
    capital: Usd
    promised: Usd
    legs: tuple[LegPlan, ...]
    deadline: Ns
    unwind_max: Usd
    style: str = "market"
    strategy: str = ""
    at: Ns = Ns(0)
    residual: Usd = Usd(0)


class BasketMoved(msgspec.Struct, frozen=True, array_like=True, tag="BasketMoved"):
    """A basket came to another stage. `residual` lists (key, outcome, qty) left open when stuck.

    done: every leg is terminal and the legs are equal; `locked` is then the worst payoff of what
    is held less what was paid for it. unwound: nothing is held; `locked` is what it cost, or what
    it brought where the basket was sold early.
    """

    id: str
    stage: Stage
    why: str
    locked: Usd = Usd(0)
    residual: tuple[tuple[str, str, Qty], ...] = ()
    numbers: dict[str, int] = {}


class HaltMoved(msgspec.Struct, frozen=True, array_like=True, tag="HaltMoved"):
    """Trading was stopped or released. `scope`: "all", "venue:x", "market:key", "strategy:x".

    level: pause (no new risk), halt (and cancel), kill (halt; only a named person clears it),
    halve (half sizes), reduce (only risk-reducing and certified arbitrage). "" releases.
    """

    scope: str
    level: Literal["", "pause", "halve", "reduce", "halt", "kill"]
    why: str
    by: str = "dutchbook"


class RampMoved(msgspec.Struct, frozen=True, array_like=True, tag="RampMoved"):
    """The live ramp went to `step`, counted from 0; past its last one the set limits hold."""

    step: int
    why: str


class Quarantined(msgspec.Struct, frozen=True, array_like=True, tag="Quarantined"):
    """An account event that can't be: kept, told, not applied. `code` names the rule it broke."""

    code: str
    what: str
    detail: str


class Drifted(msgspec.Struct, frozen=True, array_like=True, tag="Drifted"):
    """Our books and the venue's differ: `what` is "cash", "position:key:outcome" or "order:id"."""

    venue: str
    what: str
    ours: int
    theirs: int
    explained: str = ""


class Marked(msgspec.Struct, frozen=True, array_like=True, tag="Marked"):
    """Equity that breakers measure from, in millionths: "start", "peak", "day:20454"; and where a
    person let trading go on after a breaker: "resumed:pause:20454" (days since 1970)."""

    name: str
    value: Usd


class Reconciled(msgspec.Struct, frozen=True, array_like=True, tag="Reconciled"):
    """A complete report of a venue was compared; trading there is open when `ok`."""

    venue: str
    ok: bool
    orders: int
    fills: int
    differences: int


class Accepted(msgspec.Struct, frozen=True, array_like=True, tag="Accepted"):
    """Money that came in or (negative) went out at a venue, which `by` explained in step `seq`."""

    venue: str
    cash: Usd
    by: str
    why: str
    seq: int


class Crossed(msgspec.Struct, frozen=True, array_like=True, tag="Crossed"):
    """Two strategies wanted opposite sides of a market: `buyer` has them from `seller`, inside.

    No order left. `px` is of `outcome`. A seller that holds none of it has the other outcome
    instead, at $1 less `px`, as at a venue that nets.
    """

    key: str
    outcome: Outcome
    qty: Qty
    px: Px
    buyer: str
    seller: str


class Determined(msgspec.Struct, frozen=True, array_like=True, tag="Determined"):
    """A market in which strategies hold something pays `px` per YES contract."""

    key: str
    px: Px


class StrategyMoved(msgspec.Struct, frozen=True, array_like=True, tag="StrategyMoved"):
    """A strategy was switched, or its parameters set, at run time; it holds over a restart.

    `enabled`: 1 or 0, -1 as the settings say. `params`: JSON of those that differ from the
    settings, "" none. Both as the settings: nothing is overruled any more.
    """

    name: str
    enabled: int
    params: str
    why: str
    by: str


Note = (
    Opened
    | Improved
    | Closed
    | Passed
    | Healed
    | Found
    | Refused
    | BasketBegun
    | BasketMoved
    | HaltMoved
    | RampMoved
    | Quarantined
    | Drifted
    | Marked
    | Reconciled
    | Accepted
    | Crossed
    | Determined
    | StrategyMoved
)


class Step(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One envelope, the effects it caused, and the notes of what was decided and why."""

    envelope: Envelope
    effects: tuple[Effect, ...] = ()
    notes: tuple[Note, ...] = ()
