"""Entries, exits and stops of the strategies with a calibrated opinion, rule by rule."""

import msgspec
import pytest
from bench_world import CENTS, FEES, HOUR, KEY, START, Desk, table
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.fees import order_total
from dutchbook.domain.units import DAY, ONE, Ns, Qty, Usd, ceil_div
from dutchbook.domain.wish import Position, Wish
from dutchbook.runtime.calibration import OPINIONS, build
from dutchbook.strategies import favourite, longshot, overreaction, recency, time_decay
from dutchbook.strategies.opinion_config import Common

EDGE = 60_000


def longshots(**more: object) -> Desk:
    config = longshot.Config(**more)  # type: ignore[arg-type]
    return Desk(longshot.Longshot(config, table(no=EDGE)))


def entered(desk: Desk, bid: int = 10, ask: int = 11) -> Wish:
    """Enough volume, a longshot on offer, and the entry filled."""
    desk.trade(ask, 1_200)
    wish = desk.book(bid, ask)[0]
    assert wish.action == "buy"
    desk.fill(wish)
    return wish


def test_a_longshot_is_sold_short_by_buying_no() -> None:
    """YES at 10 to 11 cents, NO worth 6 cents more than its 90: taken at once, whole."""
    desk = longshots()
    desk.trade(11, 1_200)
    wish = desk.book(10, 11)[0]
    qty = 10 * ONE * ONE // (90 * CENTS)
    qty -= qty % 10_000
    cost = ceil_div(order_total(FEES, [(90 * CENTS, qty)]) * ONE, qty)
    assert (wish.key, wish.outcome, wish.action, wish.px, wish.qty) == (
        KEY, "no", "buy", 90 * CENTS, qty
    )  # fmt: skip
    assert (wish.tif, wish.post_only) == ("ioc", False)
    # the band's mean price is 87.5; at 90 cents the excess is smaller as p(1-p) is
    assert wish.edge == 90 * CENTS + EDGE * (900 * 100) // (875 * 125) - cost
    assert wish.confidence == 975_000


def test_no_entry_at_fifteen_cents_or_more() -> None:
    desk = longshots()
    desk.trade(15, 5_000)
    assert desk.book(15, 16) == []
    assert desk.book(14, 15) != []


def test_no_entry_without_volume() -> None:
    """$1,000 in 24 hours is not more than $1,000, and yesterday's trades are gone."""
    desk = longshots()
    assert desk.book(10, 11) == []
    desk.trade(10, 1_000)
    assert desk.ask() == []
    desk.trade(10, 10)
    assert len(desk.ask()) == 1
    desk.wait(DAY + HOUR)
    assert desk.book(10, 11) == []


def test_it_rests_where_crossing_does_not_pay() -> None:
    """Takers have no edge by the table, makers do: it stands at the best bid for NO."""
    known = longshot.Longshot(longshot.Config(), table(no=EDGE, roles=("maker",)))
    desk = Desk(known)
    desk.trade(8, 5_000)
    wish = desk.book(3, 11)[0]
    assert (wish.slot, wish.px, wish.tif, wish.post_only) == ("rest", 89 * CENTS, "gtc", True)
    assert desk.book(3, 12)[0].px == 88 * CENTS
    desk.strategy.config = longshot.Config(work="take")
    assert desk.ask() == []


def test_an_edge_that_is_unsure_is_none() -> None:
    """The same mean, known to half a dollar only."""
    desk = Desk(longshot.Longshot(longshot.Config(), table(no=EDGE, wide=150_000)))
    desk.trade(10, 5_000)
    assert desk.book(10, 11) == []


def test_nothing_is_wished_without_a_table_or_a_book() -> None:
    desk = Desk(longshot.Longshot(longshot.Config(), table(no=EDGE, roles=())))
    desk.trade(10, 5_000)
    assert desk.book(10, 11) == []
    desk = longshots()
    desk.trade(10, 5_000)
    assert desk.book(0, 11) == []
    assert desk.book(10, 100) == []
    desk.book(10, 11)
    desk.halt("paused")
    assert desk.ask() == []


