"""The command line that makes a run again, with every option that differs from its default."""

import shlex
from typing import Any, Final

import msgspec

from dutchbook.backtest.plan import Plan
from dutchbook.domain.units import plain

PLAIN: Final = ("feed", "queue")
AMOUNTS: Final = ("cash", "fees", "depth")


def command(
    plan: Plan, venue: str = "", *, check: bool = True, stress: bool = False, random: int = 0
) -> str:
    """Words that a shell takes apart as they were given. Settings of a file are not among them:
    `config.resolved.toml` beside the report holds those."""
    words = ["dutchbook", "backtest", "run", plan.strategy]
    for data in plan.data:
        words += ["--data", data]
    for own in plan.params.values():
        for name, value in own.items():
            words += ["--param", f"{name}={_value(value)}"]
    words += ["--latency", plan.latency]
    usual = Plan(plan.strategy)
    for name in PLAIN:
        if getattr(plan, name) != getattr(usual, name):
            words += [f"--{name}", getattr(plan, name)]
    for name in AMOUNTS:
        if getattr(plan, name) != getattr(usual, name):
            words += [f"--{name}", plain(getattr(plan, name))]
    words += ["--seed", str(plan.seed)]
    words += ["--venue", venue] if venue else []
    words += [] if check else ["--no-check"]
    words += ["--stress"] if stress else []
    words += ["--random", str(random)] if random else []
    return shlex.join(words)


def _value(value: Any) -> str:
    """A parameter as `--param` reads it: a text that would be read as a number has quotes."""
    if isinstance(value, list):
        return ",".join(map(_value, value))
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    try:
        msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value
    return msgspec.json.encode(value).decode()
