"""Judges a run from outside: wire log and truth against the opportunities that it reported.

python tests/checker/check.py --wire wire.jsonl --truth truth.jsonl --opps opps.jsonl [--json]
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from check_books import Delivered
from check_money import ONE, pays_at_all
from check_portfolios import Portfolio

SECOND = 1_000_000_000
LEAST = 5 * ONE


class Plant:
    """A line of the truth, and the stretches in which the client could have seen it."""

    def __init__(self, line):
        self.id = line["id"]
        self.miss = line["near_miss"]
        self.payout = line["payout"]
        self.legs = [(leg["market"], 0 if leg["outcome"] == "yes" else 1) for leg in line["legs"]]
        self.set = frozenset(self.legs)
        self.keys = {key for key, _ in self.legs}
        self.start, self.end = line["start"], line["until"]
        self.ended = False
        self.collateral = [
            frozenset((key, 0 if said == "yes" else 1) for key, said in legs)
            for legs in line["collateral"]
        ]
        self.stretches = []
        self.last_delivered = 0
        self.pays = False
        self.good_since = None
        self.good_until = 0

    def look(self, books, t, threshold, changed):
        """Note whether the plant can be seen from `t` on; `changed`: its books may be others."""
        self.settle(t)
        if changed:
            legs = [(books.markets[key], books.offers(key, n)) for key, n in self.legs]
            self.pays = pays_at_all(legs, self.payout, LEAST, threshold)
        if self.pays:
            self.last_delivered = t
        until = min(books.fresh_until(key, n, t) for key, n in self.legs) if self.pays else 0
        if until and self.good_since is None:
            self.good_since = t
        elif not until:
            self.close(t)
        self.good_until = until

    def settle(self, t):
        """End the stretch where freshness ran out by itself before `t`."""
        if self.good_since is not None and self.good_until < t:
            self.close(self.good_until)

    def close(self, t):
        if self.good_since is not None:
            self.stretches.append((self.good_since, t))
            self.good_since = None

    def visible(self, since, until):
        return any(min(b, until) - max(a, since) >= SECOND for a, b in self.stretches)

    def holds(self, t):
        """Whether an opportunity opened at `t` is this plant's."""
        return self.start <= t <= max(self.end, self.last_delivered) + SECOND


def lines(path):
    """The JSON objects of a file; an unfinished last line is left out."""
    found = []
    with open(path, encoding="utf-8") as file:
        for text in file:
            if text.endswith("\n"):
                found.append(json.loads(text))
    return found


def read_truth(rows):
    """(threshold, markets by key, plants in order)."""
    threshold, markets, plants = 20_000, {}, {}
    for row in rows:
        if row["what"] == "header":
            threshold = row["threshold"]
        elif row["what"] == "market":
            markets[row["market"]] = row
        elif row["what"] == "plant":
            plants[row["id"]] = Plant(row)
        elif row["what"] == "end" and row["id"] in plants:
            plants[row["id"]].end = row["at"]
    return threshold, markets, list(plants.values())


def deliver(wire, markets, plants, threshold, portfolios=()):
    """Replay the wire; every plant learns when it could be seen. Returns the books at the end."""
    books = Delivered(markets)
    watched = [plant for plant in plants if plant.miss in (None, "stale")]
    coming = sorted(watched, key=lambda plant: plant.start, reverse=True)
    live = []
    for line in wire:
        t = line["t"]
        while coming and coming[-1].start <= t:
            live.append(coming.pop())
            live[-1].look(books, live[-1].start, threshold, True)
        for one in portfolios:
            one.look(books, t)  # what stood until now
        books.feed(line)
        for one in portfolios:
            one.look(books, t)
        for plant in list(live):
            changed = bool(plant.keys & books.touched)
            if changed or (plant.pays and plant.good_until < t + 8 * SECOND):
                plant.look(books, t, threshold, changed)
            if t > plant.end and (not plant.pays or t > plant.end + 30 * SECOND):
                plant.close(t)
                live.remove(plant)
    for plant in live:
        plant.close(wire[-1]["t"] if wire else 0)
    return books


