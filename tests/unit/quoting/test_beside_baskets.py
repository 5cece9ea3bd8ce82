"""Quotes beside everything else: they leave room in the rate, and never stand in a repair's way."""

import msgspec

from dutchbook.domain.account_events import FillVoided, RateSeen
from dutchbook.domain.step import HaltMoved, Refused
from dutchbook.domain.units import DAY, ONE, Ns
from unit.quoting.street import OTHER, Street, ask, bid, sell

B = "polymarket:B"


def half_a_basket(street):
    """A of two legs was bought, B got lost, and when that is known nobody offers B any longer."""
    street.venues["polymarket"].next.extend(["fill", "lost"])
    street.offer((OTHER, 42, 100), (B, 42, 100))
    street.books.asks[B, "yes"] = []
    street.books.pays[OTHER, "yes"] = [(40, 10), (38, 700)]


def test_a_quote_gives_way_to_the_sale_that_ends_a_naked_leg():
    """To be rid of A the bids down to 38 are needed, and our own bid stands at 39."""
    street = Street()
    street.want("a", bid(39, key=OTHER), key=OTHER)
    half_a_basket(street)
    street.wait(12_000)
    assert [stage for stage, _ in street.stages()] == ["unwound"]
    assert [why for _, why in street.cancels] == ["in the way"]
    street.wait(3_000)
    assert [row[:2] for row in street.standing()] == [("a", "bid")], "and comes back after it"


def test_a_quote_gives_way_to_an_exit():
    street = Street()
    street.want("a", bid(39, key=OTHER), key=OTHER)
    street.offer((OTHER, 42, 100), (B, 42, 100))
    assert [stage for stage, _ in street.stages()] == ["done"]
    street.books.pays[B, "yes"] = [(40, 700)]
    street.books.pays[OTHER, "yes"] = [(40, 10), (38, 700)]
    street.say("exit", OTHER, "yes")
    assert next(n.check for n in street.notes if isinstance(n, Refused)) == "no_self_trade"
    street.wait(300)
    street.say("exit", OTHER, "yes")
    street.wait(300)
    assert [stage for stage, _ in street.stages()] == ["unwound"]


def test_quotes_leave_half_of_the_rate_to_baskets():
    """Ten orders a second: of ten quotes five go at once, and a basket of two legs still can."""
    street = Street()
    street.hear(RateSeen("polymarket", 10, 10))
    street.want("a", *(bid(20 + n, slot=f"s{n}", key=OTHER) for n in range(10)), key=OTHER)
    assert len(street.standing()) == 5
    assert not [note for note in street.notes if isinstance(note, Refused)], "they wait in silence"
    street.offer((OTHER, 42, 100), (B, 42, 100))
    assert [stage for stage, _ in street.stages()] == ["done"]
    street.wait(4_000)
    assert len(street.standing()) == 10, "the others follow"


def test_after_a_drawdown_quotes_are_half_as_large():
    street = Street()
    street.account.note(HaltMoved("all", "halve", "drawdown", "dutchbook"), Ns(street.now))
    street.want("a", bid(38, 9), ask(42))
    assert [row[-1] for row in street.standing()] == [4.5, 5.0]
    street.wait(2_000)
    assert (len(street.sent), street.cancels) == (2, [])
    street.hit(street.sent[0].id, 4)
    street.want("a", sell(45, 4))
    assert [row[2:] for row in street.standing()] == [("sell", "yes", 45, 4.0)], "that reduces"


def test_a_sale_of_more_than_is_held_keeps_its_place():
    """It is placed for what is held; it is not what was wished, but as near as can be."""
    street = Street()
    street.want("a", bid(38))
    street.hit(street.sent[0].id, 7)
    street.want("a", sell(42, 10))
    street.wait(3_000)
    assert street.standing() == [("a", "ask", "sell", "yes", 42, 7.0)]
    assert len(street.sent) == 2
    street.want("a", bid(38, 10, "more"), sell(42, 10))
    assert len(street.cancels) == 1, "only the first bid, when its wish was dropped"


