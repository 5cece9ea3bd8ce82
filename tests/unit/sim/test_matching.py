"""The pretend exchange's desk against a naive twin; money conserved; the venue's own examples."""

from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.units import ONE, Ns, Usd
from dutchbook.sim.desk import Desk
from dutchbook.sim.matching import Market
from dutchbook.sim.shapes import Change, Trade, Update
from dutchbook.sim.words import Refused, Ticket

FREE = FeeSchedule("none")
KALSHI = FeeSchedule("kalshi", taker=70_000, precision=Usd(10_000))


class Crowd:
    """One market of a venue, with the crowd's levels by (token, side)."""

    def __init__(self, key, fees=FREE, ladders=None):
        self.markets = {key: SimpleNamespace(fees=fees, status="open", exchange_index=0)}
        self._ladders = ladders or {}

    def ladder(self, key, token, side):
        return dict(self._ladders.get((token, side), {}))


def desk(venue="polymarket", **more):
    made = Desk(Crowd(f"{venue}:M", **more), venue)
    for owner in ("a", "b", "c"):
        made.bank.fund(owner, 0, 1_000 * ONE)
        if venue == "polymarket":
            made.bank.owner(owner).held[f"{venue}:M", 0] = 500 * ONE
            made.bank.owner(owner).held[f"{venue}:M", 1] = 500 * ONE
    return made


def ticket(name, owner, outcome, buy, cents, qty, tif="gtc", venue="polymarket", **more):
    return Ticket(
        name, owner, f"{venue}:M", outcome, buy, cents * 10_000, qty * ONE, tif, 1, **more
    )


class Twin:
    """Price-time priority as one would write it first: everything as a bid or offer of YES."""

    def __init__(self):
        self.book = []
        self.deals = []

    def place(self, name, outcome, buy, cents, qty, tif):
        bid = buy == (outcome == 0)
        px = cents if outcome == 0 else 100 - cents
        while qty:
            facing = [o for o in self.book if o[1] != bid and (o[2] <= px if bid else o[2] >= px)]
            if not facing:
                break
            best = min(facing, key=lambda o: (o[2] if bid else -o[2], o[4]))
            part = min(qty, best[3])
            self.deals.append((name, best[0], best[2], part))
            qty -= part
            best[3] -= part
            self.book = [o for o in self.book if o[3]]
        if qty and tif == "gtc":
            self.book.append([name, bid, px, qty, len(self.deals) + 1_000 * int(name[1:])])

    def cancel(self, name):
        self.book = [o for o in self.book if o[0] != name]


ORDERS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 1), st.booleans(), st.integers(40, 60),
        st.integers(1, 9), st.sampled_from(["gtc", "gtc", "ioc"]), st.integers(0, 30),
    ),
    max_size=30,
)  # fmt: skip


