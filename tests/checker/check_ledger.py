"""Holds a run's books against what the exchanges know, with the standard library alone.

python tests/checker/check_ledger.py --books books.json --truth accounts.json [--json]

Nothing of the venue's sums is believed either: cash, positions and fees of the account are worked
out again from its fills, in whole millionths, and must be what both sides say.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

ONE = 1_000_000


def judge(books, truth, owner="us"):
    """The differences as sentences; an empty list if there is none."""
    found = []
    for venue, side in truth.items():
        account = side["owners"][owner]
        orders = {row["id"]: row for row in side["orders"] if row["owner"] == owner}
        found += own_sums(venue, side, account, orders, owner)
        found += against_books(venue, account, orders, books)
    theirs = {(k, o): q for s in truth.values() for k, o, q in s["owners"][owner]["positions"]}
    ours = {(key, outcome): qty for key, outcome, qty in books["positions"] if qty}
    for place in sorted({*theirs, *ours}):
        if theirs.get(place, 0) != ours.get(place, 0):
            found.append(f"{place}: held {ours.get(place, 0)}, venue {theirs.get(place, 0)}")
    return found


def own_sums(venue, side, account, orders, owner):
    """Cash and positions of the account from its deals, one by one."""
    found, cash, fees = [], account["funded"], 0
    held = Counter()
    for deal in side["deals"]:
        for who, fee in (("taker", deal["taker_fee"]), ("maker", deal["maker_fee"])):
            order = orders.get(deal[who])
            if deal[f"{who}_owner"] != owner or order is None or deal["id"] not in order["deals"]:
                continue  # somebody else's, or a trade that failed and was taken back
            px = deal["px"] if order["outcome"] == "yes" else ONE - deal["px"]
            value, rest = divmod(px * deal["qty"], ONE)
            sign = 1 if order["buy"] else -1
            if rest:
                value += order["buy"]
            cash -= sign * value + fee
            fees += fee
            held[deal["key"], order["outcome"]] += sign * deal["qty"]
    if venue == "kalshi":  # one position a market: pairs are a dollar each
        for key in {key for key, _ in held}:
            pairs = min(held[key, "yes"], held[key, "no"])
            held[key, "yes"] -= pairs
            held[key, "no"] -= pairs
            cash += pairs
    if cash != account["cash"]:
        found.append(f"{venue}: its fills make {cash}, it says {account['cash']}")
    if fees != account["fees"]:
        found.append(f"{venue}: fees of its fills are {fees}, it says {account['fees']}")
    said = {(key, outcome): qty for key, outcome, qty in account["positions"]}
    made = {place: qty for place, qty in held.items() if qty}
    if said != made:
        found.append(f"{venue}: positions of its fills are {made}, it says {said}")
    return found


def against_books(venue, account, orders, books):
    """Cash, every order and every fill of ours, each once."""
    found = []
    if books["cash"][venue] != account["cash"]:
        found.append(f"{venue}: cash {books['cash'][venue]}, venue {account['cash']}")
    ours = [row for row in books["orders"] if row["venue"] == venue]
    named = Counter(row["venue_order"] for row in ours if row["venue_order"])
    found += [
        f"{venue}: {name} belongs to {n} orders of ours" for name, n in named.items() if n > 1
    ]
    clients = Counter(row["client"] for row in orders.values() if row["client"])
    found += [f"{venue}: {name} was placed {n} times" for name, n in clients.items() if n > 1]
    mine = {row["venue_order"]: row for row in ours if row["venue_order"]}
    for name, row in orders.items():
        known = mine.get(name)
        if known is None:
            found.append(f"{venue}: order {name} is in no book of ours")
        elif (known["filled"], known["fees"]) != (row["filled"], row["fees"]):
            found.append(f"{venue}: order {known['id']} differs: {known} {row}")
    fills = Counter((row["trade"], row["order"]) for row in books["fills"] if row["venue"] == venue)
    found += [f"{venue}: fill {name} counted {n} times" for name, n in fills.items() if n > 1]
    total = sum(len(row["deals"]) for row in orders.values())
    if sum(fills.values()) != total:
        found.append(f"{venue}: {sum(fills.values())} fills in our books, {total} at the venue")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--books", required=True, type=Path)
    parser.add_argument("--truth", required=True, type=Path)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = judge(json.loads(args.books.read_text()), json.loads(args.truth.read_text()))
    if args.json:
        print(json.dumps({"equal": not found, "differences": found}))
    else:
        print("\n".join(found) or "equal, to the last millionth")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
