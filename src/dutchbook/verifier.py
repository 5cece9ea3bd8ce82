"""Checks a certificate from scratch: standard library only, knows nothing of who wrote it."""

import hashlib
import json
import re
from itertools import pairwise, product
from typing import Any

ONE, HALF = 1_000_000, 500_000
LABEL = {ONE: "YES", 0: "NO", HALF: "50/50"}
HOUR, DAY = 3_600 * 10**9, 86_400 * 10**9
INPUTS = "schema kind$ legs@ qty links@ group@ fill_chance at seq run$"
FORMS = {  # fields; $ text, ? yes or no, @ looked at elsewhere, - may be negative, else whole >= 0
    "certificate": INPUTS + " capital states@ proved- residual@ residual_worst- edge- payout "
    "annualised- lockup confidence checksum$ inputs$",
    "leg": "instrument$ outcome$ token qty fills@ total fees@ grid@ lot size_min cost_min settles "
    "book_version book_seq",
    "fees": "kind$ taker maker exponent precision",
    "fill": "px qty cost fee",
    "band": "start end step",
    "proof": "link@ fingerprint$",
    "link": "id$ kind$ members@ version evidence$ confidence source$",
    "state": "name$ yes_pays@ payoff profit-",
    "group": "key$ venue$ title$ members@ exclusive? exhaustive? why$",
}
RULES = {  # kind and kinds of links -> outcomes of the legs, (first, second) ends in common
    "complement": (["yes+no"], []),
    "cross_venue+same": (["yes+no", "no+yes"], [(ONE, ONE), (0, 0)]),
    "cross_venue+opposite": (["yes+yes", "no+no"], [(ONE, 0), (0, ONE)]),
    "implication+implies": (["no+yes"], [(ONE, ONE), (0, ONE), (0, 0)]),
}
Ends = list[tuple[str, dict[str, int]]]


def verify(document: Any) -> list[str]:
    """What is wrong with a certificate, in words; an empty list means that it is proved."""
    try:
        checks = (_digests, _basis, _states, _sums)
        return _form(document) or [problem for check in checks for problem in check(document)]
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
        return [f"malformed: {type(error).__name__}: {error}"]


