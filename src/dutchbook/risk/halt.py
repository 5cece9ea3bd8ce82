"""Breakers and people: what stops trading, and who may let it go on."""

from typing import Final

from dutchbook.domain.effects import Alert, Effect
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Found, HaltMoved, Marked, Note, Refused
from dutchbook.domain.units import DAY, MILLI, ONE, Ns, Usd
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import Account

RANK: Final = ("", "pause", "halve", "reduce", "halt", "kill")
BREAKER: Final = "all"
Out = Effect | Note


class Overseer:
    """Watches equity, clocks and venues; obeys pause, resume, halt, kill and clear_kill."""

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits
        self._told: dict[str, None] = {}

    # -- breakers --------------------------------------------------------------------------------

    def watch(self, account: Account, view: object, now: Ns) -> list[Out]:
        """What the account's state calls for; nothing before every venue was reconciled once."""
        if len(account.seen) < len(account.accounts) or not account.seen:
            return []
        outs: list[Out] = []
        equity = account.equity()
        day = f"day:{now // DAY}"
        if day not in account.marks:
            outs.append(Marked(day, equity))
        if "start" not in account.marks:
            outs.append(Marked("start", equity))
        peak = account.marks.get("peak", Usd(0))
        if equity > peak + peak // 1_000:
            outs.append(Marked("peak", equity))
        outs += self._losses(account, equity, account.marks.get(day, equity))
        outs += self._clocks(account)
        outs += self._venues(account)
        return outs

    def _losses(self, account: Account, equity: Usd, morning: Usd) -> list[Out]:
        limits = self.limits
        lost = morning - equity
        if lost * ONE >= morning * limits.day_loss_halt and lost > 0:
            return self._breaker(account, "halt", f"day loss {lost} of {morning}")
        if lost * ONE >= morning * limits.day_loss_alert and lost > 0:
            return self._breaker(account, "pause", f"day loss {lost} of {morning}")
        basis = morning if limits.drawdown_basis == "day" else None
        top = basis or account.marks.get(limits.drawdown_basis, equity)
        down = top - equity
        for level, share in (
            ("halt", limits.drawdown_halt),
            ("reduce", limits.drawdown_reduce),
            ("halve", limits.drawdown_halve),
        ):
            if down > 0 and down * ONE >= top * share:
                why = f"{down} below the {limits.drawdown_basis}"
                return self._breaker(account, level, why)
        return []

    def _breaker(self, account: Account, level: str, why: str) -> list[Out]:
        """Stop harder if need be; it never goes back by itself."""
        now = account.halts.get(BREAKER)
        if now is not None and RANK.index(now.level) >= RANK.index(level):
            return []
        moved = HaltMoved(BREAKER, level, why)  # type: ignore[arg-type]
        return [moved, Alert("critical", f"halt:{level}", f"trading: {level}, {why}")]

    def _clocks(self, account: Account) -> list[Out]:
        bound = self.limits.skew_alert_ms * MILLI
        return [
            out
            for venue, skew in account.skews.items()
            if abs(skew) > bound
            for out in self._once(f"skew:{venue}", f"our clock is {skew // MILLI} ms off {venue}'s")
        ]

    def _venues(self, account: Account) -> list[Out]:
        outs: list[Out] = []
        for venue, mode in account.modes.items():
            if mode.mode in ("unauthorized", "blocked"):
                outs += self._once(f"{mode.mode}:{venue}", f"{venue} is {mode.mode}: {mode.why}")
        return outs

    def _once(self, key: str, text: str) -> list[Out]:
        if key in self._told:
            return []
        self._told[key] = None
        return [Alert("critical", key, text)]

    # -- people ----------------------------------------------------------------------------------

    def operator(self, command: OperatorAsked, account: Account, now: Ns) -> list[Out]:
        """Answer pause, resume, halt, kill, clear_kill; nothing for other verbs."""
        scope = command.args[0] if command.args else "all"
        verb = command.verb
        if verb == "kill":
            why = f"kill switch, {command.who}"
            if _level(account, "all") == "kill":
                return [Found("all", "kill", "it was killed already")]
            return [
                HaltMoved("all", "kill", why, command.who), Alert("critical", "kill", why),
            ]  # fmt: skip
        if verb == "clear_kill":
            return self._clear(command, account)
        if verb in ("pause", "halt"):
            if RANK.index(_level(account, scope)) >= RANK.index(verb):
                return [Found(scope, verb, f"it is stopped already ({_level(account, scope)})")]
            return [HaltMoved(scope, verb, f"{command.who} asked", command.who)]  # type: ignore[arg-type]
        if verb == "resume":
            level = _level(account, scope)
            if level == "kill":
                return [Refused(scope, "kill", "a kill is cleared with a role and a reason", {})]
            if not level:
                return [Found(scope, "resume", "it was not stopped")]
            return [HaltMoved(scope, "", f"{command.who} asked", command.who)]
        return []

    def _clear(self, command: OperatorAsked, account: Account) -> list[Out]:
        """I24: only a named person of role admin, who says why."""
        role, reason = (*command.args, "", "")[:2]
        if role != "admin" or not command.who or not reason.strip():
            return [Refused("all", "kill", "clearing needs a named admin and a reason", {})]
        if _level(account, "all") != "kill":
            return [Found("all", "clear_kill", "it was not killed")]
        return [HaltMoved("all", "", f"cleared: {reason}", command.who)]


def _level(account: Account, scope: str) -> str:
    halt = account.halts.get(scope)
    return halt.level if halt is not None else ""
