"""The pretend venue in a story: latencies, queue, fees of the day, lock-up, resolution."""

import pytest

from dutchbook.backtest import delays, feebook
from dutchbook.backtest.plan import Plan
from dutchbook.backtest.run import play
from dutchbook.backtest.tape import Tape
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    FeedUp,
    InstrumentListed,
    MarketResolved,
    TradePrinted,
)
from dutchbook.domain.fees import fill_fee
from dutchbook.domain.instrument import CENT, FeeSchedule, Instrument
from dutchbook.domain.units import DAY, MILLI, ONE, SECOND, Ns, Px, Qty
from dutchbook.domain.wish import Wish

NOW = Ns(1_790_000_000 * SECOND)
KEY = "kalshi:A"
STREAM = "kalshi.book"
CENTS = 10_000


class Once:
    """Wishes for one order from the first moment on that it may, and keeps it."""

    name = "once"
    review = SECOND
    age_max = 0

    def __init__(self, px, qty, tif="gtc"):
        self.wish = Wish("w", KEY, "yes", "buy", Px(px * CENTS), Qty(qty * ONE), tif, tif == "gtc")

    def watches(self, catalogue):
        return [market.key for market in catalogue.instruments()]

    def on_trade(self, trade, view):
        pass

    def decide(self, key, view):
        return [self.wish]


def market(fees=FeeSchedule("kalshi", 70_000, 17_500, 1, 10_000), key=KEY, **more):
    venue = key.partition(":")[0]
    return Instrument(key, venue, "A", "e", "A?", "Yes", CENT, fees, **more)


def book(*levels, key=KEY, snapshot=True):
    made = [(side, px * CENTS, qty * ONE) for side, px, qty in levels]
    return BookLevels(key, 0, STREAM, snapshot, False, made)


def tape(*later, begin=NOW, fees=True):
    """A market with 100 bid at 40 and 50 offered at 45, then what happens `(ms, event)` later."""
    head = [FeedUp(STREAM), InstrumentListed(market()), book((BID, 40, 100), (ASK, 45, 50))]
    items = [(begin, event) for event in head]
    items += [(Ns(begin + ms * MILLI), event) for ms, event in later]
    return Tape("story", "0", items, fees=fees)


def pulse(*ms):
    """Prices far away that change, so that the stream is not silent."""
    return [(at, book((BID, 1, 1 + at % 7), snapshot=False)) for at in ms]


def trade(px, qty, *, buy_yes):
    return TradePrinted(KEY, STREAM, Px(px * CENTS), Qty(qty * ONE), buy_yes, "t", Ns(0))


def played(quoter, made, **plan):
    return play(Plan("once", **{"latency": "250ms", **plan}), made, made={"once": quoter})


def test_a_quote_waits_behind_what_was_shown_and_fills_in_part():
    """100 stood before us; 80 trade, then 50: 30 of ours, then the rest through the price."""
    story = [
        *pulse(300, 600, 900),
        (2_000, trade(40, 80, buy_yes=False)),
        (2_100, trade(40, 50, buy_yes=False)),
        (2_200, trade(39, 3, buy_yes=False)),
        *pulse(2_500),
    ]
    fills = played(Once(40, 40), tape(*story)).record.fills
    assert [(fill.qty, fill.px, fill.maker) for fill in fills] == [
        (30 * ONE, 40 * CENTS, True),
        (3 * ONE, 40 * CENTS, True),
    ]
    fee = fill_fee(market().fees, 40 * CENTS, 30 * ONE, maker=True)
    assert fee <= fills[0].fee < fee + 10_000


def test_a_level_that_shrinks_moves_us_on_by_the_rule_of_the_queue():
    story = [
        *pulse(300, 600, 900),
        (2_000, book((BID, 40, 50), snapshot=False)),
        (2_100, trade(40, 40, buy_yes=False)),
        *pulse(2_500),
    ]
    assert played(Once(40, 40), tape(*story), queue="back").record.fills == ()
    story[3] = (2_000, book((BID, 40, 30), snapshot=False))
    fills = played(Once(40, 40), tape(*story), queue="back").record.fills
    assert [fill.qty for fill in fills] == [10 * ONE]


