"""What each strategy does and what came of it, as plain data; money and contracts in millionths."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.units import ONE
from dutchbook.execution.manager import ARBITRAGE
from dutchbook.runtime import capacity
from dutchbook.runtime.bootstrap import engine_of, plan_of
from dutchbook.runtime.recover import recover
from dutchbook.runtime.settings import Settings
from dutchbook.state.account import Account
from dutchbook.state.stakes import Tally

if TYPE_CHECKING:
    from dutchbook.engine.engine import Engine
    from dutchbook.execution.manager import Manager
    from dutchbook.execution.quoting import Quoting

ANY: Final = {"kalshi": "-", "polymarket": "-"}
"""Accounts for an engine that only reads a record."""


def rows(engine: "Engine") -> list[dict[str, Any]]:
    """One row for each strategy: those with an opinion, then the kinds of arbitrage."""
    trading = engine.trading
    assert trading is not None, "a run that only watches has no strategies to measure"
    account, quoting = trading.account, trading.trader.quoting
    return [
        _arbitrage(quoting.manager, account, name)
        if name in ARBITRAGE
        else _quoter(engine, quoting, account, name)
        for name in quoting.manager.kinds
    ]


def _quoter(engine: "Engine", quoting: "Quoting", account: Account, name: str) -> dict[str, Any]:
    manager = quoting.manager
    params = manager.params(name)
    live = [
        life for life in account.live.values()
        if life.order.strategy == name and life.order.purpose == "quote"
    ]  # fmt: skip
    barred: dict[str, int] = {}
    for (who, _), why in quoting.why.items():
        if who == name and why:
            barred[why] = barred.get(why, 0) + 1
    cost = account.stakes.cost_of.get(name, 0)
    used = cost + account.stake_by.get(name, 0)
    budget = int(params.get("budget", 0))
    return {
        "name": name,
        "kind": "quoting",
        "enabled": manager.enabled(name),
        "switched": _switched(account, name),
        "params": params,
        "watched": sum(name in watch.names for watch in quoting.watched.values()),
        "quotes": len(live),
        "barred": barred,
        "capacity": {
            "budget": budget,
            "used": used,
            "free": max(0, budget - used),
            "by_edge": capacity.of_orders(account, name),
        },
        **measured(account.stakes.tallies.get(name, Tally())),
        "cost": cost,
        "unrealised": _unrealised(engine, account, name),
        "positions": [
            [key, outcome, held.qty, held.cost, held.since]
            for (who, key, outcome), held in sorted(account.stakes.held.items())
            if who == name
        ],
    }


def measured(tally: Tally) -> dict[str, Any]:
    """What came of fills. `edge`: expected and realised per contract that had an expectation."""
    contracts = tally.bought + tally.sold
    return {
        "fills": tally.fills,
        "contracts": contracts,
        "maker_share": tally.maker * ONE // tally.fills if tally.fills else 0,
        "modelled_share": tally.modelled * ONE // tally.fills if tally.fills else 0,
        "turnover": tally.turnover,
        "fees": tally.fees,
        "realised": tally.realised,
        "expected": tally.expected,
        "edge_expected": tally.expected * ONE // tally.told if tally.told else 0,
        "edge_realised": tally.realised * ONE // contracts if contracts else 0,
        "hit_rate": tally.wins * ONE // tally.ends if tally.ends else 0,
        "ends": tally.ends,
        "netted_inside": tally.crossed,
    }


def _switched(account: Account, name: str) -> list[str]:
    """What the last command did, and whose it was; [] if it stands as the settings say."""
    switch = account.switches.get(name)
    return [switch.why, switch.by] if switch and switch.by else []


def _arbitrage(manager: "Manager", account: Account, name: str) -> dict[str, Any]:
    """A kind of arbitrage, by its baskets: promised is what the certificates proved."""
    baskets = [life for life in account.baskets.values() if life.begun.strategy == name]
    over = [life for life in baskets if life.over]
    params = manager.params(name)
    budget = manager.desk.gate.budget(name)
    cost = account.stakes.cost_of.get(name, 0)
    used = cost + account.stake_by.get(name, 0)
    won = [life for life in over if life.locked > 0]
    return {
        "name": name,
        "kind": "arbitrage",
        "enabled": manager.enabled(name),
        "switched": _switched(account, name),
        "params": params,
        "capacity": {
            "budget": budget,
            "used": used,
            "free": max(0, budget - used),
            "by_edge": capacity.of_baskets(account, name),
        },
        "baskets": len(baskets),
        "turnover": sum(life.begun.capital for life in over),
        "expected": sum(life.begun.promised for life in over),
        "realised": sum(life.locked for life in over),
        "hit_rate": len(won) * ONE // len(over) if over else 0,
        "cost": cost,
    }


def _unrealised(engine: "Engine", account: Account, name: str) -> int | None:
    """What the bids of now pay for what it holds, less its cost; None where a book is missing."""
    total = 0
    for (who, key, outcome), held in account.stakes.held.items():
        if who != name:
            continue
        if key not in engine.world.instruments or engine.view.stale(key, outcome):
            return None
        left: int = held.qty
        for px, size in engine.view.bids(key, outcome, 50):
            part = min(left, size)
            total += px * part // ONE
            left -= part
        total -= held.cost
    return total


def read_only(settings: Settings, root: Path) -> "Engine":
    """The engine of a record as it stood at its end; nothing is written and nobody is asked."""
    engine = engine_of(settings, accounts=ANY)
    recover(engine, root)
    if engine.trading is not None:
        engine.trading.trader.quoting.manager.begin()  # also what commands had changed
    return engine


def drift(settings: Settings, here: list[dict[str, Any]], other: Path) -> list[dict[str, Any]]:
    """Strategies that both records know, say paper and live: edge per contract here and there."""
    there = {row["name"]: row for row in rows(read_only(settings, other))}
    found = []
    for row in here:
        theirs = there.get(row["name"])
        if theirs is None or row["kind"] != "quoting":
            continue
        if row["contracts"] and theirs["contracts"]:
            names = ("edge_realised", "edge_expected", "hit_rate", "maker_share", "contracts")
            found.append({
                "name": row["name"],
                "here": {name: row[name] for name in names},
                "there": {name: theirs[name] for name in names},
                "drift": row["edge_realised"] - theirs["edge_realised"],
            })  # fmt: skip
    return found


def reload_of(settings: Settings, who: str) -> OperatorAsked:
    """The command that makes a run take its strategies from these settings."""
    plan = msgspec.json.encode(plan_of(settings.strategies), order="deterministic").decode()
    return OperatorAsked(who, "strategies", (plan,))