def test_half_of_the_edge_gained_is_enough_but_not_in_the_first_hour() -> None:
    desk = longshots()
    wish = entered(desk)
    half = wish.edge // 2
    cost = ceil_div(desk.view.position(KEY, "no").cost * ONE, wish.qty)
    assert desk.book(2, 3) == []
    desk.wait(HOUR - 1)
    assert desk.book(2, 3) == []
    desk.wait(1)
    leave = desk.book(2, 3)[0]
    assert (leave.action, leave.outcome, leave.px, leave.qty, leave.why) == (
        "sell", "no", 97 * CENTS, wish.qty, "gained"
    )  # fmt: skip
    assert 97 * CENTS - cost >= half
    desk.fill(leave)
    assert desk.ask() == []
    assert desk.strategy.decay.count == 1
    assert desk.strategy.decay.mean > half - 5_000


def test_twice_the_edge_lost_is_too_much_at_any_time() -> None:
    desk = longshots()
    wish = entered(desk)
    worst = (2 * wish.edge) // CENTS
    assert desk.book(10 + worst - 4, 11 + worst - 4) == []
    leave = desk.book(10 + worst + 2, 11 + worst + 2)[0]
    assert (leave.action, leave.why, leave.tif) == ("sell", "stop", "ioc")
    desk.fill(leave)
    desk.ask()
    assert desk.strategy.decay.mean < -wish.edge


def test_seven_days_are_enough() -> None:
    desk = longshots()
    entered(desk)
    desk.wait(7 * DAY - 1)
    assert desk.book(10, 11) == []
    desk.wait(1)
    assert [wish.why for wish in desk.book(10, 11)] == ["time"]


def test_a_reversed_signal_ends_it() -> None:
    """The table says that NO at 80 is too dear, though it was cheap at 90."""
    desk = longshots()
    entered(desk)
    desk.wait(HOUR)
    assert desk.book(10, 11) == []
    desk.strategy.table = table(no=-EDGE)
    assert [wish.why for wish in desk.ask()] == ["reversed"]


def test_after_leaving_a_market_it_is_let_alone_for_a_day() -> None:
    desk = longshots()
    entered(desk)
    desk.wait(HOUR)
    desk.fill(desk.book(2, 3)[0])
    assert desk.ask() == []
    desk.trade(11, 5_000)
    assert desk.book(10, 11) == []
    desk.wait(DAY)
    desk.trade(11, 5_000)
    assert [wish.action for wish in desk.book(10, 11)] == ["buy"]


def test_an_exit_that_found_too_few_is_tried_again_at_another_size() -> None:
    """A taker is sent once for each wish, so a rest needs a wish of another name."""
    desk = longshots()
    wish = entered(desk)
    desk.wait(HOUR)
    first = desk.book(2, 3, size=4)[0]
    assert first.qty == 4 * ONE < wish.qty
    desk.fill(first)
    second = desk.book(2, 3, size=3)[0]
    assert second.slot != first.slot
    assert second.qty == 3 * ONE
    assert desk.strategy.decay.count == 0


def test_a_settled_market_counts_for_what_it_paid() -> None:
    desk = longshots()
    wish = entered(desk)
    cost = ceil_div(desk.view.position(KEY, "no").cost * ONE, wish.qty)
    desk.ask()
    desk.strategy.settled(KEY, Usd(ONE))
    assert desk.strategy.decay.mean == -cost
    desk.view.held.clear()
    desk.halt("settled")
    assert desk.ask() == []
    assert desk.strategy.decay.count == 1


def test_after_a_restart_the_edge_is_read_from_the_table_again() -> None:
    """A position that this object never wished for: half of the table's edge at its cost."""
    desk = longshots()
    desk.view.held[KEY, "no"] = Position(Qty(10 * ONE), Usd(9 * ONE), START)
    desk.wait(2 * HOUR)
    assert desk.book(9, 11) == []
    assert [wish.why for wish in desk.book(5, 6)] == ["gained"]


def test_the_strategy_stops_itself_when_it_only_loses() -> None:
    desk = longshots(rest_s=0)
    for _ in range(200):
        if desk.strategy.decay.stopped:
            break
        entered(desk)
        desk.fill(desk.book(25, 26)[0])
        desk.ask()
    assert desk.strategy.decay.stopped
    assert desk.strategy.decay.mean < 0
    desk.trade(11, 5_000)
    assert desk.book(10, 11) == []


