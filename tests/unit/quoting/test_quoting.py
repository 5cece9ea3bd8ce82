"""Quotes: placed, kept, replaced, pulled on every fault, found again after a restart."""

import pytest

from dutchbook.domain.account_events import AccountUnseen, OrderRejected, OrderUnknown, VenueMode
from dutchbook.domain.events import FeedDown, MarketResolved
from dutchbook.domain.step import Found, Refused
from dutchbook.domain.units import ONE, Ns, Usd
from unit.execution.floor import CENTS
from unit.quoting.street import KEY, OTHER, Street, ask, bid, sell

BID = ("a", "bid", "buy", "yes", 38, 10.0)
ASK = ("a", "ask", "buy", "no", 58, 10.0)


def quoting(*wishes, **more):
    """Strategy a has these wishes standing."""
    street = Street(**more)
    street.want("a", *(wishes or (bid(38), ask(42))))
    return street


def pulled(street):
    """All is canceled, nothing is placed for seconds, and it was told once."""
    assert street.standing() == []
    before = len(street.sent)
    street.move(bid=37, ask=41)
    street.wait(1_000)
    assert (street.standing(), len(street.sent)) == ([], before)
    told = [note.detail for note in street.notes if isinstance(note, Found)]
    assert len([text for text in told if text.startswith("a: ")]) == 1
    return told[-1].removeprefix("a: ")


def test_wishes_are_placed_once_and_keep_their_place():
    street = quoting()
    assert street.standing() == [BID, ASK]
    assert [(o.purpose, o.post_only, o.tif) for o in street.sent] == [("quote", True, "gtc")] * 2
    for _ in range(5):
        street.move()
        street.wait(400)
    assert (len(street.sent), street.cancels) == (2, [])


def test_a_changed_wish_is_placed_when_the_old_order_has_ended():
    """The cancel is deaf: twice the size never stands."""
    street = quoting(bid(38))
    street.venues["kalshi"].deaf = True
    street.want("a", bid(37))
    assert street.standing() == [BID] and len(street.sent) == 1
    assert street.cancels == [(street.sent[0].id, "replaced")]
    street.venues["kalshi"].deaf = False
    street.wait(1_000)
    assert street.standing() == [("a", "bid", "buy", "yes", 37, 10.0)]


def test_a_dropped_wish_is_canceled_and_none_leaves_all_as_it_is():
    street = quoting()
    street.toys["a"].wants[KEY] = None
    street.move()
    assert street.standing() == [BID, ASK]
    street.want("a", ask(42))
    assert street.standing() == [ASK]
    assert street.cancels == [(street.sent[0].id, "dropped")]


def test_a_part_filled_keeps_its_place_while_the_wish_is_the_same():
    street = quoting(bid(38))
    street.hit(street.sent[0].id, 4)
    assert street.standing() == [("a", "bid", "buy", "yes", 38, 6.0)]
    assert (street.stake("a"), len(street.sent)) == ((4.0, 0.0), 1)
    street.want("a", bid(38, 6))
    assert len(street.sent) == 1, "what is left is what is wished"
    street.want("a", bid(38, 5))
    assert street.standing() == [("a", "bid", "buy", "yes", 38, 5.0)]


def test_a_strategy_hears_of_its_fill_at_once():
    street = quoting(bid(38))
    asked = street.toys["a"].asked
    street.hit(street.sent[0].id, 4)
    assert street.toys["a"].asked == asked + 1
    assert street.toys["a"].held[-1][0].qty == 4 * ONE
    assert street.toys["a"].held[-1][0].cost == 4 * 38 * CENTS


def test_it_is_asked_at_least_every_review():
    street = quoting(bid(38))
    asked = street.toys["a"].asked
    street.wait(31_000)
    assert street.toys["a"].asked - asked == 2, "one review, in each of two markets"


def _feed_down(street):
    street.books.dead[KEY] = "feed_down"
    street.hear(FeedDown("kalshi.book", "cut"))


def _stale(street):
    street.books.dead[KEY] = "silent"
    street.wait(300)


def _gap(street):
    street.books.dead[KEY] = "gap"
    street._next()
    street.trading.fault(street.view, Ns(street.now), street.seq)
    street._drain()


def _mode(street):
    street.hear(VenueMode("kalshi", "cancel_only", "maintenance"))


