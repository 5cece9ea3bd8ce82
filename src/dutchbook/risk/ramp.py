"""The live ramp: small trades first, larger ones after days without a fault.

A step holds what one trade may cost. It is gone up when its days have passed, every venue is
reconciled and no order is of unknown fate; a breach (books that drift, a stuck basket, a breaker)
goes one step back and begins its days anew.
"""

from typing import Final

from dutchbook.domain.effects import Alert, Effect
from dutchbook.domain.step import Note, RampMoved
from dutchbook.domain.units import DAY, ONE, Ns, Usd
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

STEPS: Final = ((20 * ONE, 3), (50 * ONE, 4), (100 * ONE, 7))
"""($ of one trade at most, days of the step); after the last one the configured limits hold."""


def cap(account: Account, limits: RiskLimits) -> Usd | None:
    """What one trade may cost now; None where no ramp holds (not live, switched off, or over)."""
    if account.mode != "live" or not limits.ramp:
        return None
    step = account.ramp[0] if account.ramp is not None else 0
    return Usd(STEPS[step][0]) if step < len(STEPS) else None


def moved(account: Account, limits: RiskLimits, now: Ns) -> list[Effect | Note]:
    """Whether a step is gone up or back now."""
    if account.mode != "live" or not limits.ramp:
        return []
    if account.ramp is None:
        return [RampMoved(0, "live trading begins")]
    step, since = account.ramp
    if account.breached > since:
        back = max(0, step - 1)
        text = f"live ramp: back to step {back + 1} of {len(STEPS) + 1}"
        return [RampMoved(back, "a breach"), Alert("critical", "ramp", text)]
    if step < len(STEPS) and now - since >= STEPS[step][1] * DAY and _clean(account):
        return [RampMoved(step + 1, f"{STEPS[step][1]} days without a breach")]
    return []


def _clean(account: Account) -> bool:
    return all(account.reconciled.values()) and not account.unknown()