def test_a_stopped_strategy_still_leaves_what_it_holds() -> None:
    desk = longshots()
    entered(desk)
    desk.strategy.decay.stopped = True
    desk.wait(HOUR)
    assert [wish.why for wish in desk.book(2, 3)] == ["gained"]


def test_a_favourite_is_bought() -> None:
    desk = Desk(favourite.Favourite(favourite.Config(), table(yes=EDGE)))
    desk.trade(72, 5_000)
    assert desk.book(69, 70) == []
    wish = desk.book(71, 72)[0]
    assert (wish.outcome, wish.action, wish.px) == ("yes", "buy", 72 * CENTS)


def test_a_favourite_that_the_table_thinks_dear_is_left_alone() -> None:
    """No sign is assumed: the same rule on a table of the other sign wants nothing."""
    desk = Desk(favourite.Favourite(favourite.Config(), table(yes=-EDGE)))
    desk.trade(72, 5_000)
    assert desk.book(71, 72) == []


@pytest.mark.parametrize(
    ("after", "side"), [((61, 62), "no"), ((19, 20), "yes"), ((60, 61), None), ((20, 21), None)]
)
def test_an_unexplained_move_is_faded(after: tuple[int, int], side: str | None) -> None:
    """From 40.5 cents, more than 20 points within six hours, either way."""
    desk = Desk(overreaction.Overreaction(overreaction.Config(), table(yes=EDGE, no=EDGE)))
    desk.book(40, 41)
    desk.wait(6 * HOUR)
    desk.trade(after[0], 5_000)
    wishes = desk.book(*after)
    assert [wish.outcome for wish in wishes] == ([side] if side else [])


def test_a_slow_move_is_no_overreaction() -> None:
    desk = Desk(overreaction.Overreaction(overreaction.Config(), table(yes=EDGE, no=EDGE)))
    for step in range(11):
        desk.book(40 + 3 * step, 41 + 3 * step)
        desk.trade(40 + 3 * step, 500)
        desk.wait(HOUR)
    assert desk.ask() == []


def test_a_move_may_be_measured_as_a_share() -> None:
    """20 % of 10 cents are two cents."""
    config = overreaction.Config(share=200_000)
    desk = Desk(overreaction.Overreaction(config, table(yes=EDGE, no=EDGE)))
    desk.book(10, 10 + 1)
    desk.wait(6 * HOUR)
    desk.trade(12, 5_000)
    assert desk.book(11, 12) == []
    assert [wish.outcome for wish in desk.book(13, 14)] == ["no"]


def test_a_move_that_a_signal_explains_is_news() -> None:
    asked = []

    def explains(key: str, since: Ns, now: Ns) -> str:
        asked.append((key, now - since))
        return "the candidate withdrew"

    strategy = overreaction.Overreaction(overreaction.Config(), table(yes=EDGE, no=EDGE), explains)
    desk = Desk(strategy)
    desk.book(40, 41)
    desk.wait(6 * HOUR)
    desk.trade(70, 5_000)
    assert desk.book(70, 71) == []
    assert asked == [(KEY, 6 * HOUR)]


def day_of(desk: Desk, hours: int = 24) -> None:
    """An even market: about $100 an hour, a little more or less, at 50 cents."""
    desk.book(49, 51)
    for hour in range(hours):
        desk.trade(50, 90 + hour % 3 * 10, buy_yes=bool(hour % 2))
        desk.wait(HOUR)


def test_a_one_sided_spike_is_countered() -> None:
    desk = Desk(recency.Recency(recency.Config(), table(yes=EDGE, no=EDGE)))
    day_of(desk)
    desk.trade(56, 900)
    assert [wish.outcome for wish in desk.book(55, 56)] == ["no"]


@pytest.mark.parametrize(
    ("dollars", "other", "px", "hours"),
    [(110, 0, 56, 24), (900, 900, 56, 24), (900, 0, 51, 24), (900, 0, 56, 20)],
    ids=["no spike", "two-sided", "no move", "no day to compare with"],
)
def test_what_is_no_one_sided_spike(dollars: int, other: int, px: int, hours: int) -> None:
    desk = Desk(recency.Recency(recency.Config(volume_min=0), table(yes=EDGE, no=EDGE)))
    day_of(desk, hours)
    desk.trade(px, dollars)
    if other:
        desk.trade(px, other, buy_yes=False)
    assert desk.book(px - 1, px) == []


