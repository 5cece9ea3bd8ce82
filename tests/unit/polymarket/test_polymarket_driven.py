"""A trading Polymarket under its real driver and signer: what is on the wire, and who signed it."""

import json
from itertools import pairwise

import msgspec
import pytest
from coincurve import PublicKey

from dutchbook.domain.account_events import OrderAcked, OrderRejected, OrderUnknown, VenueMode
from dutchbook.domain.effects import CancelAll, SubmitOrder
from dutchbook.domain.errors import ConfigError, VenueUnreachable
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import SECOND
from dutchbook.io import evm
from dutchbook.io.driver import Driver
from dutchbook.io.fake import FakeTransport
from dutchbook.io.ports import Lost, Reply
from dutchbook.io.signer import Signer
from dutchbook.runtime.clock import VirtualClock
from dutchbook.venues.polymarket import build, signed, typed
from pm import event, market, page
from pm_trading import MINE, NOW, later, order

KEY = Secret("0x" + "4c" * 32)
ADDRESS = evm.address(KEY)
PAYER = signed.wallet(ADDRESS, "", 0, 137)
CONFIG = msgspec.structs.replace(MINE, address=ADDRESS)


def body(found):
    return json.dumps(found, separators=(",", ":")).encode()


class Run:
    """The venue, its driver and a world that answers orders with `posted`."""

    def __init__(self, posted=None, **changed):
        self.clock = VirtualClock(NOW)
        self.events = []
        self.posted = posted
        self.transport = FakeTransport(self.clock, answer=self._answer)
        signer = Signer()
        signer.add_secret("polymarket.wallet", KEY)
        signer.add_secret("polymarket.api_key", Secret("the-key\n"))
        signer.add_secret("polymarket.api_secret", Secret("c2VjcmV0"))
        signer.add_secret("polymarket.api_passphrase", Secret('wo"rd'))
        self.driver = Driver(
            build(msgspec.structs.replace(CONFIG, **changed)),
            lambda stream, events: self.events.extend(events),
            clock=self.clock, signer=signer, transport=self.transport,
        )  # fmt: skip

    async def begun(self):
        self.driver.start()
        await self.clock.advance(SECOND)
        self.events.clear()
        return self

    def of(self, *kinds):
        return [one for one in self.events if isinstance(one, kinds)]

    def called(self, part):
        return [(at, call, had) for at, call, had in self.transport.called if part in call.url]

    def _answer(self, call, headers):
        known = {
            "http://geo": {"blocked": False}, "closed-only": {"closed_only": False},
            "/version": {"version": 2}, "heartbeats": {"heartbeat_id": "h"},
            "cancel-all": {"canceled": [], "not_canceled": {}},
        }  # fmt: skip
        if "keyset" in call.url:
            return Reply(200, page(event(market())))
        if call.url.endswith("/order"):
            return self.posted(call)
        found = next((value for part, value in known.items() if part in call.url), None)
        return Reply(404) if found is None else Reply(200, body(found))


def acked(call):
    sent = json.loads(call.body)["order"]
    one = {"success": True, "errorMsg": "", "orderID": name_by(sent), "status": "live"}
    return Reply(200, body(one))


def name_by(sent):
    """The order's name as the venue makes it: from what it was sent."""
    fields = typed.OrderFields(
        sent["salt"], sent["maker"], sent["signer"], int(sent["tokenId"]),
        int(sent["makerAmount"]), int(sent["takerAmount"]), int(sent["side"] == "SELL"),
        sent["signatureType"], int(sent["timestamp"]),
    )  # fmt: skip
    return "0x" + typed.order(fields, 137, neg_risk=True).order_id.hex()


async def test_an_order_on_the_wire_is_signed_by_the_wallet_and_acked():
    run = await Run(acked).begun()
    run.driver.do(SubmitOrder(order()))
    await run.clock.advance(SECOND)
    ((_, call, headers),) = run.called("/order")
    sent = json.loads(call.body)
    raw = bytes.fromhex(sent["order"]["signature"][2:])
    name = name_by(sent["order"])
    found = PublicKey.from_signature_and_message(
        raw[:64] + bytes((raw[64] - 27,)), bytes.fromhex(name[2:]), hasher=None
    )
    assert typed.checksum(typed.hashed(found.format(compressed=False)[1:])[12:].hex()) == ADDRESS
    assert sent["owner"] == headers["POLY_API_KEY"] == "the-key"
    assert headers["POLY_PASSPHRASE"] == 'wo"rd'
    text = f"{headers['POLY_TIMESTAMP']}POST/order".encode() + call.body
    assert headers["POLY_SIGNATURE"] == evm.hmac(Secret("c2VjcmV0"), text)
    assert [(one.order, one.venue_order) for one in run.of(OrderAcked)] == [("o-1", name)]
    await run.driver.stop()


