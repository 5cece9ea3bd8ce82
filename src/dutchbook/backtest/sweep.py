"""Variants of a plan: grids of parameters, stress, seeds, and walk-forward."""

from itertools import pairwise, product
from typing import Any, Final, Literal

import msgspec

from dutchbook.backtest.delays import constant
from dutchbook.backtest.parts import state_at
from dutchbook.backtest.plan import Plan
from dutchbook.backtest.pool import Result
from dutchbook.backtest.tape import Tape
from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import ONE, Ns
from dutchbook.report.record import Variant, Window

VARIANTS_MAX: Final = 10_000
STRESS: Final[tuple[tuple[Literal["fees", "latency", "depth"], str, dict[str, Any]], ...]] = (
    ("fees", "fees x0.5", {"fees": ONE // 2}),
    ("fees", "fees x2", {"fees": 2 * ONE}),
    ("latency", "latency 0", {"latency": "0ms"}),
    ("latency", "latency 1 s", {"latency": "1s"}),
    ("depth", "depth x0.5", {"depth": ONE // 2}),
)


def axes(texts: list[str]) -> dict[str, list[Any]]:
    """From "spread=20000,40000" or "latency=100ms,1s". Raises UsageError."""
    found: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals or not name or not values:
            raise UsageError(
                f"{text[:60]!r} sets no parameter", todo="write NAME=VALUE, or several: NAME=A,B"
            )
        if name in found:
            raise UsageError(f"{name} is given twice")
        found[name] = [_value(one) for one in values.split(",")]
    return found


def _value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


def varied(plan: Plan, name: str, value: Any) -> Plan:
    """A plan with one thing changed: latency, feed, fees, depth, queue, cash, seed, a dotted
    setting, else a parameter of its (only) strategy. Raises UsageError."""
    if name in ("latency", "feed", "queue"):
        return replaced(plan, {name: str(value)})
    if name in ("fees", "depth", "cash", "seed"):
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise UsageError(f"{name} is a whole number (fees and depth in millionths)")
        return replaced(plan, {name: value})
    if "." in name:
        return replaced(plan, {"settings": {**plan.settings, name: str(value)}})
    names = plan.names()
    if len(names) != 1:
        raise UsageError(f"{name}: of which strategy?", todo="sweep one strategy at a time")
    own = {**plan.params.get(names[0], {}), name: value}
    return replaced(plan, {"params": {**plan.params, names[0]: own}})


def replaced(plan: Plan, changes: dict[str, Any]) -> Plan:
    """As msgspec.structs.replace, with the values checked. Raises UsageError."""
    try:
        return msgspec.convert({**msgspec.to_builtins(plan), **changes}, Plan)
    except msgspec.ValidationError as error:
        raise UsageError(str(error)) from error


def grid(plan: Plan, given: dict[str, list[Any]]) -> list[tuple[str, Plan]]:
    """Every combination, named "spread=20000 age_s=30", in the order of the axes."""
    total = 1
    for values in given.values():
        total *= len(values)
    if total > VARIANTS_MAX:
        raise UsageError(f"{total} variants", why=f"at most {VARIANTS_MAX} are played")
    found = []
    for chosen in product(*given.values()):
        varying, label = plan, []
        for name, value in zip(given, chosen, strict=True):
            varying = varied(varying, name, value)
            label.append(f"{name}={value}")
        found.append((" ".join(label), varying))
    return found


def seeds(plan: Plan, count: int) -> list[Plan]:
    """The same plan with `count` seeds: of latencies, and of a strategy that throws dice."""
    params = {
        name: {key: value for key, value in own.items() if (name, key) != ("probe", "seed")}
        for name, own in plan.params.items()
    }
    return [replaced(plan, {"seed": plan.seed + n, "params": params}) for n in range(count)]


def stress(plan: Plan) -> list[tuple[str, str, Plan]]:
    """(kind, label, plan) of the usual doubts: other fees, latencies, depths."""
    return [(kind, label, replaced(plan, dict(change))) for kind, label, change in STRESS]


def variant(kind: str, label: str, result: Result, *, base: bool = False) -> Variant:
    """A result as a line of the report."""
    plan = result.plan
    values = {"fees": plan.fees, "depth": plan.depth, "latency": constant(plan.latency)}
    value = values.get(kind)
    named: Any = kind if kind in ("fees", "latency", "depth", "parameter") else "other"
    return Variant(
        named, label, result.net, result.trades, result.drawdown, base, value  # type: ignore[arg-type]
    )  # fmt: skip


def spans(tape: Tape, folds: int) -> list[tuple[Tape, Tape]]:
    """(train, test) tapes for a walk forward: the tape in folds + 1 equal times; each is learnt
    on and the next one is traded. What was listed before a part begins is told at its start."""
    first, last = tape.span
    if folds < 1 or last <= first:
        raise UsageError("nothing to walk through", todo="give at least one fold and a longer tape")
    edges = [Ns(first + (last - first) * k // (folds + 1)) for k in range(folds + 2)]
    edges[-1] = Ns(last + 1)
    parts = [part(tape, edges[k], edges[k + 1]) for k in range(folds + 1)]
    return list(pairwise(parts))


def part(tape: Tape, start: Ns, end: Ns) -> Tape:
    """The tape from `start` to before `end`; what holds at the start (markets, whole books) comes
    first, so that a part is a tape of its own."""
    head = state_at(tape.items, start)
    items = [item for item in tape.items if start <= item[0] < end]
    whole = [*((start, event) for event in head), *items]
    return msgspec.structs.replace(tape, name=f"{tape.name}[{start}:{end}]", items=whole)


def best(results: list[Result]) -> int:
    """The place of the variant with the highest net; of equal ones the first."""
    return max(range(len(results)), key=lambda n: (results[n].net, -n))


def window(train: Tape, test: Tape, label: str, trained: Result, tested: Result) -> Window:
    """One step of the walk as the report has it."""
    return Window(
        train.span[0], train.span[1], test.span[0], test.span[1], label, trained.net, tested.net,  # type: ignore[arg-type]
        tested.trades,
    )  # fmt: skip
