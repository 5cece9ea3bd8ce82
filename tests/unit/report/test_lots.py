"""FIFO lots from ledger rows: they sum to the ledger whatever happened; tax forms keep the sums."""

import csv
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.units import DAY, ONE, SECOND, micros
from dutchbook.report import export, lots, tax
from dutchbook.state.ledger import Ledger
from report_story import BEGAN

KEY = "kalshi:A"
POLY = "polymarket:B"


def rows_of(ledger):
    """Ledger rows as the table has them."""
    found, n, last = [], 0, 0
    for entry in ledger.drain():
        n = 0 if entry.seq != last else n
        last = entry.seq
        for posting in entry.postings:
            found.append(
                {"seq": entry.seq, "n": n, "at": entry.at, "what": entry.what, "ref": entry.ref,
                 "account": posting.account, "asset": posting.asset, "amount": posting.amount}
            )  # fmt: skip
            n += 1
    return found


def inventory(rows):
    return sum(row["amount"] for row in rows if row["account"].startswith("inventory:"))


class Teller:
    """Books things one after another, a second apart."""

    def __init__(self):
        self.ledger = Ledger()
        self.n = 0

    def next(self):
        self.n += 1
        self.ledger.seq, self.ledger.at = self.n, BEGAN + self.n * SECOND
        return f"ref{self.n}"

    def buy(self, key, outcome, qty, cost, fee=0):
        venue = key.partition(":")[0]
        return self.ledger.bought(venue, key, outcome, qty, cost, fee, self.next())

    def sell(self, key, outcome, qty, value, fee=0):
        venue = key.partition(":")[0]
        return self.ledger.sold(venue, key, outcome, qty, value, fee, self.next())


def test_first_in_first_out():
    """10 at 40¢ and 10 at 60¢, 15 sold at 70¢: 10 gain 30¢ each, 5 gain 10¢; the rest cost $3."""
    teller = Teller()
    teller.buy(KEY, "yes", 10 * ONE, 4 * ONE)
    teller.buy(KEY, "yes", 10 * ONE, 6 * ONE)
    teller.sell(KEY, "yes", 15 * ONE, 10_500_000)
    rows = rows_of(teller.ledger)
    found = lots.fold(rows)
    assert [(d.qty, d.proceeds, d.cost, d.gain, d.bought_ref) for d in found.disposals] == [
        (10 * ONE, 7 * ONE, 4 * ONE, 3 * ONE, "ref1"),
        (5 * ONE, 3_500_000, 3 * ONE, 500_000, "ref2"),
    ]
    assert found.cost() == 3 * ONE and found.tie(inventory(rows)) == 0


def test_a_pair_and_a_settlement_part_their_money():
    """A pair made cash is parted by cost; a settlement pays the side that won."""
    teller = Teller()
    teller.buy(KEY, "yes", 10 * ONE, 3 * ONE)
    teller.buy(KEY, "no", 10 * ONE, 6 * ONE)
    teller.ledger.paired("net", "kalshi", KEY, 10 * ONE, 10 * ONE, teller.next())
    teller.buy(POLY, "yes", 7 * ONE, 2 * ONE)
    teller.buy(POLY, "no", 9 * ONE, 5 * ONE)
    ref = teller.next()
    teller.ledger.settled("settle", "polymarket", POLY, 7 * ONE, 9 * ONE, 9 * ONE, 0, ref)
    rows = rows_of(teller.ledger)
    found = lots.fold(rows)
    got = {(d.asset, d.what): (d.proceeds, d.gain) for d in found.disposals}
    assert got[f"{KEY}|no", "net"][0] + got[f"{KEY}|yes", "net"][0] == 10 * ONE
    assert got[f"{KEY}|no", "net"][0] == 10 * ONE * 6 // 9
    assert got[f"{POLY}|yes", "settle"] == (0, -2 * ONE)
    assert got[f"{POLY}|no", "settle"] == (9 * ONE, 4 * ONE)
    assert found.cost() == 0 and found.tie(inventory(rows)) == 0
    assert sum(d.gain for d in found.disposals) == found.profit == 3 * ONE


