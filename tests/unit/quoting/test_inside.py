"""Two strategies in one market: they meet inside, never at the venue; each has its own stock."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.step import Crossed, StrategyMoved
from dutchbook.domain.units import ONE
from unit.execution.floor import CENTS
from unit.quoting.street import KEY, OTHER, Street, ask, bid, sell


def crossed(street):
    return [
        (n.outcome, n.qty / ONE, n.px / CENTS, n.buyer, n.seller)
        for n in street.notes
        if isinstance(n, Crossed)
    ]


def held(street, key=KEY):
    """Contracts of YES and NO over all owners, and those of the account."""
    stakes, account = street.account.stakes, street.account
    ours = [
        sum(p.qty for (_, k, o), p in stakes.held.items() if (k, o) == (key, outcome))
        for outcome in ("yes", "no")
    ]
    return ours, [account.held(key, "yes"), account.held(key, "no")]


def test_opposite_wishes_net_inside_and_no_order_leaves():
    street = Street()
    street.toys["a"].wants[KEY] = [bid(41)]
    street.toys["b"].wants[KEY] = [ask(39, 4)]
    street.toys["a"].decide = _once(street.toys["a"])
    street.toys["b"].decide = _once(street.toys["b"])
    street.move()
    assert crossed(street) == [("yes", 4.0, 40.0, "a", "b")]
    assert (street.stake("a"), street.stake("b")) == ((4.0, 0.0), (0.0, 4.0))
    assert [o.strategy for o in street.sent if o.action == "buy" and o.outcome == "no"] == []
    yes, no = held(street)[0]
    assert yes - no == 0 == street.account.held(KEY, "yes") - street.account.held(KEY, "no")
    cost = street.account.stakes.cost_of
    assert (cost["a"], cost["b"]) == (4 * 40 * CENTS, 4 * 60 * CENTS)


def _once(toy):
    """It wishes until it holds something."""
    plain = toy.decide

    def decide(key, view):
        wishes = plain(key, view)
        have = view.position(key, "yes").qty + view.position(key, "no").qty
        return [] if have else wishes

    return decide


def test_a_quote_that_stands_is_ended_before_it_nets_inside():
    street = Street()
    street.want("a", bid(41))
    (first,) = street.sent
    street.toys["b"].decide = _once(street.toys["b"])
    street.toys["a"].decide = _once(street.toys["a"])
    street.venues["kalshi"].deaf = True
    street.want("b", ask(40))
    assert street.cancels == [(first.id, "net inside")] and crossed(street) == []
    assert [o.strategy for o in street.sent] == ["a"], "b waits for the end of a's"
    street.venues["kalshi"].deaf = False
    street.wait(1_000)
    assert crossed(street) == [("yes", 10.0, 40.5, "a", "b")]
    assert (street.standing(), street.stake("a"), street.stake("b")) == (
        [], (10.0, 0.0), (0.0, 10.0),
    )  # fmt: skip


def test_what_netted_away_is_sold_by_buying_the_other_side():
    """a's YES and b's NO are nothing at Kalshi: a leaves by buying NO, b keeps what it has."""
    street = Street()
    for name in ("a", "b"):
        street.toys[name].decide = _once(street.toys[name])
    street.want("a", bid(41))
    street.want("b", ask(40))
    assert street.stake("a") == (10.0, 0.0)
    del street.toys["a"].decide
    street.want("b")
    street.want("a", sell(42, 10))
    (order,) = [o for o in street.sent if o.strategy == "a"][-1:]
    assert (order.outcome, order.action, order.px) == ("no", "buy", 58 * CENTS)
    street.hit(order.id, 10)
    assert (street.stake("a"), street.stake("b")) == ((0.0, 0.0), (0.0, 10.0))
    assert street.account.held(KEY, "no") == 10 * ONE


def test_where_sides_are_held_apart_a_pair_is_not_made_from_nothing():
    street = Street()
    street.want("a", bid(41, key=OTHER), key=OTHER)
    street.want("b", ask(40, key=OTHER), key=OTHER)
    street.wait(2_000)
    assert [row[0] for row in street.standing()] == ["a"] and crossed(street) == []
    street.hit(street.sent[0].id, 10)
    street.want("a", sell(38, key=OTHER), key=OTHER)
    street.want("b", bid(39, key=OTHER), key=OTHER)
    street.wait(1_500)
    assert crossed(street)[0] == ("yes", 10.0, 38.5, "b", "a")
    assert street.stake("b", OTHER)[0] >= 10.0
    assert held(street, OTHER)[0] == held(street, OTHER)[1]


def test_switches_hold_over_a_crash_and_are_taken_back():
    street = Street()
    street.want("a", bid(38))
    street.say("strategy", "disable", "a")
    street.say("strategy", "set", "b", '{"budget": 7000000}')
    assert street.account.switches["a"].enabled == 0
    street.crash()
    street.wait(1_000)
    assert (street.standing(), list(street.quoting.manager.on)) == ([], ["b"])
    assert street.trading.trader.desk.gate.budgets == {"b": 7_000_000}
    street.say("strategy", "reset", "a")
    street.say("strategy", "reset", "b")
    street.wait(1_000)
    assert list(street.quoting.manager.on) == ["a", "b"]
    assert street.trading.trader.desk.gate.budgets["b"] == 1_000 * ONE


def test_commands_that_make_no_sense_change_nothing():
    street = Street()
    before = len(street.notes)
    for words in (("enable", "c"), ("set", "a", "{"), ("set", "a", '{"budget": "x"}'),
                  ("dance", "a"), ("enable",)):  # fmt: skip
        street.say("strategy", *words)
    street.say("strategies", '{"enabled": ["c"]}')
    street.say("strategies", "no json")
    told = street.notes[before:]
    assert [note.check for note in told] == ["strategy"] * 7
    assert street.account.switches == {} and list(street.quoting.manager.on) == ["a", "b"]


def test_a_reload_takes_the_settings_and_forgets_what_commands_changed():
    street = Street()
    street.say("strategy", "disable", "a")
    street.say("strategies", '{"enabled": ["a"], "params": {"a": {"budget": 5000000}}}')
    street.wait(300)
    assert list(street.quoting.manager.on) == ["a"]
    assert street.trading.trader.desk.gate.budgets == {"a": 5_000_000}
    moved = [n for n in street.notes if isinstance(n, StrategyMoved)]
    assert (moved[-1].name, moved[-1].enabled, moved[-1].by) == ("a", -1, "ann")


WISH = st.tuples(
    st.sampled_from(["a", "b"]), st.sampled_from([KEY, OTHER]), st.sampled_from(["bid", "ask"]),
    st.integers(36, 44), st.sampled_from([0, 5, 10, 20]),
)  # fmt: skip
DEED = st.one_of(
    st.tuples(st.just("want"), WISH),
    st.tuples(st.just("hit"), st.integers(0, 30), st.integers(1, 20)),
    st.tuples(st.just("deaf"), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([50, 300, 1_200])),
    st.tuples(st.just("lost"), st.sampled_from(["kalshi", "polymarket"])),
    st.tuples(st.just("crash"), st.just(0)),
)


def _do(street, deed, wanted):
    what = deed[0]
    if what == "want":
        name, key, slot, px, qty = deed[1]
        mine = wanted.setdefault((name, key), {})
        mine.pop(slot, None)
        if qty:
            mine[slot] = (bid if slot == "bid" else ask)(px, qty, key=key)
        street.want(name, *mine.values(), key=key)
    elif what == "hit":
        open_ = [o for v in street.venues.values() for o in v.orders.values() if o.left]
        if open_:
            street.hit(open_[deed[1] % len(open_)].order.id, deed[2])
    elif what == "deaf":
        for venue in street.venues.values():
            venue.deaf = deed[1]
    elif what == "wait":
        street.wait(deed[1])
    elif what == "lost":
        street.venues[deed[1]].next.append("lost")
    else:
        street.crash()


def _sound(street, wanted):
    account = street.account
    slots, sides = {}, {}
    for life in account.live.values():
        order = life.order
        slots.setdefault((order.strategy, order.key, order.slot), []).append(life)
        bids = (order.action == "buy") == (order.outcome == "yes")
        px = order.px if order.outcome == "yes" else ONE - order.px
        sides.setdefault((order.key, bids), []).append(px)
    assert all(len(lives) == 1 for lives in slots.values()), "a slot holds one order"
    for key in (KEY, OTHER):
        top = max(sides.get((key, True), [0]))
        assert top < min(sides.get((key, False), [ONE])), "we never stand against ourselves"
        (yes, no), (have_yes, have_no) = held(street, key)
        assert yes - no == have_yes - have_no
        if key == OTHER:
            assert (yes, no) == (have_yes, have_no)
    costs = {}
    for (name, _, _), place in account.stakes.held.items():
        costs[name] = costs.get(name, 0) + place.cost
    assert {n: c for n, c in account.stakes.cost_of.items() if c} == costs


@settings(max_examples=60)
@given(st.lists(DEED, max_size=25))
def test_whatever_happens_no_slot_doubles_nobody_meets_and_stakes_are_the_accounts(deeds):
    """Fills, lost orders, deaf cancels and crashes in any order; then everything ends."""
    street, wanted = Street(), {}
    for deed in deeds:
        _do(street, deed, wanted)
        _sound(street, wanted)
    for order in street.sent:
        assert order.qty <= 20 * ONE
    assert street.trading.account.take() == _again(street)
    for venue in street.venues.values():
        venue.deaf = False
        venue.next.clear()
    street.say("wind_down")
    street.wait(20_000)
    assert (street.account.live, street.wrong()) == ({}, [])


def _again(street):
    """The account of a process that starts from this one's snapshot."""
    other = type(street.account)(street.account.queue_bound, street.account.missing_least)
    other.restore(street.account.take())
    return other.take()
