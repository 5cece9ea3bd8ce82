"""What only a socket can show: slow and long requests, odd framing, and more than there is room."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from dutchbook.domain.units import Ns
from dutchbook.gateway import early, guard, limits
from dutchbook.gateway.problems import MEDIA
from unit.gateway.house import Both
from unit.gateway.served import Line, line, served

pytestmark = pytest.mark.asyncio(loop_scope="module")
SUBMIT = "/api/v1/orders/submit"
BODY = json.dumps({"platform": "kalshi", "market_id": "A", "outcome": "yes", "side": "buy",
                   "amount": 10, "price": "0.41"}).encode()  # fmt: skip
Where = tuple[Both, int]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def where(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Where]:
    root: Path = tmp_path_factory.mktemp("served")
    async with served(root) as both:
        yield both


def head(both: Both, method: str, path: str, **more: str) -> bytes:
    said = {"Host": "127.0.0.1", **both.key("trader"), **more}
    lines = "".join(f"{name.replace('_', '-')}: {text}\r\n" for name, text in said.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()


def order(both: Both, name: str, **more: str) -> bytes:
    return head(both, "POST", SUBMIT, Content_Type="application/json", Idempotency_Key=name, **more)


def silent_for_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line ends after a second in which nobody asks."""
    made = early.Early.connection_made

    def brief(self: early.Early, transport: asyncio.Transport) -> None:
        made(self, transport)
        self.timeout_keep_alive = 1

    monkeypatch.setattr(early.Early, "connection_made", brief)


async def problem(one: Line, status: int, code: str) -> None:
    got, headers, body = await one.answer()
    assert (got, headers["content-type"], json.loads(body)["code"]) == (status, MEDIA, code)
    assert json.loads(body)["fix"] and headers["x-content-type-options"] == "nosniff"


