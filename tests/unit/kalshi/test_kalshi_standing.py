"""Budgets, pauses, regions and groups: what the venue allows, asked for and respected."""

import json

import pytest
from kalshi_trading import (
    CONFIG,
    MS,
    NOW,
    PRIVATE,
    calls,
    created,
    facts,
    frame,
    order,
    reply,
    sent,
    trading,
)
from test_kalshi_private import grouped

from dutchbook.domain.account_events import ClockSeen, OrderRejected, VenueMode
from dutchbook.domain.effects import CancelAll, SubmitOrder, SubmitOrders
from dutchbook.domain.errors import ConfigError
from dutchbook.domain.events import BadInput
from dutchbook.domain.units import SECOND
from dutchbook.venues.base import Bucket, Wake
from dutchbook.venues.kalshi import Config, Kalshi

KEYS = "/api_keys"
STATUS = "/exchange/status"
OPEN = {"exchange_active": True, "trading_active": True}


def started(**bodies):
    """What the first questions give; a status in place of a body, 404 where nothing is said."""
    venue = Kalshi(CONFIG)
    outs = []
    for asked in [out for out in venue.start(NOW) if out.id.startswith("kalshi.own")]:
        name = asked.url.rpartition("/")[2]
        body = bodies.get(name, 404)
        outs += reply(venue, asked, *((body, b"") if isinstance(body, int) else (200, body)))
    return venue, outs


def modes(outs):
    return [(one.mode, one.until) for one in facts(outs) if isinstance(one, VenueMode)]


def limits(rate, burst):
    read = {"refill_rate": 300, "bucket_capacity": 600}
    return {"usage_tier": "advanced", "read": read,
            "write": {"refill_rate": rate, "bucket_capacity": burst}}  # fmt: skip


def test_a_quarter_of_the_write_budget_is_kept_for_cancels():
    """P20: cancels have tokens of their own, whatever the orders have used up."""
    venue, _ = started(limits=limits(300, 600))
    assert venue.buckets()[1:] == (
        Bucket("kalshi.write", 225, 450), Bucket("kalshi.cancel", 75, 150),
    )  # fmt: skip


@pytest.mark.parametrize("body", [404, 500, b"", b"{}", limits(0, 0), limits(5, 10**9),
                                  limits(-1, 100), limits(1.5, 100)])  # fmt: skip
def test_a_budget_that_is_not_told_or_cannot_be_is_the_basic_one(body):
    venue, _ = started(limits=body)
    assert venue.buckets()[1:] == (
        Bucket("kalshi.write", 75, 75), Bucket("kalshi.cancel", 25, 25),
    )  # fmt: skip


def test_calls_cost_what_the_venue_says():
    cost = [
        {"method": "POST", "path": "/portfolio/events/orders", "cost": 20},
        {"method": "DELETE", "path": "/trade-api/v2/portfolio/events/orders/{order_id}", "cost": 3},
        {"method": "GET", "path": "/portfolio/orders/{order_id}", "cost": -5}, {"x": 1}, 7,
    ]  # fmt: skip
    venue, _ = started(endpoint_costs={"default_cost": 15, "endpoint_costs": cost})
    assert sent(venue, order()).cost == 20
    costs = venue.trading.orders.costs
    assert (costs.cancel, costs.get_order, costs.amend) == (3, 2, 15)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (OPEN, [("open", 0)]),
        ({"exchange_active": True, "trading_active": False}, [("paused", 0)]),
        ({"exchange_active": False, "trading_active": True,
          "exchange_estimated_resume_time": "2026-08-07T09:00:00Z"},
         [("paused", 1_786_093_200 * SECOND)]),
        ({"exchange_active": False, "trading_active": False,
          "exchange_estimated_resume_time": "soon"}, [("paused", 0)]),
        (500, []), (b"", []), (b"<html>", []), ({"exchange_active": 1}, []),
    ],
)  # fmt: skip
def test_the_exchanges_status_is_the_venues_mode_and_no_answer_is_none(body, said):
    _, outs = started(status=body)
    assert modes(outs) == said


