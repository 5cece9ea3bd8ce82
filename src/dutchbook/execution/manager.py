"""Which strategies work, with which parameters and budgets, and how people change that.

The settings are the base; what a command changed lies over it, as `StrategyMoved` in the record,
until another command or a reload of the settings takes it back. Commands and reloads are events, so
a replay switches at the same step. Kinds of arbitrage work unless they are switched off; those with
an opinion only where they are named.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, get_args

import msgspec

from dutchbook.domain.candidate import Kind
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Refused, StrategyMoved
from dutchbook.domain.wish import Quoter
from dutchbook.execution.desk import Desk

VERBS: Final = ("strategy", "strategies")
ARBITRAGE: Final[tuple[str, ...]] = get_args(Kind)


class Made(NamedTuple):
    """A strategy built from its parameters, and the most it may hold and offer, in millionths.

    A kind of arbitrage has no `quoter`, a least edge of its own (millionths per $1 of payout), and
    where its budget is 0 the limits of risk are all there is.
    """

    quoter: Quoter | None
    budget: int
    edge_min: int = 0


Params = dict[str, Any]
Build = Callable[[Params], Made]
"""From parameters as the settings hold them; ValueError where they can't be."""


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the settings say: which with an opinion work, which kinds of arbitrage do not, and the
    parameters of each that there is."""

    enabled: tuple[str, ...] = ()
    params: dict[str, Params] = {}
    off: tuple[str, ...] = ()


class Manager:
    """`on`: the strategies with an opinion that work, by name, in the order of the settings'
    sections; `edges`: the kinds of arbitrage that work, with the least edge of each."""

    def __init__(self, desk: Desk, kinds: dict[str, Build], plan: Plan) -> None:
        self.desk = desk
        self.kinds = kinds
        self.plan = plan
        self.on: dict[str, Quoter] = {}
        self.edges: dict[str, int] = {}
        self.budgets: dict[str, int] = desk.gate.budgets
        self.changed = True

    def begin(self) -> None:
        """A run began: build what the settings and the account's switches say."""
        self.on, self.edges = {}, {}
        for name in self.kinds:
            self._build(name)
        self.changed = True

    def enabled(self, name: str) -> bool:
        """Whether a strategy is to work, as things stand."""
        switch = self.desk.account.switches.get(name)
        if switch is not None and switch.enabled >= 0:
            return bool(switch.enabled)
        return name in self.plan.enabled or (name in ARBITRAGE and name not in self.plan.off)

    def passes(self, kind: str, edge: int) -> tuple[str, dict[str, int]]:
        """Why an arbitrage of this kind and edge is not to be traded, with numbers; "" if it is."""
        if kind not in self.kinds:
            return "", {}
        if kind not in self.edges:
            return "its kind is switched off", {"edge": edge}
        need = self.edges[kind]
        if edge < need:
            return "less edge than its kind needs", {"edge": edge, "need": need}
        return "", {}

    def params(self, name: str) -> Params:
        """Its parameters as they are now: the settings', and what a command laid over them."""
        switch = self.desk.account.switches.get(name)
        over = msgspec.json.decode(switch.params) if switch is not None and switch.params else {}
        return {**self.plan.params.get(name, {}), **over}

    def asked(self, event: OperatorAsked) -> bool:
        """Carry out `strategy enable|disable|reset NAME`, `strategy set NAME JSON` and
        `strategies PLAN`; True if something changed."""
        if event.verb == "strategies":
            return self._reload(event)
        if event.verb != "strategy":
            return False
        what, name, text = (*event.args, "", "", "")[:3]
        if name not in self.kinds:
            known = ", ".join(self.kinds) or "none"
            return self._no(name or "strategy", f"there is no such strategy; there is {known}")
        before = self.desk.account.switches.get(name) or StrategyMoved(name, -1, "", "", "")
        if what in ("enable", "disable"):
            moved = msgspec.structs.replace(before, enabled=int(what == "enable"))
        elif what == "reset":
            moved = StrategyMoved(name, -1, "", "", "")
        elif what == "set":
            try:
                over = msgspec.json.decode(before.params) if before.params else {}
                over |= msgspec.json.decode(text, type=Params)
                self.kinds[name]({**self.plan.params.get(name, {}), **over})
            except (ValueError, RecursionError) as error:
                return self._no(name, str(error)[:300])
            params = msgspec.json.encode(over, order="deterministic").decode()
            moved = msgspec.structs.replace(before, params=params)
        else:
            return self._no(name, "say enable, disable, set or reset")
        if (moved.enabled, moved.params) == (before.enabled, before.params):
            return False
        self._say(msgspec.structs.replace(moved, why=what, by=event.who))
        return True

    def _reload(self, event: OperatorAsked) -> bool:
        """The settings were read again: they hold, and no command lies over them any more."""
        if event.args[1:]:  # they could not be read: what was wrong with them
            return self._no("strategies", event.args[1][:300])
        try:
            plan = msgspec.json.decode(event.args[0] if event.args else "", type=Plan)
            for name, params in plan.params.items():
                if name in self.kinds:
                    self.kinds[name](params)
            named = (*plan.enabled, *plan.off)
            unknown = [name for name in named if name not in self.kinds]
            if unknown:
                raise ValueError(f"there is no strategy {unknown[0]!r}")
        except (ValueError, RecursionError) as error:
            return self._no("strategies", str(error)[:300])
        self.plan = plan
        for name, switch in self.desk.account.switches.items():
            if switch.enabled >= 0 or switch.params:
                self.desk.say(StrategyMoved(name, -1, "", "settings were read again", event.who))
        self.begin()
        return True

    def _say(self, moved: StrategyMoved) -> None:
        self.desk.say(moved)
        self._build(moved.name)
        self.changed = True

    def _build(self, name: str) -> None:
        """One that worked with other parameters starts anew with what it learns from here on."""
        self.on.pop(name, None)
        self.edges.pop(name, None)
        self.budgets.pop(name, None)
        if not self.enabled(name):
            return
        try:
            made = self.kinds[name](self.params(name))
        except ValueError as error:  # parameters that an older version let pass
            self._no(name, str(error)[:300])
            return
        if made.quoter is None:
            self.edges[name] = made.edge_min
            if made.budget:
                self.budgets[name] = made.budget
            return
        order = list(self.kinds)
        self.on[name], self.budgets[name] = made.quoter, made.budget
        self.on = {one: self.on[one] for one in order if one in self.on}

    def _no(self, what: str, why: str) -> bool:
        self.desk.say(Refused(what, "strategy", why, {}))
        return False
