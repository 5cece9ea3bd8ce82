"""From steps of a run to what people are told of."""

import json
from types import SimpleNamespace

import pytest

from dutchbook.alerts.look import Position
from dutchbook.alerts.notice import Draft
from dutchbook.alerts.trigger import Follow, Seen, Triggers
from dutchbook.domain.account_events import OrderFilled, OrderRejected
from dutchbook.domain.effects import Alert, CancelOrder
from dutchbook.domain.events import (
    Envelope,
    FeedDown,
    FeedUp,
    MarketResolved,
    OperatorAsked,
    SignalArrived,
    TimerFired,
)
from dutchbook.domain.orders import Order
from dutchbook.domain.step import HaltMoved, Refused, Step
from dutchbook.domain.units import ONE, SECOND, Ns

from .desk import NoLook

KEY = "kalshi:KXFED"


def order(name="a-1-1"):
    return Order(name, "kalshi", "us", KEY, "yes", "buy", 440_000, 10 * ONE, "ioc", Ns(0), "leg")


class Look(NoLook):
    def __init__(self):
        self.held, self.bids, self.broken = [], [], []

    def market(self, key):
        return (
            SimpleNamespace(title="Fed cuts in March?", rules="", event="x") if key == KEY else None
        )

    def order(self, name):
        return order(name) if name.startswith("a-") else None

    def holdings(self):
        return self.held

    def alone(self):
        return self.bids

    def open_orders(self, venue):
        return 2

    def arb_of(self, key):
        return "o1"

    def down(self):
        return self.broken


@pytest.fixture
def made():
    return Triggers(Seen("live")), Look()


def step(event, notes=(), effects=(), at=0, seq=5):
    return Step(Envelope(seq, Ns(at), event), effects, notes)


TIMER = TimerFired("tick")


def test_a_stop_on_the_days_loss_is_told_once_with_its_figures(made):
    triggers, look = made
    look.held = [Position(KEY, "yes", ONE, ONE, 0)] * 4
    why = "day loss 100400000 of 2000000000"
    effects = (
        *(CancelOrder(order(f"a-{n}"), "v", "halt") for n in range(7)),
        Alert("critical", "halt:pause", f"trading: pause, {why}"),
    )
    (draft,) = triggers.saw(step(TIMER, (HaltMoved("all", "pause", why),), effects), look)
    assert (draft.kind, draft.priority, draft.seq) == ("daily_loss", None, 5)
    assert draft.text == (
        "[LIVE] 🛑 HALT  day loss −$100.40 ≥ $100 (basis: day). Cancelled 7 orders; "
        "4 positions kept. Resume: /resume"
    )
    assert draft.short == "DUTCHBOOK LIVE HALT day -100.40. 7 orders cancelled. Resume in app."
    assert draft.title == "HALT – day loss"


@pytest.mark.parametrize(
    ("note", "kind", "priority", "words"),
    [
        (HaltMoved("all", "kill", "kill switch, ann"), "halt", None, "--clear-kill"),
        (HaltMoved("market:" + KEY, "pause", "3 trades failed"), "halt", "HIGH", f"market:{KEY}"),
        (HaltMoved("all", "halt", "9000000 below the peak"), "halt", None, "(basis: peak)"),
        (HaltMoved("all", "", "ann asked", "ann"), "halt", "LOW", "✅ Trading goes on: ann asked"),
    ],
)
def test_stops_and_releases(made, note, kind, priority, words):
    (draft,) = made[0].saw(step(TIMER, (note,)), made[1])
    assert (draft.kind, draft.priority) == (kind, priority) and words in draft.text


def test_a_stream_that_is_silent_and_comes_back(made):
    triggers, look = made
    triggers.saw(step(FeedDown("polymarket.market.0", "reset")), look)
    assert triggers.tick(Ns(9 * SECOND), look) == []
    (draft,) = triggers.tick(Ns(12 * SECOND), look)
    assert draft.text.startswith("[LIVE] 🔌 Feed  polymarket.market.0 silent 12 s – quotes pulled.")
    assert triggers.tick(Ns(13 * SECOND), look) == []
    back = triggers.saw(step(FeedUp("polymarket.market.0"), at=19 * SECOND), look)
    assert back == [Follow("feed:polymarket.market.0", "✅ back after 19 s, 2 orders affected")]


def test_a_short_silence_is_not_told(made):
    triggers, look = made
    triggers.saw(step(FeedDown("kalshi.book", "reset")), look)
    assert triggers.saw(step(FeedUp("kalshi.book"), at=5 * SECOND), look) == []
    assert triggers.tick(Ns(60 * SECOND), look) == []


def test_a_component_that_is_down_for_five_minutes_is_a_system_error(made):
    triggers, look = made
    look.broken = [("kalshi", Ns(0))]
    assert triggers.tick(Ns(300 * SECOND), look) == []
    (draft,) = triggers.tick(Ns(301 * SECOND), look)
    assert (draft.kind, draft.text) == (
        "system_error", "[LIVE] 🚨 System error  kalshi is down for 5 min",
    )  # fmt: skip
    assert triggers.tick(Ns(900 * SECOND), look) == []