async def test_a_body_by_drops_is_answered_408_and_the_line_ends(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP5: a byte now and then."""
    both, port = where
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.3)
    before = both.mark()
    async with line(port) as one:
        one.say(order(both, "slow", Content_Length=str(len(BODY))))

        async def drop() -> None:
            for at in range(len(BODY) - 1):
                one.say(BODY[at : at + 1])
                await asyncio.sleep(0.02)

        dropping = asyncio.create_task(drop())
        await problem(one, 408, "too_slow")
        assert await one.over()
        dropping.cancel()
    assert both.mark() == before


async def test_a_head_by_drops_is_answered_408_and_silence_ends(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP5: a request that never becomes one holds no connection for good."""
    both, port = where
    monkeypatch.setattr(early, "PATIENCE", 0.3)
    async with line(port) as one, line(port) as silent:
        one.say(head(both, "GET", "/api/v1/markets")[:-2])
        await problem(one, 408, "too_slow")
        assert await one.over()
        await problem(silent, 408, "too_slow")
        assert await silent.over()
    async with line(port) as one:  # what is said in time is answered, again and again
        for _ in range(3):
            one.say(head(both, "GET", "/api/v1/markets"))
            assert (await one.answer())[0] == 200
            await asyncio.sleep(0.2)
    async with line(port) as one:  # an answer was given; the rest of the body is not waited for
        one.say(head(both, "GET", "/api/v1/markets", Content_Length="900") + b"x")
        assert (await one.answer())[0] == 200
        assert await one.over()


async def test_odd_framing_is_refused_before_anything_is_done(where: Where) -> None:
    """HTTP1, HTTP3, HTTP4, and what is no HTTP."""
    both, port = where
    before, size = both.mark(), str(len(BODY))
    whole = order(both, "odd", Content_Length=size)
    for raw in (
        whole.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n") + BODY,  # HTTP3
        whole.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n") + BODY,  # HTTP4
        whole.replace(b"Host: 127.0.0.1\r\n", b"Host 127.0.0.1\r\n") + BODY,
        b"\x16\x03\x01\x02\x00\x01\x00", b"HELO there\r\n\r\n",
    ):  # fmt: skip
        async with line(port) as one:
            one.say(raw)
            status, headers, body = await one.answer()
            assert (status, headers["content-type"]) == (400, MEDIA), raw[:80]
            assert json.loads(body)["code"] in ("malformed", "ambiguous")
    async with line(port) as one:  # HTTP1
        one.say(whole.replace(b"Host: 127.0.0.1\r\n", b"") + BODY)
        await problem(one, 421, "unknown_host")
    assert both.mark() == before


async def test_what_is_too_long_is_not_read_to_its_end(where: Where) -> None:
    """HTTP15: 100,000 parameters; JSON3: 50 MB, with a length and without."""
    both, port = where
    before = both.mark()
    async with line(port) as one:
        many = "&".join(f"a{n}=1" for n in range(100_000))
        one.say(head(both, "GET", f"/api/v1/markets?{many}"))
        await problem(one, 413, "too_large")
        assert await one.over()
    async with line(port) as one:
        one.say(order(both, "big", Content_Length=str(50 << 20)))
        await problem(one, 413, "too_large")
        assert await one.over()
    async with line(port) as one:
        one.say(order(both, "big", Transfer_Encoding="chunked"))
        sent = 0
        try:
            while sent < 50 << 20:
                one.say(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
                await one.writer.drain()
                sent += 0x10000
        except ConnectionError:
            pass
        assert sent < 8 << 20
    assert both.mark() == before


async def test_a_key_that_ends_while_its_body_comes_opens_nothing(where: Where) -> None:
    """AUTH12."""
    both, port = where
    before = both.mark()
    raw = order(both, "late", Content_Length=str(len(BODY)))
    async with line(port) as one:
        one.say(raw + BODY[:20])
        await asyncio.sleep(0.1)
        identity = both.gateway.identity
        identity.keys.revoke(identity.keys.all()[-1].id, identity.clock.now())
        one.say(BODY[20:])
        await problem(one, 401, "unauthenticated")
    assert both.mark() == before


async def test_what_there_is_no_room_for_is_told_at_once(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 before key and route, on a connection that goes on; the vital paths get through."""
    both, port = where
    asked, vital = head(both, "GET", "/api/v1/markets"), head(both, "GET", "/health")
    stop = head(both, "POST", "/api/v1/control/halt", Content_Length="0")
    metric = both.gateway.metrics.refused.labels("overloaded")
    before = metric._value.get()
    async with line(port) as one:
        with monkeypatch.context() as full:
            full.setattr(limits, "WAITING_MAX", 0)
            one.say(asked + asked)
            for _ in range(2):
                status, headers, body = await one.answer()
                assert (status, headers["retry-after"]) == (503, "1")
                assert json.loads(body)["code"] == "overloaded" and "connection" not in headers
            one.say(order(both, "full", Content_Length=str(len(BODY))) + BODY)
            assert (await one.answer())[0] == 503
            one.say(vital)
            assert (await one.answer())[0] == 200
            one.say(stop)
            assert (await one.answer())[0] == 415  # judged: the body is no JSON
            one.say(asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            status, headers, _ = await one.answer()
            assert (status, headers["connection"]) == (503, "close") and await one.over()
    assert metric._value.get() - before == 4
    async with line(port) as one:
        one.say(asked)
        assert (await one.answer())[0] == 200


async def test_each_request_is_counted_once_however_it_comes(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, port = where
    load, counted = both.gateway.load, Counter[bool]()
    admits = load.admits

    def counting(*, vital: bool) -> bool:
        counted[vital] += 1
        return admits(vital=vital)

    monkeypatch.setattr(load, "admits", counting)
    asked = head(both, "GET", "/api/v1/markets")
    async with line(port) as one:
        for said, answers in ((asked, 1), (asked + asked, 2), (head(both, "GET", "/health"), 1),
                              (order(both, "counted", Content_Length="0"), 1)):  # fmt: skip
            one.say(said)
            for _ in range(answers):
                await one.answer()
    assert counted == {False: 4, True: 1}


async def test_a_loop_that_is_behind_slows_what_is_let_in_until_it_is_on_time(where: Where) -> None:
    both, _ = where
    gateway, patient = both.gateway, both.gateway.lag.bound
    gateway.lag.bound = Ns(-1)
    await both.until(lambda: gateway.load.pace < 0.8, "a slower pace")
    gateway.lag.bound = patient
    await both.until(lambda: gateway.load.pace == 1, "the whole rate again")


async def test_a_line_that_was_only_refused_ends_when_it_falls_silent(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, port = where
    silent_for_a_second(monkeypatch)
    monkeypatch.setattr(early, "PATIENCE", 0.8)  # of requests; there is none under way
    monkeypatch.setattr(limits, "WAITING_MAX", 0)
    async with line(port) as one:
        for _ in range(4):  # 2.4 s in all
            one.say(head(both, "GET", "/api/v1/markets"))
            await problem(one, 503, "overloaded")
            await asyncio.sleep(0.6)
        assert await one.over()


async def test_a_line_that_goes_on_asking_outlasts_what_it_was_refused(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several at once, each refused, and then others: no refusal's own silence ends the line."""
    both, port = where
    silent_for_a_second(monkeypatch)
    monkeypatch.setattr(limits, "WAITING_MAX", 0)
    async with line(port) as one:
        for _ in range(6):  # 2.4 s in all
            one.say(head(both, "GET", "/api/v1/markets") * 3)
            for _ in range(3):
                await problem(one, 503, "overloaded")
            await asyncio.sleep(0.4)
        monkeypatch.undo()
        one.say(head(both, "GET", "/api/v1/markets"))
        assert (await one.answer())[0] == 200


async def test_requests_behind_one_that_is_under_way_are_judged_as_well(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is busy is no way round: each is answered in its turn, 503 where it is due."""
    both, port = where
    monkeypatch.setattr(limits, "WAITING_MAX", 1)
    asked = head(both, "GET", "/api/v1/markets")
    async with line(port) as one:
        one.say(asked * 6)
        told = [(await one.answer())[0] for _ in range(6)]
        assert told == [200, *[503] * 5]
        one.say(asked)
        assert (await one.answer())[0] == 200


async def test_a_crowd_gets_one_answer_each_and_leaves_nothing_behind(
    where: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, port = where
    monkeypatch.setattr(limits, "WAITING_MAX", 4)
    asked, codes = head(both, "GET", "/api/v1/markets"), Counter[int]()
    lines = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
    for _ in range(5):
        for _, writer in lines:
            writer.write(asked)
        for reader, writer in lines:
            status, _, _ = await Line(reader, writer).answer()
            codes[status] += 1
    for _, writer in lines:
        writer.close()
    assert set(codes) == {200, 503} and sum(codes.values()) == 300
    load = both.gateway.load
    await both.until(lambda: (load.waiting, load.going) == (0, 0), "all is answered")