def test_taking_meets_the_book_as_it_is_when_the_order_arrives():
    """The offer is taken away 200 ms after the decision: an order of 100 ms meets it, one of 300
    does not; and a feed that is slow by 250 ms makes the first one late, too."""
    gone = book((ASK, 45, 0), (ASK, 60, 5), snapshot=False)
    quiet = pulse(*range(10, 1_200, 50))

    def fills(latency, feed="0ms"):
        first = played(Once(45, 10, "ioc"), tape(*quiet), latency="1ms").record.orders[0].at
        wait = (first - NOW) // MILLI
        story = sorted([*quiet, (wait + 200, gone)], key=lambda one: one[0])
        made = tape(*story)
        return played(Once(45, 10, "ioc"), made, latency=latency, feed=feed).record.fills

    assert [fill.px for fill in fills("100ms")] == [45 * CENTS]
    assert fills("300ms") == ()
    assert fills("100ms", "250ms") == ()


def test_the_same_shown_size_fills_us_once():
    """50 are offered; we want 200 and get 50, although the offer stays on the screen."""
    record = played(Once(45, 200), tape(*pulse(*range(300, 6_000, 300))), cash=10**9).record
    crossing = [fill for fill in record.fills if not fill.maker]
    assert sum(fill.qty for fill in crossing) <= 50 * ONE


def test_a_resolved_market_pays_after_its_lock_up():
    story = [*pulse(300, 600), (3_000, MarketResolved(KEY, ONE, Ns(NOW + 3 * SECOND)))]
    story += [(ms, FeedUp("other")) for ms in (4_000, 3_700_000, 7_300_000)]
    made = tape(*story)
    locked = played(Once(45, 10, "ioc"), made, lockup_s={"kalshi": 3_600})
    account = locked.session.engine.trading.account
    paid = locked.session.exchange.papers["kalshi"]
    assert paid.held == {} and account.keys_held() == []
    one = locked.record.trades[0]
    assert one.ending == "settled" and one.settlement == 10 * ONE
    assert one.net == 10 * ONE - 10 * 45 * CENTS - locked.record.fills[0].fee
    soon = tape(*story[:-2])
    waiting = played(Once(45, 10, "ioc"), soon, lockup_s={"kalshi": 3_600})
    assert waiting.session.engine.trading.account.held(KEY, "yes") == 10 * ONE
    assert waiting.record.trades[0].net == one.net, "what it will pay is known, only not there yet"


def test_fees_are_those_of_the_day():
    july, before = 20_644 * DAY, 20_643 * DAY
    assert feebook.schedule("polymarket", "Sports", Ns(before)).taker == 30_000
    assert feebook.schedule("polymarket", "Sports", Ns(july)).taker == 50_000
    assert feebook.schedule("polymarket", "Sports", Ns(20_000 * DAY)).taker == 0
    assert feebook.schedule("polymarket", "Unheard of", Ns(july)).taker == 50_000
    assert feebook.schedule("nowhere", "", Ns(july)).kind == "none"
    game = market(FeeSchedule("polymarket"), "polymarket:G", category="sports")
    items = [(Ns(july - 5), InstrumentListed(game)), (Ns(july + 5), FeedUp("x"))]
    found = list(feebook.dated(items, known=False))
    rates = [(at, one.instrument.fees.taker) for at, one in found[:2]]
    assert rates == [(july - 5, 30_000), (july + 5, 50_000)]
    twice = list(feebook.dated(items, known=False, factor=2 * ONE))
    assert [one.instrument.fees.taker for _, one in twice[:2]] == [60_000, 100_000]


def test_drawn_latencies_belong_to_their_seed_and_lie_around_their_median():
    drawn = delays.delays("drawn:200ms", Ns(0), 5, [])
    again = delays.delays("drawn:200ms", Ns(0), 5, [])
    other = delays.delays("drawn:200ms", Ns(0), 6, [])
    spans = [drawn.order("kalshi", NOW) for _ in range(2_001)]
    assert spans == [again.order("kalshi", NOW) for _ in range(2_001)]
    assert spans != [other.order("kalshi", NOW) for _ in range(2_001)]
    assert 185 * MILLI < sorted(spans)[1_000] < 215 * MILLI and min(spans) > 0
    recorded = delays.delays("recorded", Ns(7), 5, [Ns(1), Ns(2)])
    assert [recorded.order("kalshi", NOW) for _ in range(3)] == [8, 9, 8]


@pytest.mark.parametrize("text", ["", "5", "-5ms", "drawn:", "drawn:5", "1h", "recorded"])
def test_a_latency_that_is_none_is_refused(text):
    with pytest.raises(UsageError):
        delays.delays(text, Ns(0), 1, [])


@pytest.mark.parametrize(("text", "told"), [("70ms", 70 * MILLI), ("drawn:70ms", None)])
def test_the_record_says_which_latency_it_had(text, told):
    assert played(Once(40, 40), tape(*pulse(300)), latency=text).record.meta.latency_ns == told