def _unreconciled(street):
    street.venues["kalshi"].cash -= 5 * ONE
    street.wait(36_000)
    assert street.account.reconciled["kalshi"] is False


FAULTS = {
    "feed down": (_feed_down, "stale: feed_down"),
    "silent": (_stale, "stale: silent"),
    "gap": (_gap, "stale: gap"),
    "pause": (lambda s: s.say("pause", "all"), "all: pause"),
    "halt of the venue": (lambda s: s.say("halt", "venue:kalshi"), "venue:kalshi: halt"),
    "halt of the market": (lambda s: s.say("halt", f"market:{KEY}"), f"market:{KEY}: halt"),
    "pause of the strategy": (lambda s: s.say("pause", "strategy:a"), "strategy:a: pause"),
    "kill": (lambda s: s.say("kill"), "all: kill"),
    "venue mode": (_mode, "kalshi: cancel_only"),
    "disabled": (lambda s: s.say("strategy", "disable", "a"), "disabled"),
    "closing": (lambda s: s.say("wind_down"), "closing"),
    "not reconciled": (_unreconciled, "unreconciled"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_pulls_all_quotes(name):
    fault, why = FAULTS[name]
    street = quoting()
    fault(street)
    assert {reason for _, reason in street.cancels} <= {"pulled", "halt"}
    if name == "kill":
        street.wait(300)
        assert street.standing() == []
    else:
        assert pulled(street) == why


def test_quotes_come_back_when_the_fault_is_over():
    street = quoting()
    _feed_down(street)
    assert street.standing() == []
    del street.books.dead[KEY]
    street.wait(300)
    assert street.standing() == [BID, ASK]
    street.say("pause", "all")
    street.say("resume", "all")
    street.wait(300)
    assert street.standing() == [BID, ASK]


def test_a_report_that_did_not_come_pulls_nothing():
    street = quoting()
    street.hear(AccountUnseen("kalshi", "us", "timeout"))
    assert street.standing() == [BID, ASK]


def test_an_order_of_unknown_fate_blocks_its_slot_and_nothing_is_placed_twice():
    street = Street()
    street.venues["kalshi"].next.append("lost")
    street.want("a", bid(38))
    (first,) = street.sent
    assert street.account.orders[first.id].state == "unknown"
    for _ in range(4):
        street.want("a", bid(37))
        street.wait(200)
    assert len(street.sent) == 1
    street.wait(5_000)  # the venue never had it: then, and only then, the slot is free
    assert street.account.orders[first.id].state == "never_arrived"
    assert street.standing() == [("a", "bid", "buy", "yes", 37, 10.0)]


def test_post_only_is_tried_again_one_tick_back_until_it_rests():
    street = Street()
    venue = street.venues["kalshi"]
    submit = venue._submit

    def cross(order, now):
        if order.px in (38 * CENTS, 58 * CENTS):
            return [OrderRejected(order.id, "post_only_cross", "would take", "e" * 32)]
        return submit(order, now)

    venue._submit = cross
    street.want("a", bid(38), ask(42))
    tried = [(o.slot, o.px // CENTS) for o in street.sent]
    assert tried == [("bid", 38), ("bid", 37), ("ask", 58), ("ask", 57)]
    street.move()
    street.wait(500)
    assert len(street.sent) == 4, "the retreat is kept while the wish stays the same"
    street.want("a", bid(36), ask(42))
    assert ("a", "bid", "buy", "yes", 36, 10.0) in street.standing()


def test_no_quote_grows_older_than_its_strategy_allows():
    street = Street()
    street.say("strategy", "set", "a", '{"age_s": 5}')
    street.wait(300)
    street.want("a", bid(38))
    street.wait(4_500)
    assert street.cancels == []
    street.wait(1_000)
    assert street.cancels == [(street.sent[0].id, "age")]
    assert street.standing() == [BID], "the same wish, as another order"
    assert street.sent[1].id != street.sent[0].id


def test_a_taker_is_asked_for_once_until_its_wish_was_dropped():
    street = Street()
    take = bid(42, tif="ioc", post_only=False, slot="take")
    street.want("a", take)
    street.move()
    street.wait(1_000)
    assert street.orders() == [("quote", "K", "buy", "ioc", 42, 10.0)]
    street.want("a")
    street.want("a", take)
    assert street.orders() == [("quote", "K", "buy", "ioc", 42, 10.0)]
    assert street.stake("a") == (20.0, 0.0)


def test_after_a_crash_what_still_stands_is_ended_and_quoted_anew():
    street = quoting()
    street.crash(down=500, hits=((street.sent[0].id, 4 * ONE),))
    street.wait(2_000)
    assert street.standing() == [BID, ASK]
    assert street.stake("a") == (4.0, 0.0), "filled while we were away"
    street.say("wind_down")
    street.wait(1_000)
    assert (street.account.live, street.wrong()) == ({}, [])


def test_after_a_crash_a_strategy_that_is_no_longer_there_leaves_nothing_standing():
    street = quoting()
    street.enabled = "b"
    street.crash()
    street.wait(2_000)
    assert (street.standing(), street.wrong()) == ([], [])


def test_a_sale_is_of_what_the_strategy_holds_and_no_more():
    street = Street()
    street.want("b", bid(38, 30, key=OTHER), key=OTHER)
    street.hit(street.sent[-1].id, 30)
    street.want("b", key=OTHER)
    street.want("a", sell(42, 10, key=OTHER), key=OTHER)
    assert street.standing() == [], "the contracts are b's"
    street.want("b", sell(42, 50, key=OTHER), key=OTHER)
    assert street.standing() == [("b", "ask", "sell", "yes", 42, 30.0)]


def test_the_gate_has_the_last_word_and_says_it_once():
    street = Street()
    street.say("strategy", "set", "a", f'{{"budget": {20 * ONE}}}')
    street.wait(300)
    street.want("a", bid(38, 60))
    for n in range(6):
        street.move(bid=37 - n % 2, ask=42)
        street.wait(300)
    told = [note for note in street.notes if isinstance(note, Refused)]
    assert (street.sent, [note.check for note in told]) == ([], ["within_limits"])
    assert (told[0].what, told[0].reason) == (f"a {KEY} bid", "per_strategy")
    street.want("a", bid(38, 40))
    street.wait(1_500)
    assert street.standing() == [("a", "bid", "buy", "yes", 38, 40.0)]


def test_too_little_confidence_is_refused():
    street = Street()
    street.want("a", bid(38, confidence=599_999))
    assert street.sent == []
    assert [n.check for n in street.notes if isinstance(n, Refused)] == ["sure_enough"]


def test_a_resolved_market_pays_every_strategy_what_it_holds():
    street = quoting(bid(38))
    street.hit(street.sent[0].id, 10)
    street.want("a")
    street.hear(MarketResolved(KEY, Usd(ONE), Ns(0)))
    tally = street.account.stakes.tallies["a"]
    assert (street.stake("a"), tally.realised) == ((0.0, 0.0), 10 * ONE - 10 * 38 * CENTS)
    assert (tally.ends, tally.wins) == (1, 1)


def test_an_answer_lost_is_unknown_and_stays_one_order():
    street = quoting(bid(38))
    street.hear(OrderUnknown(street.sent[0].id, "again no answer"))
    street.move()
    assert len(street.sent) == 1


def test_of_many_idle_markets_some_are_looked_at_in_each_tick():
    """500 markets: one tick asks about 200, three about all; where something stands, every one."""
    street = Street()
    for n in range(498):
        street.books.set(f"kalshi:M{n}", 38, 42)
    street.trading.trader.quoting.manager.changed = True
    street.want("a", bid(38))
    toy, last = street.toys["a"], street.toys["b"]
    toy.asked = last.asked = 0
    asked = []
    for _ in range(4):
        street.wait(250)
        asked.append(last.asked)
    assert asked[0] <= 200 and asked[-1] >= 498
    toy.asked = 0
    street.books.dead[KEY] = "silent"
    street.wait(250)
    assert street.standing() == [], "a quote is pulled in the same tick"


def test_tries_of_a_taker_that_is_refused_rest_together():
    """Each price is another try, but a refusal is told once, and nothing piles up."""
    street = Street()
    gate = street.trading.trader.desk.gate
    judged = []
    check = gate.check
    gate.check = lambda *args, **more: judged.append(args) or check(*args, **more)
    for n in range(50):
        street.want("a", bid(40, 9_000 + n, f"take@{n}", tif="ioc", post_only=False))
    assert len(judged) == 1
    street.wait(1_300)
    assert len(judged) == 2
    assert [n.check for n in street.notes if isinstance(n, Refused)] == ["within_limits"]
    slots = street.quoting.slots
    assert len(slots._rests) == len(slots._told) == 1
