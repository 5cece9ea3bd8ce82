"""Asks the pretend exchanges for the truth at the end of a run, and holds our books against it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dutchbook.domain.errors import DutchbookError
from dutchbook.io.http import Network
from dutchbook.io.signer import read_secret
from dutchbook.runtime.feeds import Addresses
from dutchbook.runtime.reckoning import books_of, trading_summary
from dutchbook.venues.base import Call

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live

OURS, THEIRS = "books.json", "accounts.json"


async def settle_up(live: "Live", at: Addresses) -> dict[str, Any]:
    """What the run traded, and whether its ledger equals the venues' to the last millionth.

    Both sides are written beside the other logs, for a checker that trusts neither.
    """
    trading = live.engine.trading
    if trading is None or at.control is None:
        return {}
    truth = await _truth(at)
    books = books_of(trading.account, list(live.drivers))
    folder = Path(at.truth).parent
    await asyncio.to_thread(_write, folder / OURS, books)
    await asyncio.to_thread(_write, folder / THEIRS, truth)
    differences = compare(books, truth)
    return trading_summary(live) | {
        "ledger_equals_venue": not differences,
        "ledger_differences": differences[:20],
    }


async def _truth(at: Addresses) -> dict[str, Any]:
    assert at.control is not None
    token = read_secret(Path(at.control.token_file)).reveal().decode()
    network = Network()
    try:
        call = Call("truth", "GET", f"{at.control.url}/control/truth")
        reply = await network.call(call, {"Authorization": f"Bearer {token}"})
    finally:
        await network.close()
    if reply.status != 200:
        raise DutchbookError(f"the exchanges' control door answered {reply.status}")
    found: dict[str, Any] = msgspec.json.decode(reply.body)
    return found


def _write(path: Path, value: Any) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value)) + b"\n")


def compare(books: dict[str, Any], truth: dict[str, Any], owner: str = "us") -> list[str]:
    """Every difference in cash, positions, orders, fills and fees; [] if there is none."""
    found: list[str] = []
    positions = {(key, outcome): qty for key, outcome, qty in books["positions"] if qty}
    theirs: dict[tuple[str, str], int] = {}
    for venue, side in truth.items():
        if venue not in books["cash"]:
            continue
        account = side["owners"].get(owner)
        if account is None:
            found.append(f"{venue}: no account {owner}")
            continue
        if account["cash"] != books["cash"][venue]:
            found.append(f"{venue} cash: ours {books['cash'][venue]}, theirs {account['cash']}")
        theirs |= {(key, outcome): qty for key, outcome, qty in account["positions"]}
        found += _orders(venue, side, books, owner)
    for place in sorted({*positions, *theirs}):
        ours, its = positions.get(place, 0), theirs.get(place, 0)
        if ours != its:
            found.append(f"position {place[0]} {place[1]}: ours {ours}, theirs {its}")
    return found


def _orders(venue: str, side: dict[str, Any], books: dict[str, Any], owner: str) -> list[str]:
    """Each of the venue's orders is one of ours with the same fills and fees, and none twice."""
    found: list[str] = []
    ours = {row["venue_order"]: row for row in books["orders"] if row["venue"] == venue}
    for row in side["orders"]:
        if row["owner"] != owner:
            continue
        mine = ours.pop(row["id"], None)
        if mine is None:
            found.append(f"{venue} order {row['id']} is unknown to us")
        elif (mine["filled"], mine["fees"]) != (row["filled"], row["fees"]):
            pairs = f"filled {mine['filled']}/{row['filled']} fees {mine['fees']}/{row['fees']}"
            found.append(f"{venue} order {mine['id']}: {pairs}")
    found += [
        f"{venue} order {row['id']} is unknown to the venue"
        for name, row in ours.items()
        if name and row["filled"]
    ]
    return found
