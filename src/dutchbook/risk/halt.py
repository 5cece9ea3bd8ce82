"""Breakers and people: what stops trading, and who may let it go on."""

from collections.abc import Callable
from typing import Final

from dutchbook.domain.effects import Alert, Effect
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Found, HaltMoved, Marked, Note, Refused
from dutchbook.domain.units import DAY, MILLI, ONE, Ns, Usd
from dutchbook.risk import ramp
from dutchbook.risk.limits import RiskLimits
from dutchbook.state.account import ITSELF, Account

RANK: Final = ("", "halve", "reduce", "pause", "halt", "kill")
"""From what lets most through to what lets nothing through."""
BREAKER: Final = "all"
SCOPES: Final = ("venue", "market", "strategy")
Unknown = Callable[[str, str], str]
"""(kind of scope, name) -> why the run knows none of that name, "" if it does: stopping what is
none would stop nothing, and say that it did."""
Out = Effect | Note


class Overseer:
    """Watches equity, clocks and venues; obeys pause, resume, halt, kill and clear_kill."""

    def __init__(self, limits: RiskLimits) -> None:
        self.limits = limits
        self._told: dict[str, None] = {}
        self._quiet: tuple[object, ...] = ()

    # -- breakers --------------------------------------------------------------------------------

    def watch(self, account: Account, view: object, now: Ns) -> list[Out]:
        """What the account's state calls for; nothing before every venue was reconciled once."""
        looked = (account, account.version, account.equity(), now // DAY)
        if looked == self._quiet and account.mode != "live":
            return []  # the same account on the same day; only the live ramp waits for a time
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
        halt = account.halts.get(BREAKER)
        mine = halt is not None and halt.level == "pause" and halt.by == ITSELF
        morning = account.marks.get(day, equity)
        outs += self._losses(account, equity, morning, now, ended=mine and day not in account.marks)
        outs += self._clocks(account)
        outs += self._venues(account)
        outs += self._markets(account)
        outs += ramp.moved(account, self.limits, now)
        if not outs:
            self._quiet = looked
        return outs

    def _losses(
        self, account: Account, equity: Usd, morning: Usd, now: Ns, *, ended: bool
    ) -> list[Out]:
        """The stricter of what the day and the drawdown call for, unless a person overruled it.

        A person's resume holds for its level and all below, until the next day begins. `ended`: the
        day whose loss paused trading has ended, and its pause with it.
        """
        limits, basis = self.limits, self.limits.drawdown_basis
        top = morning if basis == "day" else account.marks.get(basis, equity)
        level, why = "", ""
        for over, stop, share, text in (
            (morning, "halt", limits.day_loss_halt, f"day loss {morning - equity} of {morning}"),
            (morning, "pause", limits.day_loss_alert, f"day loss {morning - equity} of {morning}"),
            (top, "halt", limits.drawdown_halt, f"{top - equity} below the {basis}"),
            (top, "reduce", limits.drawdown_reduce, f"{top - equity} below the {basis}"),
            (top, "halve", limits.drawdown_halve, f"{top - equity} below the {basis}"),
        ):
            lost = over - equity
            if lost > 0 and lost * ONE >= over * share and RANK.index(stop) > RANK.index(level):
                level, why = stop, text
        overruled = [one for one in RANK if _resumed(one, now) in account.marks]
        if not level or any(RANK.index(one) >= RANK.index(level) for one in overruled):
            return [HaltMoved(BREAKER, "", "the next day")] if ended else []
        return self._breaker(account, level, why, ended=ended)

    def _breaker(self, account: Account, level: str, why: str, *, ended: bool) -> list[Out]:
        """Stop harder if need be; but for a day's pause it never goes back by itself."""
        now = account.halts.get(BREAKER)
        if not ended and now is not None and RANK.index(now.level) >= RANK.index(level):
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

    def _markets(self, account: Account) -> list[Out]:
        """F46, F51: a market whose trades fail, or where funded orders are refused, is paused."""
        limits, outs = self.limits, list[Out]()
        for key, (fills, voids, refusals) in account.trouble.by_key.items():
            failing = voids >= limits.voids_max and voids * ONE >= fills * limits.void_share
            why = f"{voids} of {fills} trades failed" if failing else ""
            if refusals >= limits.refusals_max:
                why = f"{refusals} orders in a row refused for funds"
            if not why or _level(account, f"market:{key}"):
                continue
            moved = HaltMoved(f"market:{key}", "pause", why)
            outs += [moved, Alert("critical", f"market:{key}", f"{key} is paused: {why}")]
        return outs

    def _once(self, key: str, text: str) -> list[Out]:
        if key in self._told:
            return []
        self._told[key] = None
        return [Alert("critical", key, text)]

    # -- people ----------------------------------------------------------------------------------

    def operator(
        self, command: OperatorAsked, account: Account, now: Ns, of_name: Unknown
    ) -> list[Out]:
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
        if verb not in ("pause", "halt", "resume"):
            return []
        if not _level(account, scope) and (none := unknown(scope, of_name)):
            return [Refused(scope, "scope", none, {})]
        if verb in ("pause", "halt"):
            if RANK.index(_level(account, scope)) >= RANK.index(verb):
                return [Found(scope, verb, f"it is stopped already ({_level(account, scope)})")]
            return [HaltMoved(scope, verb, f"{command.who} asked", command.who)]  # type: ignore[arg-type]
        if verb == "resume":
            level = _level(account, scope)
            if level == "kill":
                why = "a kill is cleared with a role and a reason: dutchbook resume --clear-kill"
                return [Refused(scope, "kill", why, {})]
            if not level:
                return [Found(scope, "resume", "it was not stopped")]
            moved = HaltMoved(scope, "", f"{command.who} asked", command.who)
            if scope == BREAKER and account.halts[scope].by == ITSELF:
                return [Marked(_resumed(level, now), account.equity()), moved]
            return [moved]
        return []

    def _clear(self, command: OperatorAsked, account: Account) -> list[Out]:
        """I24: only a named person of role admin, who says why."""
        role, reason = (*command.args, "", "")[:2]
        if role != "admin" or not command.who or not reason.strip():
            return [Refused("all", "kill", "clearing needs a named admin and a reason", {})]
        if _level(account, "all") != "kill":
            return [Found("all", "clear_kill", "it was not killed")]
        return [HaltMoved("all", "", f"cleared: {reason}", command.who)]


def unknown(scope: str, of_name: Unknown) -> str:
    """Why nothing of this run is meant by a scope, "" if something is."""
    kind, _, name = scope.partition(":")
    if scope == "all":
        return ""
    if kind not in SCOPES or not name:
        return "say all, venue:NAME, market:KEY or strategy:NAME"
    return of_name(kind, name)


def _resumed(level: str, now: Ns) -> str:
    """The mark that a person let trading go on today, after a breaker of this level."""
    return f"resumed:{level}:{now // DAY}"


def _level(account: Account, scope: str) -> str:
    halt = account.halts.get(scope)
    return halt.level if halt is not None else ""
