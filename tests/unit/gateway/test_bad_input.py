"""Bad input (HTTP, AUTH, JSON, STR, NUM): each a typed 4xx, and nothing has changed.

By the numbers of the list of bad inputs. What needs a socket (HTTP5, HTTP15, JSON3, AUTH12) is in
`test_socket_door.py`, HTTP16 in `test_commands.py`, AUTH1 to AUTH3 in `test_matrix.py`, AUTH4 to
AUTH10 in `test_identity.py`, AUTH13 to AUTH16 in `test_webhooks.py`, and what comes over /ws
(JSON13 to JSON15) in `unit/hub` and `test_listening.py`.
"""

import gzip
import json
from typing import Any

import httpx2
import msgspec
import pytest

from dutchbook.domain.events import InstrumentListed
from dutchbook.domain.secret import Secret
from dutchbook.gateway.door import strict_json
from dutchbook.gateway.problems import MEDIA, Problem
from unit.engine.story import kalshi
from unit.gateway.house import Both, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")
SUBMIT = "/api/v1/orders/submit"
ORDER = {"platform": "kalshi", "market_id": "A", "outcome": "yes", "side": "buy", "amount": 10,
         "price": 0.41}  # fmt: skip
GOOD = json.dumps(ORDER).encode()
JSON = {"Content-Type": "application/json"}


