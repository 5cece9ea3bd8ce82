"""Market making, rule by rule: where the quotes stand, how large, and when there are none."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.instrument import FeeSchedule
from dutchbook.domain.relations import Link
from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.domain.wish import Position
from dutchbook.strategies import fair, logit
from dutchbook.strategies.maker import Maker
from dutchbook.strategies.maker_config import Config
from unit.execution.floor_books import CENTS, Books

KEY, TWIN = "kalshi:K", "polymarket:A"
HOUR = 3_600 * SECOND


class View(Books):
    """Books with one level a side, what is held, and what of ours stands."""

    def __init__(self) -> None:
        super().__init__()
        self.dead: set[str] = set()
        self.mine: list[tuple[bool, int, int]] = []
        self.have: dict[tuple[str, str], int] = {}
        self.links: list[Link] = []
        self.markets: list = []
        self.fees = FeeSchedule("none")
        self.category = ""
        self.book_of(KEY, 35, 45)

    def book_of(self, key, bid, ask, bid_qty=100, ask_qty=100):
        self.asks[key, "yes"], self.pays[key, "yes"] = [(ask, ask_qty)], [(bid, bid_qty)]

    def instrument(self, key):
        one = super().instrument(key)
        return msgspec.structs.replace(one, fees=self.fees, category=self.category)

    def stale(self, key, outcome):
        return "silent" if key in self.dead else ""

    def position(self, key, outcome):
        return Position(Qty(self.have.get((key, outcome), 0) * ONE), Usd(0), Ns(0))

    def ours(self, key):
        return [(bid, Px(px * CENTS), Qty(qty * ONE)) for bid, px, qty in self.mine]

    def instruments(self):
        return self.markets

    def groups(self):
        return []

    def approved(self):
        return self.links

    def later(self, seconds):
        self.now = Ns(self.now + seconds * SECOND)


def quotes(view=None, maker=None, key=KEY, **config):
    """{slot: (action, outcome, cents, contracts)} of what a maker wants now."""
    maker = maker or Maker(Config(**config))
    wishes = maker.decide(key, view or View())
    return {w.slot: (w.action, w.outcome, w.px / CENTS, w.qty / ONE) for w in wishes}


def around(bid, ask, qty=10.0):
    """Nothing held: YES is bid for, and offered by bidding for NO."""
    return {"bid": ("buy", "yes", bid, qty), "ask": ("buy", "no", 100 - ask, qty)}


def holding(yes=0, no=0, key=KEY):
    view = View()
    view.have = {(key, "yes"): yes, (key, "no"): no}
    return view


def restless(view, maker, moves):
    """The price moves by so many cents in each minute; then the middle is 40 again."""
    for n, cents in enumerate(moves):
        view.book_of(KEY, 35 + cents * (n % 2), 45 + cents * (n % 2))
        maker.decide(KEY, view)
        view.later(60)
    view.book_of(KEY, 35, 45)


def test_base_spread_of_four_cents_lies_around_the_middle():
    assert quotes() == around(38, 42)
    maker = Maker(Config())
    assert all(w.post_only and w.tif == "gtc" for w in maker.decide(KEY, View()))


def test_fair_value_is_the_microprice_without_our_own_orders():
    view = View()
    view.book_of(KEY, 35, 45, bid_qty=300, ask_qty=100)
    assert quotes(view) == around(40, 45), "42.5: down to 40, up to 45"
    view.asks[KEY, "yes"] = [(41, 10), (45, 100)]
    view.mine = [(False, 41, 10)]
    assert quotes(view) == around(40, 45), "what we offer ourselves says nothing"


def test_a_linked_market_elsewhere_draws_the_fair_value():
    view = View()
    view.book_of(TWIN, 45, 55)
    view.links = [Link("l", "same", (KEY, TWIN), 1)]
    maker = Maker(Config())
    maker.watches(view)
    assert quotes(view, maker) == around(43, 47), "half of 40 and half of 50"
    view.links = [Link("l", "opposite", (KEY, TWIN), 1)]
    view.book_of(TWIN, 35, 45)
    maker = Maker(Config(link_weight=ONE))
    maker.watches(view)
    assert quotes(view, maker) == around(58, 62) | {"bid": ("buy", "yes", 44, 10.0)}, "post-only"
    view.dead = {TWIN}
    maker = Maker(Config(link_weight=ONE))
    maker.watches(view)
    assert quotes(view, maker) == around(38, 42), "a stale book says nothing"


def test_half_as_wide_again_when_volatility_is_above_its_median():
    view, maker = View(), Maker(Config())
    restless(view, maker, [0] * 8)
    assert quotes(view, maker) == around(38, 42)
    view, maker = View(), Maker(Config())
    restless(view, maker, [0] * 8 + [1, 1, 1])
    assert quotes(view, maker) == around(37, 43)


def test_volatility_is_compared_with_itself_only_after_some_minutes():
    view, maker = View(), Maker(Config())
    restless(view, maker, [0, 1, 1])
    assert quotes(view, maker) == around(38, 42)


def test_a_cent_wider_for_each_ten_contracts_on_the_side_that_would_grow_them():
    assert quotes(holding(yes=10), skew=0) == {
        "bid": ("buy", "yes", 37, 10.0), "ask": ("sell", "yes", 42, 10.0),
    }  # fmt: skip
    assert quotes(holding(no=10), skew=0) == {
        "bid": ("sell", "no", 62, 10.0), "ask": ("buy", "no", 57, 10.0),
    }  # fmt: skip


def test_twice_as_wide_in_the_last_six_hours_and_none_in_the_last_minutes():
    view = View()
    view.closes = Ns(view.now + 6 * HOUR)
    assert quotes(view) == around(36, 44)
    view.closes = Ns(view.now + 6 * HOUR + SECOND)
    assert quotes(view) == around(38, 42)
    view.closes = Ns(view.now + 10 * 60 * SECOND)
    assert quotes(view) == {}


def test_the_centre_leans_against_what_is_held():
    assert quotes(holding(yes=20), spread_inventory=0, skew=10_000) == {
        "bid": ("buy", "yes", 36, 10.0), "ask": ("sell", "yes", 40, 10.0),
    }  # fmt: skip


def test_inventory_has_a_hard_limit():
    only = {"rebalance": 100 * ONE, "skew": 0, "spread_inventory": 0}
    assert quotes(holding(yes=46), **only)["bid"] == ("buy", "yes", 38, 4.0)
    assert list(quotes(holding(yes=50), **only)) == ["ask"]
    assert list(quotes(holding(no=50), **only)) == ["bid"]


def test_above_twenty_contracts_only_what_reduces_is_quoted():
    assert list(quotes(holding(yes=20))) == ["bid", "ask"]
    assert list(quotes(holding(yes=21))) == ["ask"]
    assert list(quotes(holding(no=21))) == ["bid"]


def test_then_the_excess_is_crossed_once_in_a_span_unless_it_costs_too_much():
    view, maker = holding(yes=26), Maker(Config(cross_loss=60_000))
    assert list(quotes(view, maker)) == ["ask"]
    view.later(119)
    assert list(quotes(view, maker)) == ["ask"]
    view.later(1)
    assert quotes(view, maker)["cross"] == ("sell", "yes", 35.0, 6.0)
    (cross,) = (w for w in maker.decide(KEY, view) if w.slot == "cross")
    assert (cross.tif, cross.post_only, cross.confidence) == ("ioc", False, ONE)
    view.later(31)
    assert list(quotes(view, maker)) == ["ask"]
    view, maker = holding(yes=26), Maker(Config())
    quotes(view, maker)
    view.later(121)
    assert list(quotes(view, maker)) == ["ask"], "five cents below the fair value are too many"


def test_quotes_stay_as_they_are_until_something_matters():
    view, maker = View(), Maker(Config())
    first = maker.decide(KEY, view)
    view.book_of(KEY, 36, 46)
    view.later(5)
    assert maker.decide(KEY, view) is first, "a cent is no reason"
    view.book_of(KEY, 37, 47)
    assert quotes(view, maker) == around(40, 44), "two are"
    again = maker.decide(KEY, view)
    view.later(30)
    assert maker.decide(KEY, view) is not again, "reviewed after thirty seconds"
    again = maker.decide(KEY, view)
    view.have = {(KEY, "yes"): 5}
    assert maker.decide(KEY, view) is not again, "something was filled"


def test_a_quote_that_lost_its_edge_moves_at_once():
    view, maker = View(), Maker(Config(spread=10_000, requote=20_000))
    assert quotes(view, maker) == around(39, 41)
    view.book_of(KEY, 34, 43)
    assert quotes(view, maker) == around(38, 39), "fair is 38.5"


def test_nothing_is_quoted_on_a_stale_empty_or_crossed_book_nor_at_the_ends():
    view = View()
    view.dead = {KEY}
    assert quotes(view) == {}
    view = View()
    view.pays[KEY, "yes"] = []
    assert quotes(view) == {}
    view.book_of(KEY, 45, 45)
    assert quotes(view) == {}
    view.book_of(KEY, 2, 6)
    assert quotes(view) == {}


def test_a_quote_never_takes():
    view = View()
    view.book_of(KEY, 39, 40)
    assert quotes(view, spread=0, edge_min=0) == around(39, 40)


def test_an_edge_counts_fees_rebates_and_rewards():
    """Two cents less the maker's fee; on Polymarket plus its share of what takers pay."""
    view = View()
    view.fees = FeeSchedule("kalshi", 70_000, 70_000)
    (bid, _) = Maker(Config(edge_min=1_000)).decide(KEY, view)
    assert bid.edge == 20_000 - 16_492  # 0.07 x 0.38 x 0.62
    assert quotes(view, edge_min=4_000) == {}
    view = View()
    view.book_of(TWIN, 35, 45)
    view.fees = FeeSchedule("polymarket", 50_000)
    view.category = "Sports"
    (bid, _) = Maker(Config()).decide(TWIN, view)
    taken = 11_780  # 0.05 x 0.38 x 0.62
    assert bid.edge == 20_000 + taken * 150_000 // ONE
    view.category = "Politics"
    (bid, _) = Maker(Config()).decide(TWIN, view)
    assert bid.edge == 20_000 + taken * 250_000 // ONE
    (bid, _) = Maker(Config(rebate=0, reward=864_000)).decide(TWIN, view)
    assert bid.edge == 20_000 + 864_000 * 30 // 86_400 // 9