def test_what_may_be_voided_is_not_sold_inside():
    """A bought YES in a trade that is not final; B wants it, and gets none of it inside."""
    street = Street()
    street.want("a", bid(38, key=OTHER), key=OTHER)
    venue = street.venues["polymarket"]
    (fill,) = venue.hit(street.sent[0].id, 10 * ONE, street.now)
    street.hear(msgspec.structs.replace(fill, provisional=True))
    assert street.stake("a", OTHER) == (10.0, 0.0)
    street.toys["b"].wants[OTHER] = [bid(40, key=OTHER)]
    street.want("a", sell(39, key=OTHER), key=OTHER)
    street.wait(2_000)
    assert (street.stake("a", OTHER), street.stake("b", OTHER)) == ((10.0, 0.0), (0.0, 0.0))


def test_an_offer_that_stands_is_ended_and_handed_over_inside():
    """Where YES and NO are held apart: A offers what it holds at 42, then B bids 44."""
    street = Street()
    street.want("a", bid(38, key=OTHER), key=OTHER)
    street.hit(street.sent[0].id, 10)
    street.want("a", sell(42, key=OTHER), key=OTHER)
    assert [row[2:5] for row in street.standing()] == [("sell", "yes", 42)]
    street.want("b", bid(44, key=OTHER), key=OTHER)
    street.wait(1_000)
    assert (street.stake("a", OTHER), street.stake("b", OTHER)) == ((0.0, 0.0), (10.0, 0.0))
    assert "net inside" in [why for _, why in street.cancels]


def test_a_void_after_a_sale_leaves_no_cost_where_nothing_is_held():
    """10 for 30 ct, 10 more for 50 that are not final; 10 are sold for 60, at the average cost of
    40; then the trade at 50 fails. What was sold had cost 30: the profit is $3, not $2."""
    street = Street()
    street.want("a", bid(30, key=OTHER), key=OTHER)
    street.hit(street.sent[0].id, 10)
    street.want("a", bid(50, slot="more", key=OTHER), key=OTHER)
    (fill,) = street.venues["polymarket"].hit(street.sent[-1].id, 10 * ONE, street.now)
    street.hear(msgspec.structs.replace(fill, provisional=True))
    street.want("a", sell(60, key=OTHER), key=OTHER)
    street.hit(street.sent[-1].id, 10)
    account, stakes = street.account, street.account.stakes
    assert (account.realised(), stakes.tally("a").realised) == (2 * ONE, 2 * ONE)
    snapshot = account.take()
    void = FillVoided(fill.venue, fill.account, fill.trade, "FAILED")
    street.hear(void)
    assert (account.realised(), stakes.tally("a").realised) == (3 * ONE, 3 * ONE)
    assert (account.ledger.held_total, stakes.cost_of["a"], account.keys_held()) == (0, 0, [])
    assert (stakes.tally("a").bought, stakes.tally("a").fills) == (10 * ONE, 2)
    again = type(account)()
    again.restore(snapshot)
    again.apply(void, Ns(street.now), street.seq)
    assert again.take() == account.take()


def test_quotes_that_came_to_nothing_are_forgotten_after_a_day():
    """What was filled stays for ever, of the rest a day."""
    street = Street()
    street.want("a", bid(38))
    filled = street.sent[0].id
    street.hit(filled, 4)
    for px in range(20, 30):
        street.want("a", bid(px))
    account = street.account
    assert len(account.orders) == 11
    street.now += DAY
    street.wait(40_000)
    street.want("a", bid(31))
    assert len(account.orders) == 12, "a quote that stood until now is no day over"
    for span in (DAY, DAY // 12):
        street.now += span
        street.wait(40_000)
    assert not {order.id for order in street.sent[1:11]} & set(account.orders)
    assert {filled, street.sent[-1].id} <= set(account.orders)
    assert (street.stake("a"), account.forgotten) == ((4.0, 0.0), 10)
    assert set(account.by_venue.values()) == set(account.orders)
    again = type(account)()
    again.restore(account.take())
    assert again.take() == account.take()
