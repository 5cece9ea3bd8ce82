"""Checks the certificate of a combinatorial portfolio from scratch: standard library only.

The worst case over all joint end states is worked out anew from what the certificate declares:
links, events and inequalities by a dynamic programme over markets, a knock-out by one over games.
"""

from typing import Any

from dutchbook.verifier import ONE, check_leg, digest, fields

KEPT_MAX = 200_000
"""Beside each other in the dynamic programme, at most; beyond this nothing is called proved."""
FORM = (
    "schema kind$ label$ legs@ links@ groups@ claims@ tree@ capital proved- residual_worst- edge- "
    "at seq run$ checksum$"
)
CLAIM = "members@ weights@ least-"
Linear = tuple[list[str], list[int], int]


def verify(document: Any) -> list[str]:
    """What is wrong with a certificate, in words; an empty list means that it is proved."""
    try:
        return _form(document) or _sums(document)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        return [f"malformed: {type(error).__name__}: {error}"]


def _form(c: Any) -> list[str]:
    bad = fields("certificate", c, FORM)
    if bad:
        return bad
    bad += [] if (c["schema"], c["kind"]) == (1, "combinatorial") else ["another kind or schema"]
    bad += [] if c["label"] == "proved" else [f"it is {c['label']}, which is not proved"]
    for leg in c["legs"]:
        bad += fields("leg", leg) + fields("fees", leg["fees"])
        bad += [p for f in leg["fills"] for p in fields("fill", f)]
        bad += [p for b in leg["grid"] for p in fields("band", b)]
        bad += [] if 0 < leg["fees"]["exponent"] <= 8 else ["fees: exponent is not 1 to 8"]
        bad += [] if leg["outcome"] in ("yes", "no") else ["leg: outcome is not yes or no"]
    for proof in c["links"]:
        bad += fields("proof", proof) + fields("link", proof["link"])
        bad += [] if proof["fingerprint"] == digest(proof["link"]) else ["a link was changed"]
    bad += [problem for group in c["groups"] for problem in fields("group", group)]
    bad += [problem for claim in c["claims"] for problem in fields("claim", claim, CLAIM)]
    content = {name: value for name, value in c.items() if name != "checksum"}
    return bad + ([] if c["checksum"] == digest(content) else ["checksum does not fit the content"])


def _sums(c: Any) -> list[str]:
    bad = [problem for leg in c["legs"] for problem in check_leg(leg, leg["qty"])]
    bought = {(leg["instrument"], leg["outcome"]): leg["qty"] for leg in c["legs"]}
    if not bought or len(bought) != len(c["legs"]):
        return [*bad, "each leg is another outcome, and there is at least one"]
    keys = sorted({key for key, _ in bought})
    yes = {key: bought.get((key, "yes"), 0) for key in keys}
    no = {key: bought.get((key, "no"), 0) for key in keys}
    nets = {key: yes[key] - no[key] for key in keys}
    inside = set(c["tree"]["contracts"]) if c["tree"] is not None else set()
    rules = _rules(c)
    if inside & {key for rule in rules for key in rule[0]}:
        return [*bad, "a contract of the tree is also named by a link, an event or a claim"]
    paid = sum(no.values())
    if c["tree"] is not None:
        paid += tree_worst(c["tree"], {key: nets[key] for key in keys if key in inside}) // ONE
    paid += _worst([key for key in keys if key not in inside], rules, nets)
    capital = sum(leg["total"] for leg in c["legs"])
    wanted = {
        "capital": capital,
        "proved": paid - capital,
        "residual_worst": sum(min(yes[key], no[key]) for key in keys) - capital,
        "edge": (paid - capital) * ONE // paid if paid > 0 else 0,
    }
    bad += [f"{name} should be {value}" for name, value in wanted.items() if c[name] != value]
    return bad + ([] if paid > capital else ["the worst end state makes no profit"])