def test_a_pause_is_looked_at_more_often_and_its_end_is_told_once():
    venue, outs = started(status=OPEN | {"trading_active": False})
    (wake,) = [out for out in outs if isinstance(out, Wake) and out.at == NOW + 5 * SECOND]
    (asked,) = calls(venue.on_wake(wake.token, wake.at))
    outs = reply(venue, asked, 200, OPEN, wake.at)
    assert modes(outs) == [("open", 0)]
    (wake,) = [out for out in outs if isinstance(out, Wake)]
    assert wake.at == NOW + 65 * SECOND
    (asked,) = calls(venue.on_wake(wake.token, wake.at))
    assert modes(reply(venue, asked, 200, OPEN, wake.at)) == []


def test_the_announced_windows_are_watched_as_they_begin_and_end():
    """Thursdays from 03:00 to 05:00 in New York."""
    window = {"start_datetime": "2026-08-13T07:00:00Z", "end_datetime": "2026-08-13T09:00:00Z"}
    past = {"start_datetime": "2026-08-06T07:00:00Z", "end_datetime": "never"}
    schedule = {"standard_hours": [], "maintenance_windows": [past, window]}
    venue, outs = started(schedule={"schedule": schedule})
    begin = 1_786_604_400 * SECOND
    wakes = [out for out in outs if isinstance(out, Wake) and out.at >= begin]
    assert [out.at for out in wakes] == [begin, begin + 7_200 * SECOND]
    (asked,) = calls(venue.on_wake(wakes[0].token, begin))
    assert asked.url.endswith(STATUS)