def test_a_voided_fill_never_was():
    teller = Teller()
    teller.buy(POLY, "yes", 5 * ONE, 2 * ONE)
    entry = teller.buy(POLY, "yes", 5 * ONE, 3 * ONE, 10_000)
    teller.next()
    teller.ledger.reverse("void", "polymarket:x", entry.postings)
    teller.sell(POLY, "yes", 5 * ONE, 4 * ONE)
    rows = rows_of(teller.ledger)
    found = lots.fold(rows)
    assert [(d.cost, d.gain) for d in found.disposals] == [(2 * ONE, 2 * ONE)]
    assert len(found.bought) == 1 and found.tie(inventory(rows)) == 0


def test_taking_back_what_never_was_is_refused():
    teller = Teller()
    entry = teller.buy(POLY, "yes", ONE, ONE)
    teller.ledger.drain()
    teller.next()
    teller.ledger.reverse("void", "polymarket:x", entry.postings)
    with pytest.raises(lots.LotError, match="takes nothing back"):
        lots.fold(rows_of(teller.ledger))


def test_an_account_left_behind_is_no_gain():
    teller = Teller()
    teller.ledger.moved("transfer", "kalshi", 100 * ONE, teller.next())
    teller.buy(KEY, "yes", 5 * ONE, 2 * ONE)
    teller.next()
    teller.ledger.close("kalshi", "another account")
    rows = rows_of(teller.ledger)
    found = lots.fold(rows)
    assert found.disposals == [] and found.cost() == 0 and found.tie(inventory(rows)) == 0


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "pair", "settle", "rebate", "split", "found"]),
        st.sampled_from(["yes", "no"]), st.integers(1, 50), st.integers(0, 999_999),
        st.integers(0, 20_000),
    ),
    max_size=30,
)  # fmt: skip


def act(teller, move):
    """Carry a move out as far as holdings allow."""
    what, outcome, size, price, fee = move
    ledger, qty = teller.ledger, size * 10_000
    yes, no = ledger.held(POLY, "yes"), ledger.held(POLY, "no")
    held = yes if outcome == "yes" else no
    if what == "buy":
        teller.buy(POLY, outcome, qty, qty * price // ONE, fee)
    elif what == "sell" and held:
        qty = min(qty, held)
        teller.sell(POLY, outcome, qty, qty * price // ONE, fee)
    elif what == "pair" and min(yes, no):
        qty = min(qty, yes, no)
        ledger.paired("merge", "polymarket", POLY, qty, qty, teller.next())
    elif what == "settle" and (yes or no):
        cash = yes if outcome == "yes" else no
        ledger.settled("redeem", "polymarket", POLY, yes, no, cash, 0, teller.next())
    elif what == "rebate":
        ledger.earned("rebate", "polymarket", price, teller.next())
    elif what == "split":
        ledger.paired("split", "polymarket", POLY, -qty, -qty, teller.next())
    elif what == "found":
        ledger.found(POLY, outcome, qty, teller.next())


@settings(max_examples=150)
@given(MOVES)
def test_lots_sum_to_the_ledger_whatever_happened(moves):
    teller = Teller()
    for move in moves:
        act(teller, move)
    held = {o: teller.ledger.held(POLY, o) for o in ("yes", "no")}
    rows = rows_of(teller.ledger)
    found = lots.fold(rows)
    assert found.tie(inventory(rows)) == 0
    for outcome, qty in held.items():
        assert sum(lot.qty for lot in found.open.get(f"{POLY}|{outcome}", [])) == qty
    if not any(held.values()):
        gained = sum(d.gain for d in found.disposals) + sum(i.usd for i in found.income)
        assert gained == found.profit
    assert all(d.acquired_at <= d.at and d.cost >= 0 for d in found.disposals)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 9), st.integers(1, 99)), max_size=25))