def test_the_busiest_markets_are_watched():
    view = View()
    view.markets = [
        msgspec.structs.replace(view.instrument(f"kalshi:M{n}"), volume=Usd(n), status=status)
        for n, status in ((1, "open"), (3, "open"), (5, "closed"), (2, "open"))
    ]
    assert Maker(Config(markets_max=2)).watches(view) == ["kalshi:M3", "kalshi:M2"]


# -- the second model --------------------------------------------------------------------------


def test_logit_reservation_price_is_avellaneda_and_stoikovs():
    """By hand: x = ln(p/(1-p)), reservation x - q g s2 t, half g s2 t/2 + ln(1+g/k)/g."""
    bid, ask = logit.quotes(400_000, 2.0, 0.09, 1.0, 0.1, 25.0)
    x, risk = math.log(0.4 / 0.6), 0.1 * 0.09
    half = risk / 2 + math.log(1 + 0.1 / 25) / 0.1
    for got, want in ((bid, x - 2 * risk - half), (ask, x - 2 * risk + half)):
        assert abs(got - ONE / (1 + math.exp(-want))) <= 1
    assert logit.quotes(400_000, 0.0, 0.09, 1.0, 0.1, 25.0)[0] > bid


@settings(max_examples=200)
@given(
    st.integers(0, ONE), st.floats(-20, 20), st.floats(0, 50), st.floats(0, 24),
    st.floats(0.01, 10), st.floats(0.1, 100),
)  # fmt: skip
def test_logit_quotes_are_whole_ordered_and_within_the_ends(fair_px, held, var, hours, g, k):
    bid, ask = logit.quotes(fair_px, held, var, hours, g, k)
    assert isinstance(bid, int) and 0 <= bid <= ask <= ONE


def test_logit_model_quotes_on_the_grid_and_leans_too():
    flat = quotes(model="logit")
    assert flat == around(39, 41), "1/k of log odds, about a cent"
    view, maker = holding(yes=20), Maker(Config(model="logit", risk_aversion=ONE // 5))
    restless(view, maker, [3] * 10)
    leaning = quotes(view, maker)
    assert leaning["ask"][2] < 41 and leaning["bid"][2] < 38


# -- the grid ------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.integers(1, ONE - 1))
def test_rounding_lands_on_the_grid_on_the_right_side(px):
    market = Books().instrument(KEY)
    low, high = fair.down(market, px), fair.up(market, px)
    assert low <= px <= high and high - low <= CENTS and low % CENTS == high % CENTS == 0


@pytest.mark.parametrize("px", [0, ONE])
def test_off_the_ends_there_is_no_price(px):
    market = Books().instrument(KEY)
    assert (fair.down(market, 0), fair.up(market, ONE)) == (0, ONE)
    assert fair.down(market, px) in (0, 990_000)
