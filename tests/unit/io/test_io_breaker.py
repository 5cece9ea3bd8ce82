"""A venue that fails three times in a row: its driver takes on no risk there for a while."""

from dutchbook.domain.units import SECOND, Ns
from dutchbook.io.breaker import Breaker
from dutchbook.io.driver import Driver
from dutchbook.io.fake import FakeTransport
from dutchbook.io.ports import Lost, Reply
from dutchbook.io.signer import Signer
from dutchbook.runtime.clock import VirtualClock
from dutchbook.venues.base import Call
from toy_venue import Toy


async def test_an_open_breaker_refuses_orders_aloud_and_lets_cancels_and_questions_go():
    """Three failures in a row: an order is lost, unsent, with its reason; the others still go."""

    class Ours(Toy):
        def __init__(self):
            super().__init__()
            self.ended = []

        def on_reply(self, call, status, body, now):
            self.ended.append((call, status))
            return []

        def on_lost(self, call, sent, now):
            self.ended.append((call, sent))
            return []

    clock, venue = VirtualClock(), Ours()
    answers = [Lost("reset", sent=True)] * 3 + [Reply(200)] * 9
    transport = FakeTransport(clock, answer=lambda call, headers: answers.pop(0))
    told = []
    driver = Driver(
        venue, lambda stream, events: None, clock=clock, signer=Signer(), transport=transport,
        breaker=Breaker("kalshi", told=told.append),
    )  # fmt: skip

    async def call(name, risk):
        driver.carry_out([], [Call(name, "POST", "http://x/", risk=risk)])
        await clock.advance(Ns(SECOND))

    for n in range(3):
        await call(f"ask{n}", False)
    await call("order", True)
    await call("cancel", False)
    assert venue.ended[3:] == [("order", False), ("cancel", 200)]
    assert [one.state for one in told] == ["open"]
    await clock.advance(Ns(120 * SECOND))
    for n in range(3):
        await call(f"probe{n}", False)
    await call("order2", True)
    assert venue.ended[-1] == ("order2", 200) and told[-1].state == "closed"
    await driver.stop()