def digest(data: Any) -> str:
    """SHA-256 of canonical JSON: sorted keys, no spaces, ASCII."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _form(c: Any) -> list[str]:
    """Exactly the fields there should be, each of its type."""
    bad = fields("certificate", c)
    parts = [("state", state) for state in c["states"] + c["residual"]]
    parts += [("group", c["group"])] if c["group"] is not None else []
    for proof in c["links"]:
        parts += [("proof", proof), ("link", proof["link"])]
    for leg in c["legs"]:
        parts += [("leg", leg), ("fees", leg["fees"])]
        parts += [("fill", f) for f in leg["fills"]] + [("band", b) for b in leg["grid"]]
        bad += [] if 0 < leg["fees"]["exponent"] <= 8 else ["fees: exponent is not 1 to 8"]
    return bad + [problem for what, part in parts for problem in fields(what, part)]


def fields(what: str, data: Any, text: str = "") -> list[str]:
    form = {name.rstrip("$?@-"): name[-1] for name in (text or FORMS[what]).split()}
    if not isinstance(data, dict) or set(data) != set(form):
        return [f"{what}: the fields are not those of schema 1"]
    types = {"$": str, "?": bool, "@": object}
    good = {name: isinstance(data[name], types.get(mark, int)) for name, mark in form.items()}
    for name in [name for name, mark in form.items() if mark not in types]:
        good[name] = type(data[name]) is int and (data[name] >= 0 or form[name] == "-")
    return [f"{what}: {name} is not of its type" for name in form if not good[name]]


def _digests(c: Any) -> list[str]:
    wanted = [("checksum", c["checksum"], {k: v for k, v in c.items() if k != "checksum"})]
    wanted += [("inputs", c["inputs"], {n: c[n] for n in c if n in re.split(r"\W+", INPUTS)})]
    wanted += [("fingerprint of a link", p["fingerprint"], p["link"]) for p in c["links"]]
    return [f"{what} does not fit the content" for what, d, data in wanted if d != digest(data)]


def _fee(fees: Any, px: int, qty: int) -> int:
    """Kalshi: rate x C x P x (1-P) up to a millionth; Polymarket: to five decimals, half up."""
    if fees["kind"] == "none" or fees["taker"] == 0:
        return 0
    if fees["kind"] == "kalshi":
        return -int(-fees["taker"] * qty * px * (ONE - px) // ONE**3)
    unit: int = 10 * ONE ** (1 + 2 * fees["exponent"])
    exact: int = fees["taker"] * qty * (px * (ONE - px)) ** fees["exponent"]
    return 10 * max(1, (2 * exact + unit) // (2 * unit))


def check_leg(leg: Any, qty: int) -> list[str]:
    name, fees, fills, yes = leg["instrument"], leg["fees"], leg["fills"], leg["outcome"] == "yes"
    venue = name.split(":", 1)[0]
    costs = [-(-f["px"] * f["qty"] // ONE) for f in fills]
    sizes = [f["qty"] for f in fills]
    charged = [_fee(fees, f["px"], f["qty"]) for f in fills]
    prices = [f["px"] if yes else ONE - f["px"] for f in fills]
    grid = [range(b["start"], b["end"] + 1, b["step"]) for b in leg["grid"]]
    unit = fees["precision"] or 1
    checks = {
        "token": leg["token"] == (0 if yes or venue == "kalshi" else 1),
        "fee schedule": fees["kind"] in ("none", venue),
        "lot": leg["lot"] > 0 and qty % leg["lot"] == 0 and qty >= leg["size_min"],
        "size": leg["qty"] == qty == sum(sizes) and min(sizes) > 0,
        "order of fills": all(a["px"] < b["px"] for a, b in pairwise(fills)),
        "grid": all(0 < px < ONE and any(px in band for band in grid) for px in prices),
        "cost": [f["cost"] for f in fills] == costs and sum(costs) >= leg["cost_min"],
        "fee": [f["fee"] for f in fills] == charged,
        "total": leg["total"] == -(-(sum(costs) + sum(charged)) // unit) * unit,
    }
    return [f"{name} {leg['outcome']}: {what} is wrong" for what, ok in checks.items() if not ok]


def _basis(c: Any) -> list[str]:
    """Whether links and event are exactly what a basket of this kind rests on."""
    kind, group, keys = c["kind"], c["group"], [leg["instrument"] for leg in c["legs"]]
    outcomes = "+".join(leg["outcome"] for leg in c["legs"])
    kinds = [proof["link"]["kind"] for proof in c["links"]]
    members = [list(proof["link"]["members"]) for proof in c["links"]]
    if kind in ("bundle_yes", "bundle_no"):
        claims = [claim for claim in ("exclusive", "exhaustive") if not group[claim]]
        ok = group["members"] == keys and kinds == claims and {*outcomes.split("+")} == {kind[7:]}
        ok = ok and all(sorted(m) == sorted(keys) for m in members)
    else:
        kinds = kinds[:1] if {*kinds} == {"implies"} else kinds  # a chain may have any number
        ok = outcomes in RULES["+".join([kind, *kinds])][0] and group is None and len(keys) == 2
        if kind == "cross_venue":
            ok = ok and keys[0].split(":")[0] != keys[1].split(":")[0]
            ok = ok and not {*keys} - {*members[0]} and (len(members[0]) == 2 or kinds == ["same"])
        else:  # from the first leg's market to the last one's, and none twice
            path = [m[0] for m in members] + [keys[1]] if members else keys[:1]
            ok = ok and members == [list(step) for step in pairwise(path)] and path[0] == keys[0]
            ok = ok and {keys[1]} <= {*path} and len({*path}) == len(path)
    ok = ok and len({(leg["instrument"], leg["outcome"]) for leg in c["legs"]}) == len(keys) > 1
    return [] if ok else ["legs, links and event do not make a basket of this kind"]


def _ends(c: Any) -> tuple[Ends, Ends]:
    """The end states that there must be: of the common terms, and beside them."""
    keys = [leg["instrument"] for leg in c["legs"]]
    voids = all(key.startswith("polymarket:") for key in keys)
    a, b = keys[:2]
    if c["kind"] == "complement":
        row: Ends = [(f"{a} YES", {a: ONE}), (f"{a} NO", {a: 0}), (f"{a} 50/50", {a: HALF})]
        return row[: 2 + voids], [*row[2 + voids :], (f"{a} last price", {a: 0})]
    if c["kind"].startswith("bundle"):
        only = {x: {k: ONE if k in x else 0 for k in keys} for x in [(), (a, b), *zip(keys)]}
        parted: Ends = [("none YES", only[()]), ("all 50/50", dict.fromkeys(keys, HALF))]
        parted += [(f"{a} and {b} YES", only[a, b])]
        return [(f"{k} alone YES", only[(k,)]) for k in keys], parted
    possible = list(RULES[f"{c['kind']}+{c['links'][0]['link']['kind']}"][1])
    possible += [(HALF, HALF)] if voids and c["kind"] == "implication" else []
    ends: tuple[Ends, Ends] = ([], [])
    for x, y in product(LABEL, LABEL):
        ends[(x, y) not in possible].append((f"{a} {LABEL[x]}, {b} {LABEL[y]}", {a: x, b: y}))
    lost = {leg["instrument"]: 0 if leg["outcome"] == "yes" else ONE for leg in c["legs"]}
    return ends[0], ends[1] + [(f"{k} last price, the other against us", lost) for k in keys]


def _states(c: Any) -> list[str]:
    bad = []
    for what, wanted in zip(("states", "residual"), _ends(c), strict=True):
        full = []
        for name, pays in wanted:
            yes = [(pays[leg["instrument"]], leg["outcome"] == "yes") for leg in c["legs"]]
            payoff = c["qty"] * sum(pay if is_yes else ONE - pay for pay, is_yes in yes) // ONE
            row = {"name": name, "yes_pays": pays, "payoff": payoff}
            full.append(row | {"profit": payoff - c["capital"]})
        if digest(c[what]) != digest(full):
            bad.append(f"{what}: not exactly those that there must be, or a wrong figure in one")
    return bad


def _sums(c: Any) -> list[str]:
    proved = min(state["profit"] for state in c["states"])
    worst = len(c["legs"]) - 1 if c["kind"] == "bundle_no" else 1
    ends = [leg["settles"] - c["at"] if leg["settles"] else 30 * DAY for leg in c["legs"]]
    lockup, chance = max(HOUR, *ends), c["fill_chance"]
    for proof in c["links"]:
        chance = chance * proof["link"]["confidence"] // ONE
    wanted = {
        "schema": 1,
        "capital": sum(leg["total"] for leg in c["legs"]),
        "proved": proved,
        "payout": worst * ONE,
        "residual_worst": min(state["profit"] for state in c["residual"]),
        "edge": proved * ONE // (c["qty"] * worst),
        "lockup": lockup,
        "annualised": proved * ONE * 365 * DAY // (c["capital"] * lockup),
        "confidence": chance,
    }
    bad = [problem for leg in c["legs"] for problem in check_leg(leg, c["qty"])]
    bad += [f"{name} should be {value}" for name, value in wanted.items() if c[name] != value]
    return bad + ([] if proved > 0 else ["the worst end state makes no profit"])