def judge(wire, truth, opps, since=None, until=None):
    """The counts of a run, as one dict; `problems` names each missed plant and false find."""
    threshold, markets, plants = read_truth(truth)
    wire = [line for line in wire if until is None or line["t"] <= until]
    if since is None:  # before the first connection there was nothing to see
        since = next((line["t"] for line in wire if "conn" in line), 0)
    until = until if until is not None else (wire[-1]["t"] if wire else 0)
    joint = [Portfolio(o) for o in opps if o.get("kind") == "combinatorial"]
    books = deliver(wire, markets, plants, threshold, joint)
    relations = {r["id"]: (r["kind"], r["members"]) for r in truth
                 if r["what"] == "relation" and r["true"] and r["approved"]}  # fmt: skip
    lost = [(one.opp, why) for one in joint if (why := one.why(markets, relations))]
    true = [plant for plant in plants if plant.miss is None]
    finds = [(opp, _legs(opp)) for opp in opps if since <= opp["opened_at"]]
    # A plant that was found and taken at once could not be seen for a whole second any more.
    seen = [plant for plant in true if plant.visible(since, until) or _found(plant, finds)]
    stood = [p for p in true if min(p.end, until) - max(p.start, since) >= SECOND]
    missed = [plant for plant in seen if not _found(plant, finds)]
    # Nobody plants portfolios of the optimiser: those are checked by themselves.
    named = [(opp, legs) for opp, legs in finds if opp.get("kind") != "combinatorial"]
    false = [(opp, legs) for opp, legs in named if not _excused(opp, legs, plants)]
    obscured = [plant for plant in stood if plant not in seen]
    return {
        "planted_visible": len(seen),
        "planted_found": len(seen) - len(missed),
        "planted_obscured": len(obscured),
        "obscured_but_found": sum(_found(plant, finds) for plant in obscured),
        "false_opportunities": len(false) + len(lost),
        **books.counts,
        "frames": {name: conn.frames for name, conn in books.conns.items()},
        "opportunities": len(finds),
        "problems": [f"missed {p.id}: {_say(p.legs)}" for p in missed]
        + [f"false {opp['id']}: {_why(opp, legs, plants)}" for opp, legs in false]
        + [f"false {opp['id']}: {why}" for opp, why in lost],
    }


def _legs(opp):
    return frozenset((leg["market"], 0 if leg["outcome"] == "yes" else 1) for leg in opp["legs"])


def _found(plant, finds):
    return any(
        legs == plant.set
        and opp["opened_at"] <= max(plant.end, plant.last_delivered) + SECOND
        and (opp["closed_at"] is None or opp["closed_at"] >= plant.start)
        for opp, legs in finds
    )


def _excused(opp, legs, plants):
    """Whether a plant, or what one brought about, stood when the opportunity was opened."""
    at = opp["opened_at"]
    for plant in plants:
        if not plant.holds(at):
            continue
        if plant.miss is None and (legs == plant.set or legs in plant.collateral):
            return True
        # The client can't know of a pause whose message it was never sent.
        seen = any(a <= at <= b for a, b in plant.stretches)
        if plant.miss == "stale" and legs == plant.set and seen:
            return True
    return False


def _why(opp, legs, plants):
    near = [p for p in plants if p.set == legs]
    told = f"decoy {near[-1].id} ({near[-1].miss})" if near and near[-1].miss else "no such plant"
    return f"{opp.get('kind')} {_say(sorted(legs))} opened {opp['opened_at']}: {told}"


def _say(legs):
    return " + ".join(f"{('YES', 'NO')[n]} {key}" for key, n in list(legs)[:4])


def main(argv=None):
    """0 if every visible plant was found and nothing false was reported, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("wire", "truth", "opps"):
        parser.add_argument(f"--{name}", required=True, type=Path)
    parser.add_argument("--since", type=int, help="ns; leave out what came before")
    parser.add_argument("--until", type=int, help="ns; leave out what came after")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args(argv)
    found = judge(lines(args.wire), lines(args.truth), lines(args.opps), args.since, args.until)
    if args.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:22} {value}")
    return 0 if not found["problems"] else 1


if __name__ == "__main__":
    sys.exit(main())
