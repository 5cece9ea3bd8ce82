"""A trading Kalshi under its real driver and signer: what is on the wire, and when."""

import base64
import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from kalshi_trading import CONFIG, KEY, order

from dutchbook.domain.account_events import OrderAcked, OrderRejected, OrderUnknown
from dutchbook.domain.effects import CancelAll, CancelOrder, SubmitOrder
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.io.driver import Driver
from dutchbook.io.fake import FakeTransport
from dutchbook.io.ports import Lost, Reply
from dutchbook.io.signer import Signer
from dutchbook.runtime.clock import VirtualClock
from dutchbook.venues.kalshi import Kalshi

START = Ns(1_786_085_188 * SECOND)
SIGNING = Ed25519PrivateKey.generate()  # signs at once: an RSA key would leave the virtual time
PEM = SIGNING.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)


class Run:
    """The venue, its driver and a world that answers orders with `answer`."""

    def __init__(self, answer=None):
        self.clock = VirtualClock(START)
        self.events = []
        self.answer = answer or self.acked
        self.transport = FakeTransport(self.clock, answer=self._answer)
        signer = Signer()
        signer.add(CONFIG.key, Secret(PEM))
        self.driver = Driver(
            Kalshi(CONFIG), lambda stream, events: self.events.extend(events),
            clock=self.clock, signer=signer, transport=self.transport,
        )  # fmt: skip

    def acked(self, call):
        name = json.loads(call.body)["client_order_id"]
        body = {"order_id": f"v{name}", "fill_count": "0", "remaining_count": "2", "ts_ms": 1}
        return Reply(201, json.dumps(body).encode())

    def _answer(self, call, headers):
        return self.answer(call) if call.method == "POST" else Reply(404)

    def sent(self, method):
        return [(at, call, had) for at, call, had in self.transport.called if call.method == method]

    def of(self, *kinds):
        return [event for event in self.events if isinstance(event, kinds)]


def verify(call, headers):
    path = call.url.removeprefix("https://external-api.kalshi.com").partition("?")[0]
    text = f"{headers['KALSHI-ACCESS-TIMESTAMP']}{call.method}{path}"
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
    SIGNING.public_key().verify(signature, text.encode())


async def test_what_waited_for_the_budget_is_signed_as_it_leaves_or_does_not_leave():
    """Basic tier: six orders at once, then one every 148 ms; after a second none leaves late."""
    run = Run()
    for n in range(20):
        run.driver.do(SubmitOrder(order(f"e1.{n}-0")))
    await run.clock.advance(Ns(5 * SECOND))
    left = run.sent("POST")
    for at, call, headers in left:
        verify(call, headers)
        assert headers["KALSHI-ACCESS-TIMESTAMP"] == str(at // MILLI)
        assert headers["Content-Type"] == "application/json" and at <= START + SECOND
    assert len({at for at, *_ in left}) > 3
    late = run.of(OrderRejected)
    assert len(run.of(OrderAcked)) == len(left) > 6 and len(left) + len(late) == 20
    assert {event.reason for event in late} == {"not_sent"}
    await run.driver.stop()


async def test_a_cancel_has_tokens_when_the_orders_have_none():
    run = Run()
    for n in range(20):
        run.driver.do(SubmitOrder(order(f"e1.{n}-0")))
    run.driver.do(CancelOrder(order(), "v1", "now"))
    await run.clock.advance(Ns(1))
    ((at, call, headers),) = run.sent("DELETE")
    verify(call, headers)
    assert at <= START + 1
    await run.driver.stop()


async def test_when_all_is_canceled_no_order_that_still_waits_leaves():
    run = Run()
    for n in range(20):
        run.driver.do(SubmitOrder(order(f"e1.{n}-0")))
    await run.clock.advance(Ns(1))
    before = len(run.sent("POST"))
    run.driver.do(CancelAll("kalshi", "kill"))
    await run.clock.advance(Ns(5 * SECOND))
    assert len(run.sent("POST")) == before == len(run.of(OrderAcked))
    assert len(run.of(OrderRejected)) == 20 - before > 0
    await run.driver.stop()


async def test_when_all_is_canceled_what_only_sells_still_leaves():
    """A kill that sells what is held must not take back its own sales."""
    run = Run()
    sale = {"action": "sell", "tif": "ioc", "reduce_only": True}
    for n in range(12):
        exits = n % 2 == 0
        words = sale | {"purpose": "exit"} if exits else {}
        run.driver.do(SubmitOrder(order(f"e1.{n}-0", **words)))
    run.driver.do(CancelAll("kalshi", "kill"))
    await run.clock.advance(Ns(5 * SECOND))
    names = {json.loads(call.body)["client_order_id"] for _, call, _ in run.sent("POST")}
    assert {f"e1:{n}-0" for n in range(0, 12, 2)} <= names
    back = {event.order for event in run.of(OrderRejected)}
    assert back and back <= {f"e1.{n}-0" for n in range(1, 12, 2)}
    await run.driver.stop()


async def test_whatever_breaks_under_a_request_the_order_is_unknown():
    """F10, F27: lost on the way back, or a defect below: neither says that it did not arrive."""

    def cut(call):
        return Lost("cut", sent=True)

    def broken(call):
        raise RuntimeError("a defect")

    for answer in (cut, broken):
        run = Run(answer)
        run.driver.do(SubmitOrder(order()))
        await run.clock.advance(Ns(SECOND))
        assert [event.order for event in run.of(OrderUnknown)] == ["e1.7-0"]
        await run.driver.stop()


async def test_what_cannot_be_signed_never_leaves():
    run = Run()
    run.driver.signer = Signer()
    run.driver.do(SubmitOrder(order()))
    await run.clock.advance(Ns(SECOND))
    assert run.sent("POST") == [] and order().key == KEY
    assert [event.reason for event in run.of(OrderRejected)] == ["not_sent"]
    await run.driver.stop()
