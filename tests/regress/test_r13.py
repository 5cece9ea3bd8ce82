"""R13 nothing between an order and the wire sends it again of its own accord: read, and tried."""

import asyncio
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import dutchbook
from dutchbook.domain.account_events import OrderAcked, OrderUnknown
from dutchbook.domain.effects import SubmitOrder
from dutchbook.domain.secret import Secret
from dutchbook.io.driver import Driver
from dutchbook.io.http import Network
from dutchbook.io.signer import Signer
from dutchbook.runtime.clock import SystemClock
from dutchbook.venues import kalshi, polymarket
from pm import event, market, page
from pm_trading import ADDRESS
from pm_trading import order as polymarket_order
from regress.sends import callers, faults
from unit.kalshi.kalshi_trading import order as kalshi_order

SRC = Path(dutchbook.__file__).parent
FLOORS = ("domain", "engine", "execution", "io", "risk", "runtime", "state", "venues")
PEM = Ed25519PrivateKey.generate().private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
BAD = {
    "for _ in range(3):\n    await self.transport.call(call)": "within a loop",
    "for pause in PAUSES:\n    await self.transport.call(call)": "within a loop",
    "while True:\n    out = self._send(orders, now)": "within a loop",
    "try:\n    f()\nexcept E:\n    await self._make(call)": "after a failure",
    "self.requests.wait(at, lambda now: self._send(orders, now))": "by a timer",
    "import tenacity": "imports tenacity", "from urllib3.util import Retry": "imports urllib3",
    "@retry(stop=3)\ndef send(): ...": "retry", "Transport(retries=2)": "retries=2",
    "desk.do(SubmitOrder(order, again=True))": "again=True",
}  # fmt: skip


@pytest.mark.parametrize("source", BAD)
def test_r13_the_rule_sees_what_it_is_for(source):
    assert any(BAD[source] in found for found in faults(source)), faults(source)


def test_r13_no_retry_wrapper_reaches_an_order_call():
    """Every file of the product: no library, no option, no loop, no handler, no timer."""
    files = [path for floor in FLOORS for path in sorted((SRC / floor).rglob("*.py"))]
    assert len(files) > 100
    found = {str(p.relative_to(SRC)): faults(p.read_text(encoding="utf-8")) for p in files}
    assert {name: bad for name, bad in found.items() if bad} == {}


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
def test_r13_one_way_leads_from_a_decision_to_the_bytes(venue):
    """Each step on it has one caller: there is no second door through which a retry could come."""
    folder = SRC / "venues" / venue
    senders = callers(folder, "_send")  # a feed has one, too, for its subscriptions
    assert {name for name in senders if name.startswith("orders:")} == {"orders:submit"}
    assert callers(folder, "submit") == {"trading:_submit"}
    assert callers(folder, "_submit") == {"trading:do"}
    assert callers(SRC / "io", "_make") == {"calls:_fly"}
    assert callers(SRC / "io", "_fly") == {"calls:_pump"}
    assert callers(SRC / "io", "_exchange") == {"http:call", "guard:call"}  # guard: channels only
    assert callers(SRC / "execution", "SubmitOrder") == {"desk:send"}


class Server:
    """A venue on the loopback that treats every order in one way; all else it answers."""

    def __init__(self, how: str) -> None:
        self.how = how
        self.orders: list[bytes] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        size = int(line.partition(b":")[2])
                body = await reader.readexactly(size)
                if not self._is_order(head):
                    await self._say(writer, 200, self._answer(head))
                    continue
                self.orders.append(body)
                if await self._befall(writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _is_order(self, head: bytes) -> bool:
        first = head.split(b" ", 2)
        return first[0] == b"POST" and first[1].endswith((b"/orders", b"/order"))

    def _answer(self, head: bytes) -> bytes:
        if b"keyset" in head:
            return page(event(market()))
        known = {b"geo": {"blocked": False}, b"closed-only": {"closed_only": False},
                 b"/version": {"version": 2}, b"heartbeats": {"heartbeat_id": "h"}}  # fmt: skip
        return json.dumps(next((v for part, v in known.items() if part in head), {})).encode()

    async def _say(self, writer: asyncio.StreamWriter, status: int, body: bytes) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        writer.write(head + body)
        await writer.drain()

    async def _befall(self, writer: asyncio.StreamWriter) -> bool:
        """True where the connection is over."""
        if self.how == "reset":
            writer.transport.abort()
        elif self.how == "half an answer":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
            await writer.drain()
        elif self.how.isdigit():
            await self._say(writer, int(self.how), b"<html>no</html>")
            return False
        return True


def drivers(port: int, told: list) -> dict:
    url = f"http://127.0.0.1:{port}"
    signer = Signer()
    signer.add("kalshi", Secret(PEM))
    for name, secret in (
        ("wallet", "0x" + "4c" * 32), ("api_key", "k"), ("api_secret", "c2Vj"),
        ("api_passphrase", "p"),
    ):  # fmt: skip
        signer.add_secret(f"polymarket.{name}", Secret(secret))
    venues = {
        "kalshi": kalshi.build(kalshi.Config(
            rest=f"{url}/trade-api/v2", ws="ws://127.0.0.1:1/x", key_id="me", key="kalshi",
            account="main",
        )),
        "polymarket": polymarket.build(polymarket.Config(
            clob_url=url, gamma_url=url, ws_url="ws://127.0.0.1:1/x", account="main",
            address=ADDRESS, user_ws="ws://127.0.0.1:1/y", data_url=url, geoblock_url=f"{url}/geo",
        )),
    }  # fmt: skip
    network = Network()
    return {
        name: Driver(venue, lambda stream, events: told.extend(events), clock=SystemClock(),
                     signer=signer, transport=network)
        for name, venue in venues.items()
    }  # fmt: skip


@pytest.mark.parametrize("venue", ["kalshi", "polymarket"])
@pytest.mark.parametrize("how", ["reset", "closed", "half an answer", "502", "503", "408"])
async def test_r13_an_order_that_is_cut_off_was_one_request(venue, how):
    """On a connection that was in use before, too: HTTP libraries like to repeat on those."""
    server, told = Server(how), []
    listening = await asyncio.start_server(server, "127.0.0.1", 0)
    made = drivers(listening.sockets[0].getsockname()[1], told)
    driver = made[venue]
    try:
        if venue == "polymarket":
            driver.start()
            await asyncio.sleep(0.3)
        else:
            driver.ask(driver.rest, driver.venue.start)
            await asyncio.sleep(0.1)
        one = kalshi_order() if venue == "kalshi" else polymarket_order()
        driver.do(SubmitOrder(one))
        async with asyncio.timeout(5):
            while not [fact for fact in told if isinstance(fact, OrderUnknown)]:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        assert len(server.orders) == 1
        assert [fact.order for fact in told if isinstance(fact, OrderUnknown)] == [one.id]
        assert not [fact for fact in told if isinstance(fact, OrderAcked)]
    finally:
        await driver.stop()
        await driver.transport.close()
        listening.close()
