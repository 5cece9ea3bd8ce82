"""The alert of a stop: its reason with figures, what was cancelled, how to go on."""

import re
from typing import Final

from dutchbook.alerts import sms, text
from dutchbook.alerts.look import Look
from dutchbook.alerts.notice import Draft
from dutchbook.alerts.words import clean, tag, usd
from dutchbook.domain.effects import CancelOrder
from dutchbook.domain.step import HaltMoved, Step
from dutchbook.domain.units import ONE

_DAY: Final = re.compile(r"day loss ([0-9]+) of ([0-9]+)", re.ASCII)
_BELOW: Final = re.compile(r"([0-9]+) below the ([a-z]+)", re.ASCII)


def halted(mode: str, note: HaltMoved, step: Step, look: Look) -> Draft:
    """Trading was stopped or released, somewhere or everywhere."""
    where = "" if note.scope == "all" else f" {clean(note.scope, 80)}"
    key = f"halt:{note.scope}:{note.level}:{step.envelope.seq}"
    if not note.level:
        line = f"{tag(mode)} ✅ Trading goes on{where}: {clean(note.why, 200)}"
        return Draft("halt", key, line, "trading goes on", priority="LOW")
    cancelled = len({e.order.id for e in step.effects if isinstance(e, CancelOrder)})
    kept = len(look.holdings())
    day, below = _DAY.fullmatch(note.why), _BELOW.fullmatch(note.why)
    basis, loss, short = "", 0, ""
    if day is not None:
        basis, loss = "day", int(day[1])
        limit = int(day[2]) * look.stop(note.level) // ONE
        what = text.day_loss(loss, limit, basis)
    elif below is not None:
        basis, loss = below[2], int(below[1])
        what = f"{usd(-loss)} below the {basis} (basis: {basis})"
    else:
        what = f"{note.level}{where}: {note.why}"
    if basis:
        short = sms.halt(mode, basis, loss, cancelled)
    resume = "dutchbook resume --clear-kill" if note.level == "kill" else f"/resume{where}"
    line = f"{tag(mode)} {text.halt(what, cancelled, kept, resume)}"
    title = f"HALT – {f'{basis} loss' if basis else clean(note.why, 80)}"
    narrow = note.scope != "all" or note.level in ("halve", "reduce")
    return Draft(
        "daily_loss" if day is not None else "halt", key, line, title, short=short,
        priority="HIGH" if narrow else None,
    )  # fmt: skip