def _rules(c: Any) -> list[Linear]:
    """Links, events and claims as inequalities: sum of weights times outcomes >= least."""
    said = [(proof["link"]["kind"], proof["link"]["members"]) for proof in c["links"]]
    for group in c["groups"]:
        said += [(kind, group["members"]) for kind in ("exclusive", "exhaustive") if group[kind]]
    found: list[Linear] = [(c_["members"], c_["weights"], c_["least"]) for c_ in c["claims"]]
    for kind, named in said:
        members = list(dict.fromkeys(named))
        one = 1 if kind == "exhaustive" else -1
        if kind in ("exclusive", "exhaustive"):
            found.append((members, [one] * len(members), one))
        elif kind == "same":
            found += [([a, b], [1, -1], 0) for a in members[:1] for b in members[1:]]
            found += [([a, b], [-1, 1], 0) for a in members[:1] for b in members[1:]]
        elif len(members) != 2 or kind not in ("opposite", "implies"):
            raise ValueError(f"no link of {len(members)} markets is {kind}")
        elif kind == "implies":
            found.append((members, [-1, 1], 0))
        else:
            found += [(members, [1, 1], 1), (members, [-1, -1], -1)]
    for members, weights, least in found:
        if len(members) != len(set(members)) or len(members) != len(weights) or not members:
            raise ValueError("an inequality has one whole weight for each of its members")
        if any(type(number) is not int for number in [*weights, least]):
            raise ValueError("a weight is not a whole number")
    return found


def _worst(keys: list[str], rules: list[Linear], nets: dict[str, int]) -> int:
    """The least that YES less NO pays over all states that the rules leave.

    Market after market is decided. Of beginnings after which the rules still allow the same, only
    the cheapest counts.
    """
    touching: dict[str, list[int]] = {key: [] for key in keys}
    for n, (members, _, _) in enumerate(rules):
        for key in members:
            touching.setdefault(key, []).append(n)
    order: dict[str, None] = {}
    for first in touching:
        queue = [] if first in order else [first]
        order |= dict.fromkeys(queue)
        for key in queue:
            near = [other for n in touching[key] for other in rules[n][0] if other not in order]
            order |= dict.fromkeys(near)
            queue += dict.fromkeys(near)
    # What of each rule is undecided, and by how much the best that can come still meets it.
    rest = [sum(map(abs, weights)) for _, weights, _ in rules]
    room = [sum(max(w, 0) for w in weights) - least for _, weights, least in rules]
    kept = {tuple(map(min, room, rest)): 0} if min(room, default=0) >= 0 else {}
    for key in order:
        mine = [(n, rules[n][1][rules[n][0].index(key)]) for n in touching[key]]
        for n, weight in mine:
            rest[n] -= abs(weight)
        after: dict[tuple[int, ...], int] = {}
        for before, value in kept.items():
            for bit in (0, 1):
                now = list(before)
                for n, weight in mine:
                    now[n] = min(now[n] - (max(-weight, 0) if bit else max(weight, 0)), rest[n])
                if all(now[n] >= 0 for n, _ in mine):
                    end, total = tuple(now), value + nets.get(key, 0) * bit
                    after[end] = min(total, after.get(end, total))
        kept = after
        if len(kept) > KEPT_MAX:
            raise ValueError("too many joint states to check")
    if not kept:
        raise ValueError("links, events and claims contradict each other")
    return min(kept.values())


def tree_worst(tree: Any, nets: dict[str, int]) -> int:
    """The least that YES less NO pays over all ends of a knock-out, in millionths of millionths.

    A team's worth after a round: its own before, what it is paid for the win, and the cheapest
    rival that it can have beaten.
    """
    count = len(tree["teams"])
    rounds = count.bit_length() - 1
    if count != 1 << rounds or count < 2 or len(set(tree["teams"])) < count:
        raise ValueError("the teams are a power of two, each named once")
    wins = [[0] * count for _ in range(rounds)]
    meets: dict[tuple[int, int], int] = {}
    base = 0
    for key, net in nets.items():
        kind, a, b, *unmet = tree["contracts"][key]
        if type(a) is not int or type(b) is not int or not 0 <= a < count:
            raise ValueError(f"{key}: no such team")
        if kind == "reach" and not unmet and 1 <= b <= rounds:
            wins[b - 1][a] += net * ONE
        elif kind == "beats" and 0 <= b < count and a != b and type(unmet[0]) is int:
            if len(unmet) > 1 or not 0 <= unmet[0] <= ONE:
                raise ValueError(f"{key}: no such payment")
            base += net * unmet[0]
            meets[a, b] = meets.get((a, b), 0) + net * (ONE - unmet[0])
            meets[b, a] = meets.get((b, a), 0) - net * unmet[0]
        else:
            raise ValueError(f"{key}: no such contract")
    worth = [0] * count
    for played in range(rounds):
        size = 1 << played
        after = []
        for team in range(count):
            start = (team // size ^ 1) * size
            foes = range(start, start + size)
            cheapest = min(worth[foe] + meets.get((team, foe), 0) for foe in foes)
            after.append(worth[team] + wins[played][team] + cheapest)
        worth = after
    return base + min(worth)
