"""The bytes of orders: written down once, and the same for ever."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kalshi_trading import CONFIG, KEY, NOW, T, calls, facts, order, sent, trading

from dutchbook.domain.account_events import OrderRejected
from dutchbook.domain.effects import AmendOrder, CancelAll, CancelOrder, SubmitOrder, SubmitOrders
from dutchbook.domain.units import ONE, micros
from dutchbook.venues.kalshi import order_bytes

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "kalshi_orders.txt"
GTD = NOW + 90_500_000_000
SHAPES = {
    "buy yes": SubmitOrder(order()),
    "sell yes": SubmitOrder(order(action="sell", px=990_000)),
    "buy no": SubmitOrder(order(outcome="no")),
    "sell no": SubmitOrder(order(outcome="no", action="sell", px=123_400)),
    "ioc": SubmitOrder(order(tif="ioc", qty=10_000, px=100)),
    "fok": SubmitOrder(order(tif="fok", qty=1_234_560_000)),
    "gtd": SubmitOrder(order(tif="gtd", expires=GTD)),
    "post only": SubmitOrder(order(post_only=True)),
    "reduce only": SubmitOrder(order(reduce_only=True, action="sell", tif="ioc")),
    "on a shard": SubmitOrder(order(shard=2)),
    "batch": SubmitOrders("kalshi", (order(), order("e1.7-1", outcome="no", shard=1))),
    "cancel": CancelOrder(order(), "v-1/2", "done"),
    "cancel on a shard": CancelOrder(order(shard=2), "v1", "done"),
    "amend": AmendOrder(order(), "v1", 450_000, 3_000_000),
    "amend no": AmendOrder(order(outcome="no"), "v1", 450_000, 1_000_000),
    "cancel all": CancelAll("kalshi", "kill"),
}


def written(**words) -> str:
    """Every request, one a line: name, method, path with query, body."""
    lines = []
    for name, effect in SHAPES.items():
        for call in calls(trading(**words).do(effect, NOW)):
            path = call.url.removeprefix(CONFIG.rest)
            lines.append(f"{name}\t{call.method}\t{path}\t{call.body.decode()}\n")
    return "".join(lines)


def test_every_request_has_the_bytes_that_were_written_down():
    assert written() + written(subaccount=7) == GOLDEN.read_text()


def test_the_same_order_gives_the_same_bytes_again():
    """Sent again, in this process or in the next one, it is the same request to the venue."""
    venue = trading()
    first, again = sent(venue, order()), venue.do(SubmitOrder(order(), again=True), NOW + 1)
    assert [call.body for call in calls(again)] == [first.body] == [sent(trading(), order()).body]
    assert first.id != calls(again)[0].id


def test_a_request_is_signed_with_its_method_and_its_path_alone():
    call = sent(trading(), order())
    (sign,) = call.sign
    assert (sign.text, sign.stamp) == (
        "{ms}POST/trade-api/v2/portfolio/events/orders", "KALSHI-ACCESS-TIMESTAMP",
    )  # fmt: skip
    (call,) = calls(trading().do(CancelOrder(order(shard=2), "v1", "x"), NOW))
    assert call.sign[0].text == "{ms}DELETE/trade-api/v2/portfolio/events/orders/v1"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"px": 440_050}, "price"),
        ({"px": 0}, "price"),
        ({"px": ONE}, "price"),
        ({"px": -440_000}, "price"),
        ({"qty": 0}, "size"),
        ({"qty": -10_000}, "size"),
        ({"qty": 15_000}, "size"),
        ({"tif": "gtd"}, "expiry"),
        ({"expires": GTD}, "expiry"),
        ({"account": "other"}, "account"),
        ({"key": "polymarket:0x1"}, "Kalshi"),
        ({"name": ""}, "id"),
        ({"name": "e1:7"}, "id"),
        ({"name": "E1.7"}, "id"),
        ({"name": "a" * 41}, "id"),
    ],
)
def test_an_order_that_cannot_be_written_exactly_is_not_sent(words, says):
    outs = trading().do(SubmitOrder(order(**words)), NOW)
    (rejected,) = facts(outs)
    assert isinstance(rejected, OrderRejected) and calls(outs) == []
    assert rejected.reason == "not_sent" and says in rejected.text


@given(
    px=st.integers(1, 9_999).map(lambda n: n * 100),
    qty=st.integers(1, 10**11).map(lambda n: n * 10_000),
    outcome=st.sampled_from(("yes", "no")),
    action=st.sampled_from(("buy", "sell")),
)
def test_r8_prices_sizes_and_sides_mean_the_same_as_the_order(px, qty, outcome, action):
    """Who buys NO at p sells YES at 1 - p; what is read back is what was meant, exactly."""
    body = order_bytes.create(order(px=px, qty=qty, outcome=outcome, action=action), CONFIG)
    assert (body["ticker"], KEY) == (T, f"kalshi:{T}")
    assert micros(body["price"]) == (px if outcome == "yes" else ONE - px)
    assert micros(body["count"]) == qty and len(body["count"].split(".")[1]) == 2
    yes_bid = {("yes", "buy"), ("no", "sell")}
    assert body["side"] == ("bid" if (outcome, action) in yes_bid else "ask")


@given(st.text("0123456789abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=40))
def test_our_ids_fit_the_venues_alphabet_and_come_back(name):
    text = order_bytes.client_id(name)
    assert len(text) <= 64 and all(c.isalnum() or c in "-_:+=/" for c in text)
    assert order_bytes.order_id(text) == name


@pytest.mark.parametrize("text", ["", "a" * 41, "A", "a.b", "É", "a b", "\x00", "3F2C"])
def test_an_id_that_we_cannot_have_made_is_nobodys(text):
    assert order_bytes.order_id(text) == ""