def test_fills_and_failures_of_orders(made):
    triggers, look = made
    fill = OrderFilled("kalshi", "us", "a-1", "v1", "t1", KEY, "yes", "buy", 440_000, 10 * ONE,
                       20_000, False, Ns(0))  # fmt: skip
    (told,) = triggers.saw(step(fill), look)
    assert told.text == "[LIVE] 💵 Fill  Kalshi BUY YES 10 @ 44.0¢ “Fed cuts in March?” fee $0.02"
    (told,) = triggers.saw(step(OrderRejected("a-1", "funds", "no\x1b money")), look)
    assert told.text == (
        "[LIVE] ✖ Order failed  Kalshi BUY YES 10 @ 44.0¢ “Fed cuts in March?”: funds no money"
    )
    for reason in ("no_match", "killed", "expired"):
        assert triggers.saw(step(OrderRejected("a-1", reason, "")), look) == []


def test_refusals_of_people_and_signals_only(made):
    triggers, look = made
    note = Refused("order", "per_market", "too much", {})
    (told,) = triggers.saw(step(OperatorAsked("ann", "order", ()), (note,)), look)
    assert told.text == "[LIVE] ⛔ Refused  ann: per_market, too much"
    assert triggers.saw(step(OperatorAsked("ann", "execute", ()), (note,)), look) == []
    assert triggers.saw(step(TIMER, (note,)), look) == []


def test_a_market_that_we_hold_is_determined(made):
    triggers, look = made
    look.held = [Position(KEY, "no", 10 * ONE, 4_590_000, 0)]
    (told,) = triggers.saw(step(MarketResolved(KEY, 0, Ns(0))), look)
    assert told.text == "[LIVE] 🏁 Resolved  “Fed cuts in March?” = NO. +$5.41 (arb #o1)."
    assert triggers.saw(step(MarketResolved("kalshi:OTHER", 0, Ns(0))), look) == []


def test_a_position_that_loses_more_than_a_twentieth_is_told_once_per_fall(made):
    triggers, look = made

    def at(bid):
        look.bids = [Position(KEY, "yes", 100 * ONE, 50 * ONE, bid)]
        return [draft.text for draft in triggers.tick(Ns(0), look)]

    assert at(475_000) == []
    assert at(470_000) == [
        "[LIVE] ⚠ Position  YES “Fed cuts in March?” ×100: −$3.00 (6 % of $50.00)"
    ]
    assert at(400_000) == [] and at(500_000) == [] and len(at(450_000)) == 1


def test_the_towers_own_words_have_their_level(made):
    triggers, look = made
    alerts = (Alert("critical", "basket:b1", "basket b1 is open"), Alert("info", "x", "y"))
    drafts = triggers.saw(step(TIMER, (), alerts), look)
    assert all(isinstance(d, Draft) for d in drafts)
    assert [(d.kind, d.priority, d.key) for d in drafts] == [
        ("trouble", "CRITICAL", "trouble:basket:b1"), ("trouble", "LOW", "trouble:x"),
    ]  # fmt: skip


def arrived(kind, keys=(), **body):
    text = json.dumps(body) if body else "not JSON {"
    return SignalArrived("webhook:x", "id", kind, 0, keys=keys, body=text)


WHALE = {"amount_usd": "6000000", "token_symbol": "USDC", "direction": "INFLOW",
         "transaction_hash": "0xabc", "exchange": "binance",
         "from_address": "0x7a1234567890e1"}  # fmt: skip


def test_a_transfer_of_more_than_a_million_is_told_once(made):
    triggers, look = made
    (draft,) = triggers.saw(step(arrived("whale", **WHALE)), look)
    assert (draft.kind, draft.key, draft.seq) == ("whale", "whale:0xabc", 5)
    assert draft.text == "[LIVE] 🐋 Whale  0x7a…e1 moved $6,000,000 USDC into binance"
    for small in ("1000000", "-5", "NaN", "Infinity", "1e99"):
        assert triggers.saw(step(arrived("whale", **WHALE | {"amount_usd": small})), look) == []
    assert triggers.saw(step(arrived("whale", amount=5)), look) == []
    assert triggers.saw(step(arrived("whale")), look) == []


def test_an_urgent_headline_is_told_with_its_markets(made):
    triggers, look = made
    said = {"headline": "Breaking: a bank\u202e halts", "urgency": "high", "publisher": "Reuters"}
    (draft,) = triggers.saw(step(arrived("news", (KEY, "kalshi:B"), **said), at=61 * SECOND), look)
    assert draft.kind == "news"
    assert draft.text == (
        "[LIVE] 📰 News  Reuters 00:01:01 “Breaking: a bank halts” → 2 markets: "
        "“Fed cuts in March?”"
    )
    (bare,) = triggers.saw(step(arrived("news", **said)), look)
    assert bare.key == draft.key and bare.text.endswith("halts”")
    assert triggers.saw(step(arrived("news", **said | {"urgency": "low"})), look) == []
    assert triggers.saw(step(arrived("composite", **said)), look) == []