def test_r8_a_region_that_has_lapsed_closes_the_venue_to_new_risk():
    """It is renewed by its owner at the venue, never worked around here."""
    soon = NOW // SECOND + 60
    for ends, said in ((soon, []), (NOW // SECOND - 1, ["closing_only"])):
        key = {"api_key_id": "me", "api_key_region_expiration_ts": ends}
        other = {"api_key_id": "other", "api_key_region_expiration_ts": 1}
        venue, outs = started(api_keys={"api_keys": [other, key]})
        assert [mode for mode, _ in modes(outs)] == (said or ["open"])
    venue, outs = started(api_keys={"api_keys": [
        {"api_key_id": "me", "api_key_region_expiration_ts": soon}]})  # fmt: skip
    wake = next(out for out in outs if isinstance(out, Wake) and out.at == soon * SECOND)
    (asked,) = calls(venue.on_wake(wake.token, wake.at))
    key = {"api_key_id": "me", "api_key_region_expiration_ts": soon}
    outs = reply(venue, asked, 200, {"api_keys": [key]}, wake.at)
    assert [mode for mode, _ in modes(outs)] == ["closing_only"]


def test_the_worst_of_several_reasons_is_what_holds():
    """A bad key while the exchange is paused; a good answer takes back only the key."""
    venue, outs = started(status=OPEN | {"trading_active": False}, api_keys=401)
    assert [mode for mode, _ in modes(outs)] == ["paused", "unauthorized"]
    outs = reply(venue, sent(venue, order()), 201, created())
    assert [mode for mode, _ in modes(outs)] == ["paused"]


def test_a_public_answer_does_not_prove_the_key():
    venue, _ = started(api_keys=401)
    outs = venue.trading.exchange.ask_status(NOW)
    assert modes(reply(venue, calls(outs)[0], 200, OPEN)) == []


@pytest.mark.parametrize(
    ("venue_ms", "took", "skew"),
    [
        (MS + 50, 0, -50_000_000),
        (MS + 50, 4 * SECOND, 0),
        (MS + 6_000, 4 * SECOND, -2 * SECOND),
        (MS - 7_000, 4 * SECOND, 7 * SECOND),
    ],
)
def test_our_clock_is_compared_with_the_venues_and_a_slow_answer_is_no_wrong_clock(
    venue_ms, took, skew
):
    venue = trading()
    outs = reply(venue, sent(venue, order()), 201, created(ts_ms=venue_ms), NOW + took)
    assert [e for e in facts(outs) if isinstance(e, ClockSeen)] == [ClockSeen("kalshi", skew)]


def test_our_clock_is_compared_now_and_then():
    venue = trading()
    for n, (at, told) in enumerate(((0, 1), (9, 0), (10, 1), (11, 0))):
        outs = reply(venue, sent(venue, order(f"e1.7-{n}")), 201, created(), NOW + at * SECOND)
        assert len([e for e in facts(outs) if isinstance(e, ClockSeen)]) == told


# Groups


def test_a_group_is_made_on_every_shard_and_an_order_keeps_the_one_it_was_sent_with():
    venue = grouped((0, 2))
    assert json.loads(sent(venue, order(shard=2)).body)["order_group_id"] == "g2"
    assert "order_group_id" not in json.loads(sent(venue, order("e1.8-0", shard=3)).body)
    venue.trading.orders.groups[2] = "g9"
    assert json.loads(sent(venue, order(shard=2)).body)["order_group_id"] == "g2"


def test_cancel_all_trips_the_groups_and_the_next_order_resets_them_first():
    venue = grouped()
    put, delete = calls(venue.do(CancelAll("kalshi", "kill"), NOW))
    ours = {"event_type": "triggered", "order_group_id": "g0", "ts_ms": MS}
    assert modes(venue.on_frame(PRIVATE, frame("order_group_updates", ours, seq=1), NOW)) == []
    assert (put.method, put.url[-24:]) == ("PUT", "/order_groups/g0/trigger")
    assert delete.method == "DELETE"
    reset = venue.do(SubmitOrder(order()), NOW)
    assert [c.url[-22:] for c in calls(reset)] == ["/order_groups/g0/reset"] and not facts(reset)
    assert venue.do(SubmitOrder(order("e1.8-0")), NOW) == []
    outs = reply(venue, calls(reset)[0], 200, {})
    names = [json.loads(c.body)["client_order_id"] for c in calls(outs)]
    assert names == ["e1:7-0", "e1:8-0"] and not facts(outs)


def test_orders_that_waited_for_a_reset_when_everything_is_canceled_again_never_leave():
    venue = grouped()
    venue.do(CancelAll("kalshi", "kill"), NOW)
    reset = venue.do(SubmitOrders("kalshi", (order(), order("e1.8-0"))), NOW)
    outs = venue.do(CancelAll("kalshi", "kill"), NOW)
    assert [(e.order, e.reason) for e in facts(outs) if isinstance(e, OrderRejected)] == [
        ("e1.7-0", "not_sent"), ("e1.8-0", "not_sent"),
    ]  # fmt: skip
    assert reply(venue, calls(reset)[0], 200, {}) == []


def test_a_group_that_cannot_be_made_is_said_in_the_end():
    venue = Kalshi(Config(key_id="me", key="k", account="main", group_contracts=1))
    outs = [out for out in venue.start(NOW) if out.url.endswith("create")]
    turns = 0
    while calls(outs):
        outs = reply(venue, calls(outs)[0], 500, b"")
        turns += 1
        if isinstance(outs[0], Wake):
            outs = venue.on_wake(outs[0].token, outs[0].at)
    (bad,) = facts(outs)
    assert turns == 5 and isinstance(bad, BadInput) and "no order group" in bad.what


@pytest.mark.parametrize("words", [
    {"account": "main"}, {"account": "main", "key_id": "a", "key": "b", "subaccount": 64},
    {"subaccount": -1}, {"group_contracts": -1}, {"group_contracts": 1_000_001},
])  # fmt: skip
def test_settings_that_cannot_be_are_named(words):
    with pytest.raises(ConfigError, match=r"kalshi\."):
        Kalshi(Config(**words))
