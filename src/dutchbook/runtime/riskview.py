"""Answers "risk" and "hedges": reads the running account and its books, and reckons elsewhere.

Reading takes place between two steps of the engine, so that all of it is of one moment, and is
bounded; what is returned does the arithmetic and touches nothing of the engine, so that it can
run in a thread beside it.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from dutchbook.domain.candidate import Outcome, View
from dutchbook.domain.instrument import EventGroup, Instrument
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE
from dutchbook.optimize.joint import Holding, Rule, rules_of
from dutchbook.state.account import Account

if TYPE_CHECKING:
    from dutchbook.risk.var import Part
    from dutchbook.runtime.live import Live

MARKETS_MAX: Final = 400
"""Markets whose books are read for hedges: those held first, then what hangs together with them."""
LEVELS: Final = 10
Later = Callable[[], Any]
"""Work on what was read; it may run in another thread."""


class Held(NamedTuple):
    """What is held, what is known of it, and what it hangs together with."""

    holdings: list[Holding]
    rules: list[Rule]
    reach: list[str]
    titles: dict[str, str]


class Shelf:
    """Offers as they were at one moment; the part of a View that the hedge finder reads."""

    def __init__(self, view: View, markets: Iterable[Instrument]) -> None:
        self._markets = {market.key: market for market in markets}
        self._offers: dict[tuple[str, Outcome], list[tuple[int, int]]] = {}
        for key, market in self._markets.items():
            for outcome in _OUTCOMES:
                if market.status == "open" and not view.stale(key, outcome):
                    self._offers[key, outcome] = list(view.offers(key, outcome, LEVELS))

    def instrument(self, key: str) -> Instrument:
        return self._markets[key]

    def stale(self, key: str, outcome: Outcome) -> str:
        return "" if (key, outcome) in self._offers else "not read"

    def offers(self, key: str, outcome: Outcome, levels: int) -> list[tuple[int, int]]:
        return self._offers[key, outcome][:levels]


_OUTCOMES: Final[tuple[Outcome, ...]] = ("yes", "no")


def risk(live: "Live", account: Account) -> Later:
    """VaR and expected shortfall at 95 and 99 %, the worst case, and each of these by event.

    Of what is held, until it has settled; orders that may still fill are not in it.
    """
    held = holdings_of(live, account)
    chances, unpriced = _chances(live, held)
    equity, seed = account.equity(), live.house.settings.seed

    def reckon() -> dict[str, Any]:
        from dutchbook.risk.var import measure

        found = measure(held.holdings, chances, held.rules, seed=seed)
        return {
            "equity": equity,
            "cost": found.cost,
            "tails": msgspec.to_builtins(found.tails),
            "worst_loss": -found.worst,
            "best_profit": found.best,
            "mean": found.mean,
            "draws": found.draws,
            "unpriced": unpriced,
            "events": [_event(part, held.titles) for part in found.parts],
        }

    return reckon


def hedges(live: "Live", account: Account) -> Later:
    """What to buy so that less can be lost at worst, cheapest per unit first."""
    held = holdings_of(live, account)
    known = live.engine.world.instruments
    shelf = Shelf(live.engine.view, [known[key] for key in held.reach[:MARKETS_MAX]])

    def search() -> list[dict[str, Any]]:
        from dutchbook.risk.hedge import find

        return [
            msgspec.to_builtins(one)
            | {"reduced": one.reduced, "title": held.titles.get(one.covers[0], "")}
            for one in find(held.holdings, held.rules, shelf, LEVELS)
        ]

    return search


def holdings_of(live: "Live", account: Account) -> Held:
    """Every holding with its cost; the claims of venues and approved links on these markets and
    on all that they lead to."""
    world, graph = live.engine.world, live.engine.graph
    holdings = [
        Holding(key, outcome, account.held(key, outcome), account.cost(key, outcome))
        for key, outcome in account.keys_held()
    ]
    links: dict[str, list[Link]] = {}
    for link in graph.approved():
        for member in link.members:
            links.setdefault(member, []).append(link)
    reach = dict.fromkeys(holding.key for holding in holdings)
    queue = list(reach)
    groups: dict[str, EventGroup] = {}
    used: dict[str, Link] = {}
    for key in queue:
        market = world.instruments.get(key)
        group = world.groups.get(market.event) if market else None
        members: list[str] = []
        if group is not None and group.key not in groups:
            groups[group.key] = group
            members += group.members if group.exclusive or group.exhaustive else ()
        for link in links.get(key, ()):
            used[link.id] = link
            members += link.members
        for member in members:
            if member not in reach:
                reach[member] = None
                queue.append(member)
    titles = {}
    for key in reach:
        market = world.instruments.get(key)
        if market is not None:
            group = groups.get(market.event)
            titles[key] = group.title if group else market.title
    rules = rules_of(groups.values(), used.values())
    return Held(holdings, rules, [key for key in reach if key in world.instruments], titles)


def _chances(live: "Live", held: Held) -> tuple[dict[str, int], list[str]]:
    """The mid price of YES of each market held; what was paid where nobody quotes it."""
    view, known = live.engine.view, live.engine.world.instruments
    chances: dict[str, int] = {}
    unpriced: list[str] = []
    for holding in held.holdings:
        key = holding.key
        if key in chances:
            continue
        bids = view.bids(key, "yes", 1) if key in known else []
        asks = view.offers(key, "yes", 1) if key in known else []
        if bids or asks:
            bid, ask = bids[0][0] if bids else 0, asks[0][0] if asks else ONE
            chances[key] = (bid + ask) // 2
            continue
        unpriced.append(key)
        paid = min(max(holding.cost * ONE // holding.qty, 0), ONE)
        chances[key] = paid if holding.outcome == "yes" else ONE - paid
    return chances, unpriced


def _event(part: "Part", titles: dict[str, str]) -> dict[str, Any]:
    """A cluster as a row: its event's title, or those of all that links join."""
    named = dict.fromkeys(titles.get(key) or key for key in part.keys)
    return {
        "event": " + ".join(named),
        "markets": part.keys,
        "states": part.states,
        "cost": part.cost,
        "worst_loss": -part.worst,
        "best_profit": part.best,
        "mean": part.mean,
        "tails": msgspec.to_builtins(part.tails),
        "misfit": part.misfit,
        "loose": part.loose,
    }
