"""Judges portfolios of the optimiser from outside: were they on offer, and can they lose?"""

from check_money import order_cost

LOOK = 2_000_000_000
STATES = 200_000


class Portfolio:
    """An opportunity that nobody planted; `offered` once all its fills stood on the wire."""

    def __init__(self, opp):
        self.opp = opp
        self.keys = {leg["market"] for leg in opp["legs"]}
        self.offered = self.looked = False

    def look(self, books, t):
        """Look at the books as they are from `t` on, within the seconds before it was opened."""
        near = self.opp["at"] - LOOK <= t <= self.opp["at"]
        if self.offered or not near or (self.looked and not self.keys & books.touched):
            return
        self.looked = True
        said = ("yes", "no")
        ladders = [(leg, books.offers(leg["market"], said.index(leg["outcome"])))
                   for leg in self.opp["legs"]]  # fmt: skip
        self.offered = all(
            ladder.get(px, 0) >= qty for leg, ladder in ladders for px, qty in leg["fills"]
        )

    def why(self, markets, relations):
        """What is wrong with it; "" if it stands."""
        if not self.offered:
            return "its fills were not on offer"
        cost = sum(order_cost(markets[leg["market"]], leg["fills"]) for leg in self.opp["legs"])
        rules = [relations.get(name) for name in self.opp["links"]]
        rules += [next((r for r in relations.values() if r[0] == kind and set(r[1]) == set(keys)),
                       None) for kind, keys in self.opp["groups"]]  # fmt: skip
        if None in rules:
            return "a link or an event that it rests on is not true"
        worst = least(self.opp["legs"], rules)
        if worst is None:
            return "it has too many end states to count them here"
        return "" if worst - cost >= self.opp["proved"] > 0 else f"it costs {cost}, pays {worst}"


def least(legs, rules):
    """The worst that the legs pay over all end states that the rules allow, state by state."""
    keys = list(dict.fromkeys([key for _, members in rules for key in members]
                              + [leg["market"] for leg in legs]))  # fmt: skip
    states = [{}]
    for key in keys:
        states = [state | {key: yes} for state in states for yes in (0, 1)]
        states = [state for state in states if all(may(rule, state) for rule in rules)]
        if len(states) > STATES:
            return None
    pays = (sum(leg["qty"] for leg in legs if s[leg["market"]] == (leg["outcome"] == "yes"))
            for s in states)  # fmt: skip
    return min(pays, default=0)


def may(rule, state):
    """Whether a beginning of an end state can still obey a rule."""
    kind, members = rule
    known = [state[key] for key in members if key in state]
    if kind == "exclusive":
        return sum(known) <= 1
    if kind == "exhaustive":
        return len(known) < len(members) or any(known)
    if len(known) < len(members):
        return True
    first, second = known
    return {"same": first == second, "opposite": first != second}.get(kind, first <= second)
