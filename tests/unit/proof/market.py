"""A small world for the tests of arbitrage: markets with ladders per outcome, and a catalogue."""

from dutchbook.domain.candidate import Candidate, Outcome
from dutchbook.domain.instrument import CENT, MILL, EventGroup, FeeSchedule, Instrument
from dutchbook.domain.relations import Link
from dutchbook.domain.units import DAY, ONE
from dutchbook.optimize.prove import certificate_json, prove
from dutchbook.optimize.walk import Basket, Limits, evaluate

NOW = 1_700_000_000_000_000_000
KALSHI = FeeSchedule("kalshi", taker=70_000, maker=17_500, precision=10_000)
POLY = FeeSchedule("polymarket", taker=40_000)
FREE = FeeSchedule("none")
A, B = "kalshi:FED-MAR", "polymarket:0xfed"


def market(key, **fields):
    """An open market; its venue is the key's, its fees are that venue's."""
    venue, symbol = key.split(":")
    fields = {
        "event": f"{venue}:E",
        "title": f"Does {symbol} happen?",
        "outcome": symbol,
        "grid": CENT,
        "fees": KALSHI if venue == "kalshi" else POLY,
        "tokens": () if venue == "kalshi" else ("1", "2"),
        "closes": NOW + 30 * DAY,
    } | fields
    return Instrument(key=key, venue=venue, symbol=symbol, **fields)


class World:
    """A View and a Catalogue over plain dicts: offers[(key, outcome)] = [(px, size), ...]."""

    def __init__(self, markets, offers=(), groups=(), links=(), stale=()):
        self.markets = {m.key: m for m in markets}
        self.ladders = dict(offers)
        self._groups, self._links, self._stale = list(groups), list(links), dict(stale)
        self.now, self.seq, self.run = NOW, 77, "r1"

    def instrument(self, key):
        return self.markets[key]

    def stale(self, key, outcome):
        return self._stale.get((key, outcome), "")

    def best(self, key, outcome):
        ladder = self.ladders.get((key, outcome))
        return ladder[0] if ladder else (ONE, 0)

    def offers(self, key, outcome, levels):
        return list(self.ladders.get((key, outcome), ()))[:levels]

    def book(self, key, outcome):
        return (int(outcome == "no" and not key.startswith("kalshi")), 5, 70)

    def instruments(self):
        return list(self.markets.values())

    def groups(self):
        return self._groups

    def approved(self):
        return self._links


def cents(*levels):
    """((44, 100), ...) in cents and contracts as a ladder in millionths."""
    return [(px * 10_000, qty * ONE) for px, qty in levels]


def same(*members, kind="same", confidence=990_000):
    return Link("l1", kind, members or (A, B), 3, "same question", confidence)


def basket(candidate: Candidate, world: World, **limits) -> Basket:
    found = evaluate(candidate, world, Limits(**limits))
    assert isinstance(found, Basket), found
    return found


def document(candidate, world, **limits):
    return certificate_json(prove(basket(candidate, world, **limits), world))


def pair(kind, legs, link=None, payout=ONE, group=None):
    links = (link,) if link else ()
    return Candidate(f"{kind}:x", kind, tuple(legs), payout, links, group)


def kinds():
    """One certificate document of every kind, on and across both venues, bundles by all means."""
    found = {}
    for key in (A, B):
        offers = {(key, "yes"): cents((40, 50), (41, 30)), (key, "no"): cents((50, 70))}
        legs = ((key, "yes"), (key, "no"))
        found[f"complement {key}"] = document(
            pair("complement", legs), World([market(key)], offers)
        )
    yes: Outcome = "yes"
    for kind, ends in (("same", (yes, "no")), ("opposite", (yes, yes)), ("opposite", ("no", "no"))):
        offers = {(A, ends[0]): cents((40, 50), (42, 30)), (B, ends[1]): cents((50, 20), (51, 40))}
        world = World([market(A), market(B, settles=NOW + 40 * DAY)], offers)
        legs = ((A, ends[0]), (B, ends[1]))
        found[f"{kind} {ends}"] = document(pair("cross_venue", legs, same(kind=kind)), world)
    for a, b in ((A, B), (A, A + "2"), (B, B + "2")):
        offers = {(a, "no"): cents((30, 50)), (b, "yes"): cents((60, 20), (61, 40))}
        legs = ((a, "no"), (b, "yes"))
        link = same(a, b, kind="implies")
        world = World([market(a, closes=NOW + DAY), market(b, closes=0)], offers)
        found[f"implies {a} {b}"] = document(pair("implication", legs, link), world)
    odd = {(A, "yes"): [(413_000, 12_340_000)], (B, "no"): [(487_000, 9_870_000)]}
    world = World([market(A, grid=MILL), market(B, grid=MILL)], odd)
    found["odd sizes"] = document(pair("cross_venue", ((A, "yes"), (B, "no")), same()), world)
    for side, claims in (("yes", ()), ("no", ()), ("yes", ("exhaustive",)), ("no", ("exclusive",))):
        found[f"bundle {side} {claims}"] = bundle(side, claims)
    return found


def bundle(side, claims=(), prices=None):
    keys = [f"polymarket:0x{name}" for name in "abc"]
    prices = prices or ((20, 25, 30) if side == "yes" else (60, 65, 63))
    offers = {(k, side): cents((px, 40), (px + 1, 5)) for k, px in zip(keys, prices, strict=True)}
    said = {"exclusive": True, "exhaustive": True} | dict.fromkeys(claims, False)
    group = EventGroup("polymarket:who", "polymarket", "Who?", tuple(keys), **said)
    links = tuple(Link(f"l-{c}", c, tuple(keys), 1, "a person read it") for c in claims)
    payout = ONE if side == "yes" else 2 * ONE
    legs = tuple((k, side) for k in keys)
    candidate = Candidate(f"bundle_{side}:x", f"bundle_{side}", legs, payout, links, group)
    return document(candidate, World([market(k) for k in keys], offers))
