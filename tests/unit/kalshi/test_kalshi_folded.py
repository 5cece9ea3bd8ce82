"""The account believes what the protocol says: whole stories, from the bytes to the ledger."""

from kalshi_trading import (
    KEY,
    MS,
    NOW,
    PRIVATE,
    call,
    calls,
    created,
    facts,
    fill,
    fill_frame,
    order,
    order_frame,
    page,
    record,
    reply,
    trading,
)
from test_kalshi_inquiries import PARTS, part

from dutchbook.domain.account_events import OrderSent
from dutchbook.domain.effects import AskAccount, AskOrder, CancelOrder, SubmitOrder
from dutchbook.domain.units import ONE
from dutchbook.state.account import Account
from dutchbook.state.reports import differences

O1 = "e1.7-0"


class Story:
    """A venue and an account that folds every event; `strange` are those that did not fit."""

    def __init__(self):
        self.venue = trading()
        self.account = Account()
        self.strange = []
        self.seq = 0

    def do(self, effect):
        self.account.record(effect, NOW)
        if isinstance(effect, SubmitOrder):
            self.fold([OrderSent(effect.order.id)])
        return self.fold(self.venue.do(effect, NOW))

    def fold(self, outs):
        for event in facts(outs):
            self.seq += 1
            self.strange += self.account.apply(event, NOW, self.seq)
        return outs

    def reply(self, asked, status, body):
        return self.fold(reply(self.venue, asked, status, body))

    def frame(self, data):
        return self.fold(self.venue.on_frame(PRIVATE, data, NOW))

    def report(self, since=NOW, **changed):
        outs = self.do(AskAccount("kalshi", "x", (), since))
        for asked in calls(outs):
            self.reply(asked, 200, (PARTS | changed)[part(asked)])

    @property
    def life(self):
        return self.account.orders[O1]

    def words(self):
        return (self.life.state, self.life.filled, self.life.canceled)


def test_an_immediate_order_that_fills_in_part_counts_each_fill_once():
    """Answer, private message and REST list tell the same fill: once in the ledger."""
    story = Story()
    outs = story.do(SubmitOrder(order(tif="ioc")))
    story.frame(fill_frame(client_order_id=None))
    outs = story.reply(call(outs), 201, created("1.00", "0.00"))
    assert story.words() == ("canceled", ONE, ONE)
    story.reply(call(outs), 200, page("fills", fill()))
    story.frame(fill_frame())
    story.frame(order_frame(status="canceled", fill_count_fp="1.00", remaining_count_fp="0.00"))
    assert story.words() == ("canceled", ONE, ONE)
    assert story.account.held(KEY, "yes") == ONE
    assert story.account.cash("kalshi") == -440_000 - 17_248
    assert story.strange == []


def test_a_lost_answer_stays_unknown_until_the_order_is_found():
    story = Story()
    outs = story.do(SubmitOrder(order()))
    story.fold(story.venue.on_lost(call(outs).id, True, NOW))
    assert story.words()[0] == "unknown"
    outs = story.do(AskOrder(order(), "", "unknown"))
    story.reply(call(outs), 503, b"")
    assert story.words()[0] == "unknown"
    outs = story.reply(call(story.do(AskOrder(order(), "", "again"))), 200, page("orders", record(
        status="executed", fill_count_fp="2.00", remaining_count_fp="0.00")))  # fmt: skip
    story.reply(call(outs), 200, page("fills", fill(), fill("t2")))
    assert story.words() == ("filled", 2 * ONE, 0)
    assert story.strange == [] and not story.account.live


def test_a_cancel_that_meets_a_fill_leaves_nothing_uncounted():
    """F41: half was taken while the cancel was on its way; its fill shows only afterwards."""
    story = Story()
    story.reply(call(story.do(SubmitOrder(order()))), 201, created())
    outs = story.do(CancelOrder(order(), "v1", "done"))
    body = {"order_id": "v1", "reduced_by": "1.00", "ts_ms": MS}
    outs = story.reply(call(outs), 200, body)
    assert story.words() == ("canceled", 0, ONE) and story.life.owed == ONE
    story.reply(call(outs), 200, page("fills", fill()))
    assert story.words() == ("canceled", ONE, ONE) and not story.life.owed
    assert story.strange == []


def test_a_report_that_agrees_differs_in_nothing():
    """The first report opens the books; what happens after it is in the second one too."""
    story = Story()
    holdings = {"market_positions": [], "cursor": ""}
    empty = {"positions": holdings, "orders": page("orders"), "fills": page("fills")}
    money = {"balance": 10_000, "balance_dollars": "100.0000"}
    story.report(since=0, balance=money, cutoff={"trades_created_ts": 1}, **empty)
    assert story.account.cash("kalshi") == 100 * ONE
    outs = story.reply(call(story.do(SubmitOrder(order(tif="ioc")))), 201, created("1.00", "0.00"))
    story.reply(call(outs), 200, page("fills", fill()))
    after = {
        "positions": {"market_positions": [{"ticker": KEY[7:], "position_fp": "1.00"}],
                      "cursor": ""},
        "balance": {"balance": 9_954, "balance_dollars": "99.542752"},
        "orders": page("orders"), "fills": page("fills", fill()),
        "settlements": page("settlements"),
    }  # fmt: skip
    story.report(**after)
    assert story.account.cash("kalshi") == 99_542_752
    assert differences(story.account, story.account.seen["kalshi"]) == []
    assert story.strange == []