def test_fifo_is_that_of_a_queue_of_single_contracts(moves):
    """A naive twin: every contract is its own lot."""
    teller, queue, naive = Teller(), deque(), 0
    for is_buy, n, cents in moves:
        if is_buy:
            teller.buy(KEY, "yes", n * ONE, n * cents * 10_000)
            queue.extend([cents] * n)
        elif queue:
            n = min(n, len(queue))
            teller.sell(KEY, "yes", n * ONE, n * cents * 10_000)
            naive += sum(cents - queue.popleft() for _ in range(n))
    found = lots.fold(rows_of(teller.ledger))
    assert sum(d.gain for d in found.disposals) == naive * 10_000
    assert found.cost() == sum(queue) * 10_000


@pytest.fixture
def sold():
    """Two lots sold at a gain and a loss, one of them held for over a year; a rebate."""
    teller = Teller()
    teller.buy(POLY, "yes", 3 * ONE, 1_000_001, 12_345)
    teller.buy(POLY, "no", 2 * ONE, 1_500_000)
    teller.n += 400 * DAY // SECOND
    teller.sell(POLY, "yes", 3 * ONE, 2_345_678, 9_999)
    teller.buy(POLY, "no", ONE, 999_999)
    teller.sell(POLY, "no", 3 * ONE, 1_234_567)
    teller.ledger.earned("rebate", "polymarket", 77_777, teller.next())
    return lots.fold(rows_of(teller.ledger))


def test_forms_keep_the_sums(sold, tmp_path):
    sums = tax.totals(sold, 0, 0)
    generic = tax.sheet(sold, "generic")
    column = [name for name, _ in generic.columns].index("gain")
    assert sum(row[column] for row in generic.rows) == sums["gain"] + sums["income"]
    assert sums["gain"] + sums["income"] == sold.profit
    terms = [row[[n for n, _ in generic.columns].index("term")] for row in generic.rows]
    assert sorted(terms) == ["income", "long", "long", "short"]
    tracking = tax.sheet(sold, "cointracking").rows
    signed = [micros(row[1] or "0") - micros(row[3] or "0") for row in tracking]
    assert sum(signed) == sums["gain"] + sums["income"]
    form = tax.sheet(sold, "8949")
    for row in form.rows:
        assert micros(row[4]) - micros(row[5]) == micros(row[8])
    cents = sum(micros(row[8]) for row in form.rows)
    assert abs(cents - sums["gain"]) <= 10_000 * len(form.rows)
    assert [row[0] for row in form.rows] == ["II", "II", "I"]
    export.write(form, tmp_path / "f.csv", "csv")
    with (tmp_path / "f.csv").open() as file:
        assert next(csv.reader(file))[1] == "(a) Description of property"
    tracker = tax.sheet(sold, "cointracker").rows
    cash = sum(micros(r[1] or "0") for r in tracker if r[2] == "USD")
    cash -= sum(micros(r[3] or "0") for r in tracker if r[4] == "USD")
    assert cash == sums["gain"] + sums["income"] - sums["open_cost"]


def test_a_span_takes_its_own_disposals_only(sold):
    first = min(d.at for d in sold.disposals)
    early, late = tax.totals(sold, 0, first), tax.totals(sold, first, 0)
    assert early["disposals"] == 0 and late["disposals"] == 3
    assert tax.totals(sold, first, first + 1)["disposals"] == 1


@pytest.mark.parametrize(
    ("bought", "given", "long"),
    [("2026-03-01", "2027-03-01", False), ("2026-03-01", "2027-03-02", True),
     ("2024-02-29", "2025-02-28", False), ("2024-02-29", "2025-03-01", True)],
)  # fmt: skip
def test_long_is_more_than_a_year(bought, given, long):
    at = [export.from_iso(f"{day}T12:00:00.000000000Z") for day in (bought, given)]
    one = lots.Disposal(at[1], at[0], "v", "a|yes", ONE, 1, 1, "sell", "", "")
    assert tax.is_long(one) is long