def test_towards_the_curve_only_where_there_is_one() -> None:
    """Twenty days to the close: the table's span of 7 to 30 days says that YES is cheap."""
    known = table(yes=EDGE, no=-EDGE, horizon="7 to 30 d")
    desk = Desk(time_decay.TimeDecay(time_decay.Config(), known))
    desk.trade(40, 5_000)
    assert [wish.outcome for wish in desk.book(40, 41)] == ["yes"]
    other = Desk(time_decay.TimeDecay(time_decay.Config(), known), category="Weather")
    other.trade(40, 5_000)
    assert other.book(40, 41) == []
    late = Desk(time_decay.TimeDecay(time_decay.Config(left_max_s=86_400), known))
    late.trade(40, 5_000)
    assert late.book(40, 41) == []


def test_greatest_markets_are_watched_first_of_the_categories_wanted() -> None:
    config = Common(markets_max=1, categories="Crypto, Science")
    strategy = longshot.Longshot(longshot.Config(), table())
    strategy.config = config  # type: ignore[assignment]
    desk = Desk(strategy)
    assert strategy.watches(desk.view) == [KEY]
    strategy.config = Common(categories="Sports")  # type: ignore[assignment]
    assert strategy.watches(desk.view) == []


KINDS = [
    (longshot.Longshot, longshot.Config),
    (favourite.Favourite, favourite.Config),
    (overreaction.Overreaction, overreaction.Config),
    (recency.Recency, recency.Config),
    (time_decay.TimeDecay, time_decay.Config),
]
moves = st.tuples(
    st.integers(1, 97), st.integers(1, 8), st.integers(0, 9 * HOUR), st.integers(0, 3_000),
    st.booleans(), st.booleans(),
)  # fmt: skip


@settings(max_examples=150)
@given(
    st.sampled_from(KINDS), st.integers(-80_000, 80_000), st.integers(-80_000, 80_000),
    st.lists(moves, min_size=1, max_size=14),
)  # fmt: skip
def test_no_wish_without_a_calibrated_edge_after_fees(kind, yes, no, story) -> None:  # type: ignore[no-untyped-def]
    """Whatever books and prints come: what is bought is worth more than it costs and the least
    edge, by the table; what is sold is held; and twice the same story gives the same wishes."""
    make, config = kind
    told = []
    for _ in range(2):
        known = table(yes, no, horizon="7 to 30 d")
        desk = Desk(make(config(volume_min=100 * ONE), known))
        wishes: list[Wish] = []
        for bid, spread, wait, dollars, buy_yes, fill in story:
            desk.wait(wait)
            if dollars:
                desk.trade(min(98, bid + 1), dollars, buy_yes)
            for wish in desk.book(bid, min(99, bid + spread)):
                wishes.append(wish)
                if wish.action == "sell":
                    assert wish.qty <= desk.view.position(KEY, wish.outcome).qty
                    continue
                role = "maker" if wish.post_only else "taker"
                total = order_total(FEES, [(wish.px, wish.qty)], maker=wish.post_only)
                left = 20 * DAY - (desk.at - START)
                worth = known.estimate(
                    role, wish.outcome, "Crypto", wish.px, left if left > 0 else None
                )
                assert worth is not None
                cost = ceil_div(total * ONE, wish.qty)
                assert worth.win - cost == wish.edge > 20_000
                assert worth.confidence(cost) == wish.confidence >= 750_000
                assert wish.px * wish.qty <= 10 * ONE * ONE
            if fill and wishes and wishes[-1].key and desk.ask():
                desk.fill(desk.ask()[0])
        told.append(wishes)
    assert told[0] == told[1]


@pytest.mark.parametrize("name", list(OPINIONS))
def test_each_is_built_on_the_table_that_ships(name: str) -> None:
    """The port's fields are there, the parameters round-trip, and an empty world wants nothing."""
    config, _ = OPINIONS[name]
    assert msgspec.convert(msgspec.to_builtins(config()), config) == config()
    strategy = build(name, config())
    assert (strategy.name, strategy.review, strategy.age_max) == (name, 30 * 10**9, 0)  # type: ignore[attr-defined]
    desk = Desk(strategy)  # type: ignore[arg-type]
    assert desk.ask() == []
    assert desk.ask() == []
    assert strategy.watches(desk.view) == [KEY]