async def test_the_user_channel_begins_with_the_credentials_and_pings():
    run = await Run(acked).begun()
    await run.clock.advance(10 * SECOND)
    mine = [data for _, url, data in run.transport.sent if url == "ws://user"]
    assert json.loads(mine[0]) == {
        "type": "user",
        "auth": {"apiKey": "the-key", "secret": "c2VjcmV0", "passphrase": 'wo"rd'},
    }
    assert mine[1:] == [b"PING"]
    await run.driver.stop()


async def test_r1_a_lost_answer_is_unknown_and_the_same_bytes_go_out_again():
    run = await Run(lambda call: Lost("cut", sent=True)).begun()
    run.driver.do(SubmitOrder(order()))
    await run.clock.advance(SECOND)
    run.driver.do(SubmitOrder(order(), again=True))
    await run.clock.advance(SECOND)
    first, second = [call.body for _, call, _ in run.called("/order")]
    assert first == second
    assert [one.order for one in run.of(OrderUnknown)] == ["o-1", "o-1"]
    assert run.of(OrderRejected) == []
    await run.driver.stop()


async def test_orders_beyond_the_budget_wait_and_then_die_and_a_sweep_takes_them_back():
    run = await Run(acked, orders_per_second=2, orders_burst=3).begun()
    for n in range(8):
        run.driver.do(SubmitOrder(order(n)))
    await run.clock.advance(SECOND // 10)
    run.driver.do(CancelAll("polymarket", "story"))
    await run.clock.advance(5 * SECOND)
    acks, refused = run.of(OrderAcked), run.of(OrderRejected)
    assert {one.reason for one in refused} == {"not_sent"}
    assert len(acks) + len(refused) == 8
    assert len(run.called("/order")) == len(acks) <= 3
    await run.driver.stop()


async def test_a_heartbeat_every_five_seconds_from_the_first_order_on():
    run = await Run(acked).begun()
    await run.clock.advance(20 * SECOND)
    assert run.called("heartbeats") == []
    run.driver.do(SubmitOrder(order()))
    await run.clock.advance(20 * SECOND)
    times = [at for at, _, _ in run.called("heartbeats")]
    assert len(times) == 5
    assert all(b - a == 5 * SECOND for a, b in pairwise(times))
    assert run.of(VenueMode) == []
    await run.driver.stop()


async def test_credentials_are_made_or_else_derived():
    given = {"apiKey": "a", "secret": "s", "passphrase": "p"}
    for first in (Reply(200, body(given)), Reply(400, b'{"error":"exists"}')):
        clock = VirtualClock(later(0))
        answers = [first, Reply(200, body(given))]
        world = FakeTransport(clock, answer=lambda call, had, left=answers: left.pop(0))
        made = await evm.credentials(world, clock, "http://clob", KEY, 137)
        assert [one.reveal() for one in (made.api_key, made.secret, made.passphrase)] == [
            b"a", b"s", b"p",
        ]  # fmt: skip
        asked = [(call.method, call.url) for _, call, _ in world.called]
        assert asked[0] == ("POST", "http://clob/auth/api-key")
        assert asked[1:] == [("GET", "http://clob/auth/derive-api-key")] * (first.status == 400)
        headers = world.called[-1][2]
        digest = typed.clob_auth(ADDRESS, headers["POLY_TIMESTAMP"], 0, 137)
        assert headers == {
            "POLY_ADDRESS": ADDRESS, "POLY_NONCE": "0", "POLY_TIMESTAMP": str(NOW // SECOND),
            "POLY_SIGNATURE": "0x" + evm.sign_digest(KEY, digest).hex(),
        }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Reply(401, b"{}"), ConfigError), (Reply(200, b"{}"), ConfigError),
        (Reply(200, b"\xff"), ConfigError), (Reply(503), VenueUnreachable),
        (Lost("cut", sent=True), VenueUnreachable),
    ],
)  # fmt: skip
async def test_no_credentials_is_a_typed_error(answer, error):
    clock = VirtualClock(NOW)
    world = FakeTransport(clock, answer=lambda call, had: answer)
    with pytest.raises(error):
        await evm.credentials(world, clock, "http://clob", KEY, 137)