@settings(max_examples=150)
@given(ORDERS)
def test_it_matches_as_a_naive_twin_does(orders):
    ours, twin = desk(), Twin()
    before = _wealth(ours)
    for n, (owner, outcome, buy, cents, qty, tif, victim) in enumerate(orders):
        ours.place(ticket(f"o{n}", owner, outcome, buy, cents, qty, tif))
        twin.place(f"o{n}", outcome, buy, cents, qty, tif)
        if victim < n:
            ours.cancel(f"o{victim}", 1)
            twin.cancel(f"o{victim}")
    deals = [(d.taker, d.maker, d.px // 10_000, d.qty // ONE) for d in ours.deals]
    assert deals == twin.deals
    for one in ours.orders.values():
        assert one.filled + one.canceled + one.left == one.ticket.qty
    assert _wealth(ours) == before


def _wealth(made):
    """Cash, and pairs of YES and NO at a dollar: minting and merging move it, never make it."""
    cash = sum(sum(owner.cash.values()) for owner in made.bank.owners.values())
    yes, no = (
        sum(o.held.get(("polymarket:M", side), 0) for o in made.bank.owners.values())
        for side in (0, 1)
    )
    assert yes == no
    return cash + yes


def test_two_purchases_mint_and_two_sales_merge():
    made = desk()
    made.place(ticket("o1", "a", 0, True, 60, 10))
    made.place(ticket("o2", "b", 1, True, 40, 10))
    made.place(ticket("o3", "a", 0, False, 60, 5))
    made.place(ticket("o4", "b", 1, False, 40, 5))
    assert [deal.how for deal in made.deals] == ["mint", "merge"]
    assert made.bank.owner("a").cash[0] == 1_000 * ONE - 6 * ONE + 3 * ONE


def test_post_only_fok_and_self_trade():
    made = desk()
    made.place(ticket("o1", "a", 0, False, 50, 10))
    for wish, code in (
        (ticket("o2", "b", 0, True, 50, 5, post_only=True), "crosses"),
        (ticket("o3", "b", 0, True, 50, 11, "fok"), "killed"),
        (ticket("o1", "b", 0, True, 50, 1), "duplicate"),
        (ticket("o4", "b", 0, False, 50, 600), "funds"),
    ):
        try:
            made.place(wish)
        except Refused as refused:
            assert refused.code == code
        else:
            raise AssertionError(code)
    ended = made.place(ticket("o5", "a", 0, True, 50, 5, self_trade="taker"))
    assert (ended.ended, ended.filled) == ("self_trade", 0)
    kept = made.place(ticket("o6", "a", 0, True, 50, 5, self_trade="maker"))
    assert made.orders["o1"].ended == "self_trade" and kept.left == 5 * ONE


def test_priority_stays_only_where_an_order_merely_shrinks():
    made = desk()
    for name, owner in (("o1", "a"), ("o2", "b")):
        made.place(ticket(name, owner, 0, False, 50, 10))
    made.amend("o1", 500_000, 4 * ONE, 2)
    made.place(ticket("o3", "c", 0, True, 50, 5, "ioc"))
    assert [(d.maker, d.qty) for d in made.deals] == [("o1", 4 * ONE), ("o2", ONE)]
    made.amend("o2", 500_000, 12 * ONE, 3)
    assert made.orders["o2"].left == 11 * ONE


def test_the_venues_example_of_rounding():
    """1 contract at 0.055, taker: fee 0.003639, 6 cents leave the account, 0.001361 is rounding."""
    made = desk("kalshi", fees=KALSHI, ladders={(1, 0): {945_000: 5 * ONE}})
    standing = made.place(
        Ticket("o1", "a", "kalshi:M", 0, True, 55_000, ONE, "ioc", 1)
    )  # fmt: skip
    (deal,) = standing.deals
    assert (deal.taker_fee, deal.taker_rounding) == (3_639, 1_361)
    assert made.bank.owner("a").cash[0] == 1_000 * ONE - 60_000


def test_the_crowd_meets_participants_first_and_what_it_spares_goes_back():
    """Our offer stands before the crowd's level: its taker takes ours first."""
    made = desk(ladders={(0, 1): {500_000: 10 * ONE}, (1, 0): {500_000: 10 * ONE}})
    took = []
    made.took = lambda *what: took.append(what)
    made.place(ticket("o1", "a", 0, False, 49, 4))
    made.drain()
    change = [
        Change("polymarket:M", 0, 1, 500_000, 10 * ONE, 4 * ONE),
        Change("polymarket:M", 1, 0, 500_000, 10 * ONE, 4 * ONE),
    ]
    out = made.crowd(Update("polymarket:M", Ns(2), change, Trade("t", 500_000, 6 * ONE, True)))
    assert made.orders["o1"].filled == 4 * ONE
    assert [(u.trade.px, u.trade.qty) for u in out if u.trade] == [
        (490_000, 4 * ONE), (500_000, 2 * ONE),
    ]  # fmt: skip
    assert took == [
        ("polymarket:M", 0, 1, 500_000, -4 * ONE), ("polymarket:M", 1, 0, 500_000, -4 * ONE),
    ]  # fmt: skip
    assert made.books["polymarket:M"].total((1, 500_000)) == 8 * ONE


def test_a_void_restores_exactly_and_a_market_settles_once():
    made = desk(fees=FeeSchedule("polymarket", taker=40_000))
    made.place(ticket("o1", "a", 0, False, 50, 10))
    made.place(ticket("o2", "b", 0, True, 50, 10, "ioc"))
    made.void(made.deals[0].id, 2)
    for owner in "ab":
        assert made.bank.owner(owner).cash[0] == 1_000 * ONE
        assert made.bank.owner(owner).held["polymarket:M", 0] == 500 * ONE
    made.settle("polymarket:M", 260_000, 3)
    made.settle("polymarket:M", ONE, 4)
    assert made.bank.owner("c").cash[0] == 1_000 * ONE + 500 * ONE


@settings(max_examples=300)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(((0, 370_000), (3, 630_000), (1, 400_000))), st.sampled_from((0, 5, 9)),
            min_size=1,
        ), max_size=8,
    )
)  # fmt: skip
def test_the_crowds_levels_are_those_it_wants_on_either_side(wishes):
    """A mispricing in one token's book alone comes and goes, and the pair's levels after it."""
    book, every = Market("polymarket:M"), {}
    for wanted in wishes:
        every |= wanted
        book.set_crowd(wanted, "crowd")
        assert {spot: book.crowd(spot) for spot in every} == every


def test_a_level_that_was_set_on_either_side_by_itself_goes_from_both():
    book, yes, no = Market("polymarket:M"), (0, 370_000), (3, 630_000)
    for wanted in ({yes: 5, no: 5}, {yes: 0}, {yes: 5}, {yes: 9, no: 9}, {yes: 0, no: 0}):
        book.set_crowd(wanted, "crowd")
    assert (book.total(yes), book.total(no)) == (0, 0)