async def refused(stood: Both, answer: Any, what: object, *codes: str) -> None:
    assert 400 <= answer.status_code < 500, (what, answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == MEDIA, what
    body = plain(answer)
    assert body["fix"] and body["code"] and body["status"] == answer.status_code, what
    assert not codes or body["code"] in codes, (what, body["code"])


async def test_bodies_that_are_no_sound_json(stood: Both) -> None:
    head, before = stood.key("trader") | {"Idempotency-Key": "j"} | JSON, stood.mark()
    bodies = {
        "JSON1 twice": b'{"amount": 1, "amount": 2}',
        "JSON1 twice, harmless": GOOD[:-1] + b', "side": "buy"}',
        "JSON2 deep": b"[" * 10_000 + b"]" * 10_000,
        "JSON2 deep object": b'{"a":' * 60 + b"1" + b"}" * 60,
        "JSON4 cut": GOOD[:-4], "JSON4 nothing": b"",
        "JSON5 byte order mark": b"\xef\xbb\xbf" + GOOD,
        "JSON6 utf16": GOOD.decode().encode("utf-16"),
        "JSON7 half a character": GOOD.replace(b'"A"', b'"\\ud800"'),
        "JSON8 nul": GOOD.replace(b'"A"', b'"A\\u0000"'), "JSON8 raw nul": GOOD + b"\0",
        "JSON9 nan": GOOD.replace(b"0.41", b"NaN"), "JSON9": GOOD.replace(b"0.41", b"-Infinity"),
        "JSON10 more": GOOD + b"{}",
        "JSON11 huge": GOOD.replace(b"10,", b"9" * 5_000 + b","),
        "JSON12 list": b"[]", "JSON12 text": b'"x"', "JSON12 null": b"null",
        "JSON12 list for text": GOOD.replace(b'"A"', b'["A"]'),
        "JSON13 lines": GOOD + b"\n" + GOOD,
        "JSON15 latin": GOOD.replace(b'"A"', b'"\xff"'), "JSON15 bytes": bytes(range(256)),
    }  # fmt: skip
    for what, body in bodies.items():
        answer = await stood.call("POST", SUBMIT, head, content=body)
        await refused(stood, answer, what, "malformed", "invalid")
    big = await stood.call("POST", SUBMIT, head, content=b'{"a": "' + b"x" * 300_000 + b'"}')
    await refused(stood, big, "JSON3 in small", "too_large")
    bomb = await stood.call("POST", SUBMIT, head | {"Content-Encoding": "gzip"},
                            content=gzip.compress(b"0" * 10**6))  # fmt: skip
    await refused(stood, bomb, "JSON14 bomb", "unsupported_type")
    assert stood.mark() == before


async def test_numbers_that_are_none(stood: Both) -> None:
    head, before = stood.key("trader") | {"Idempotency-Key": "n"} | JSON, stood.mark()
    raw = ["NaN", "-0", "1e-7", "1e400", "1e-400", '"0x10"', '"1_000"', '"１２"', '" 1"', '"1,5"',
           '""', "null", "true", "[]", "{}", "0.30000000000000004", "1234567890123456789",
           "9223372036854775808", "18446744073709551616", "-5", "0", '"NaN"', "1e3"]  # fmt: skip
    for text in raw:
        body = GOOD.replace(b"10,", text.encode() + b",")
        await refused(stood, await stood.call("POST", SUBMIT, head, content=body), text)
    for price in ("0", "1", "1.0001", "0.4000001", "-0.4", '"0.4 "', "1e-2"):
        body = GOOD.replace(b"0.41", price.encode())
        await refused(stood, await stood.call("POST", SUBMIT, head, content=body), price)
    off_tick = await stood.call("POST", SUBMIT, head, ORDER | {"price": "0.4055"})
    await refused(stood, off_tick, "off tick", "refused")
    assert stood.mark()[:2] == before[:2]


async def test_texts_that_mean_harm(stood: Both) -> None:
    head, before = stood.key("trader") | {"Idempotency-Key": "s"}, stood.mark()
    texts = {
        "STR1": "", "STR2": "x", "STR3": "x" * 65_536, "STR4": "x" * 2**20, "STR5": "\0",
        "STR6": "a\r\nX-Evil: 1", "STR7": "\u202egnp", "STR8": "KХFED",
        "STR9": "../../etc/passwd", "STR10": "';--", "STR11": "{{7*7}}",
        "STR12": "${jndi:ldap://x}", "STR13": "%s%n{0.__class__}",
        "STR14": "<script>alert(1)</script>", "STR15": "\x1b[31m", "STR16": "=cmd|'/c calc'!A",
        "STR17": "💥", "STR18": "e\u0301", "STR18 composed": "\u00e9",
    }  # fmt: skip
    for what, text in texts.items():
        answer = await stood.call("POST", SUBMIT, head, ORDER | {"market_id": text})
        await refused(stood, answer, what)
        assert "\x1b" not in answer.text and "49" not in plain(answer)["detail"], what
        found = await stood.call("GET", "/api/v1/markets", head, params={"q": text[:3_000]})
        assert found.status_code in (200, 413, 422), what
        reason = {"action": "clear_kill", "reason": text}
        if text and not text.isprintable() and text not in ("\u202egnp",):
            risk = stood.key("risk")
            answer = await stood.call("POST", "/api/v1/control/approvals", risk, reason)
            await refused(stood, answer, what)
    assert stood.mark() == before


async def test_requests_that_are_odd(stood: Both) -> None:
    ann, before = stood.key("trader"), stood.mark()
    once = ann | {"Idempotency-Key": "h"}
    call = stood.call
    cases = {
        "HTTP1 no content type": call("POST", SUBMIT, once, content=GOOD),
        "HTTP6 form": call("POST", SUBMIT, once | {"Content-Type": "text/plain"}, content=GOOD),
        "HTTP7 charset": call("POST", SUBMIT, content=GOOD, headers=once | {
            "Content-Type": "application/json; charset=utf-7"}),
        "HTTP2 twice": call("GET", "/api/v1/markets", [*ann.items(), *ann.items()]),
        "HTTP3 two lengths": bare(stood, [*once.items(), *JSON.items(), ("Content-Length", "5"),
                                    ("Content-Length", "6")]),
        "HTTP4 both lengths": bare(stood, [*once.items(), *JSON.items(), ("Content-Length", "95"),
                                     ("Transfer-Encoding", "chunked")]),
        "HTTP3 bad length": bare(stood, [*once.items(), *JSON.items(), ("Content-Length", "-1")]),
        "HTTP8 override": call("GET", SUBMIT, ann | {"X-HTTP-Method-Override": "POST"}),
        "HTTP9 slash": call("GET", "/api/v1/markets/", ann),
        "HTTP10 slashes": call("GET", "/api//v1/markets", ann),
        "HTTP11 dots": call("GET", "/api/v1/%2e%2e/health", ann),
        "nul": call("GET", "/api/v1/%00", ann),
        "HTTP12 case": call("GET", "/API/V1/MARKETS", ann),
        "HTTP13 host": call("GET", "/api/v1/markets", ann | {"Host": "evil.example"}),
        "origin": call("GET", "/api/v1/markets", ann | {"Origin": "https://evil.example"}),
        "null origin": call("GET", "/api/v1/markets", ann | {"Origin": "null"}),
        "HTTP15 params": call("GET", f"/api/v1/markets?{'&a=1' * 1_500}", ann),
        "unknown field": call("POST", SUBMIT, once, ORDER | {"role": "admin"}),
        "HTTP1 no idempotency key": call("POST", SUBMIT, ann, ORDER),
        "AUTH14 two signatures": call("POST", "/webhook/whale", [
            ("webhook-id", "m"), ("webhook-timestamp", "1"), ("webhook-signature", "v1,a"),
            ("webhook-signature", "v1,b")], content=b"{}"),
        "long once": call("POST", SUBMIT, ann | {"Idempotency-Key": "k" * 500}, ORDER),
    }  # fmt: skip
    for what, asked in cases.items():
        await refused(stood, await asked, what)
    # HTTP14: no proxy is trusted, so the peer counts.
    spoofed = await call("GET", "/api/v1/auth/me", stood.key("viewer", addresses=("10.9.9.9",)) |
                         {"X-Forwarded-For": "10.9.9.9"})  # fmt: skip
    assert spoofed.status_code == 403
    assert stood.mark() == before


async def test_names_of_other_alphabets_are_nobodys(stood: Both) -> None:
    """AUTH11: who looks like somebody is not let in, and not made."""
    root, words = stood.key("admin"), "correct horse battery staple"
    people = stood.gateway.identity.people
    people.add("ann", "trader", Secret(words), stood.gateway.clock.now())
    for name in ("аnn", "ann\u200b", "ａｎｎ", "ann\0", "ANN", " ann", "a\u0301nn"):
        said = {"name": name, "password": words}
        answer = await stood.call("POST", "/api/v1/auth/login", None, said)
        await refused(stood, answer, name, "unauthenticated", "invalid", "malformed", "too_many")
        if name != "ANN":
            made = await stood.call("POST", "/api/v1/people", root, said | {"role": "viewer"})
            await refused(stood, made, name, "invalid", "malformed")
    stood.gateway.identity.rates._buckets.clear()


async def test_titles_of_venues_are_data_and_never_a_page(stood: Both) -> None:
    """STR14, STR7, STR15: shown as JSON that no browser takes for anything else."""
    bad = "<script>alert(1)</script>\u202e\x1b[31m"
    stood.put(InstrumentListed(msgspec.structs.replace(kalshi("EVIL"), title=bad)))
    await stood.until(lambda: "kalshi:EVIL" in stood.model.instruments, "it is listed")
    answer = await stood.call("GET", "/api/v1/markets?q=script", stood.key("viewer"))
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert [row["title"] for row in plain(answer)["items"]] == [bad] and "\x1b" not in answer.text


async def test_answers_carry_what_browsers_need_and_origins_are_a_list(stood: Both) -> None:
    answer = await stood.call("GET", "/health", {"Origin": "http://127.0.0.1"})
    assert answer.status_code == 200  # our own pages
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert len(answer.headers["x-request-id"]) == 16
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    preflight = await stood.call("OPTIONS", SUBMIT, asked)
    assert preflight.status_code == 403
    assert "access-control-allow-origin" not in preflight.headers


async def bare(stood: Both, headers: list[tuple[str, str]]) -> httpx2.Response:
    """A request that no client would make, put to the application as a server would."""
    said: list[Any] = []
    raw = [(name.lower().encode(), text.encode()) for name, text in headers]
    scope = {"type": "http", "method": "POST", "path": SUBMIT, "raw_path": SUBMIT.encode(),
             "query_string": b"", "headers": [*raw, (b"host", b"localhost")], "scheme": "http",
             "server": ("localhost", 80), "client": ("10.0.0.9", 1), "http_version": "1.1",
             "root_path": ""}  # fmt: skip

    async def receive() -> Any:
        return {"type": "http.request", "body": GOOD, "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await stood.serving.app(scope, receive, send)
    return httpx2.Response(
        said[0]["status"], headers=said[0]["headers"], content=said[1].get("body", b"")
    )


async def test_sound_json_is_read_as_it_was_written() -> None:
    assert strict_json(b'{"a": 0.10, "b": [1, "x", null]}') == {"a": "0.10", "b": [1, "x", None]}
    with pytest.raises(Problem):
        strict_json(b'{"a": 1, "a": 1}')
