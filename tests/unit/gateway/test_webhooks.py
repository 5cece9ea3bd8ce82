"""P16, F70: a webhook counts once, in time, unchanged, from its own source; others do not."""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from dutchbook.domain.events import SignalArrived
from dutchbook.domain.units import SECOND
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.webhooks import signed
from unit.gateway.house import OLD, PATH, WEBHOOK, Both, plain, standing

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHALE = {"hash": "0xabc", "symbol": "USDC", "amount": "6000000", "amount_usd": "6000000",
         "from": {"address": "0x1", "owner_type": "unknown"},
         "to": {"address": "0x2", "owner": "binance", "owner_type": "exchange"}}  # fmt: skip
BODY = json.dumps(WHALE).encode()
NAMES = iter(range(10**6))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stood(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    """With the run's hub open, which numbers what comes."""
    async with standing(tmp_path_factory.mktemp("data"), enabled="true") as both:
        await both.until(both.serving.hub.fanout.ready.is_set, "the hub follows")
        yield both


def headers(stood: Both, body: bytes = BODY, *, secret: bytes = WEBHOOK, ago: int = 0,
            name: str = "") -> dict[str, str]:  # fmt: skip
    name = name or f"msg_{next(NAMES)}"
    stamp = stood.gateway.clock.now() // SECOND - ago
    return {"webhook-id": name, "webhook-timestamp": str(stamp),
            "webhook-signature": signed(secret, name, stamp, body)}  # fmt: skip


async def send(stood: Both, head: dict[str, str], body: bytes = BODY, source: str = "whale"):
    return await stood.call("POST", f"/webhook/{source}", head, content=body)


async def test_a_signed_transfer_is_an_event_of_the_run_and_heard_by_all(stood: Both) -> None:
    answer = await send(stood, headers(stood))
    assert answer.status_code == 200, answer.text
    told, event = plain(answer), stood.signals[-1]
    item = json.loads(event.body)
    assert (told["status"], told["signal_id"], told["duplicate"]) == ("received", event.id, False)
    assert (event.publisher, event.kind, event.confidence) == ("webhook:whale", "whale", 0)
    assert event.title == "6,000,000 USDC INFLOW binance" and event.categories == ("exchange",)
    assert (item["direction"], item["exchange"]) == ("INFLOW", "binance")
    assert (item["category"], item["sentiment_score"]) == ("exchange", "0.5")
    rows = plain(await stood.call("GET", "/api/v1/signals?after=0", stood.key("viewer")))
    [shown] = [row for row in rows["messages"] if row["id"] == event.id]
    assert (shown["seq"], shown["body"]) == (told["seq"], item)


async def test_prices_and_news_are_events_too(stood: Both) -> None:
    service = stood.key("service")
    price = {"market_id": "FED", "best_bid": "0.40", "best_ask": "0.44", "ts": 1_790_000_000}
    news = {"title": "A bank halts", "published_at": "2026-01-02T03:04:05Z",
            "related_markets": ["kalshi:A"]}  # fmt: skip
    for source, said, wanted in (
        ("kalshi", price, ("price", "FED", ("kalshi:FED",), ("kalshi",))),
        ("polymarket", price, ("price", "FED", ("polymarket:FED",), ("polymarket",))),
        ("news", news, ("news", "A bank halts", ("kalshi:A",), ())),
    ):
        answer = await stood.call("POST", f"/webhook/{source}", service, said)
        assert answer.status_code == 200, answer.text
        event = stood.signals[-1]
        assert (event.kind, event.title, event.keys, event.venues) == wanted
        assert (event.publisher, event.id) == (f"webhook:{source}", plain(answer)["signal_id"])


async def test_what_the_run_did_not_take_may_be_sent_again(
    stood: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(event: SignalArrived) -> tuple[int, bool]:
        raise TimeoutError

    head, before = headers(stood, BODY + b" "), len(stood.signals)
    with monkeypatch.context() as gone:
        gone.setattr(stood.gateway, "post", away)
        lost = await send(stood, head, BODY + b" ")
    assert (lost.status_code, plain(lost)["code"]) == (504, "outcome_unknown")
    assert len(stood.signals) == before
    again = await send(stood, head, BODY + b" ")
    assert again.status_code == 200
    assert (await send(stood, head, BODY + b" ")).status_code == 401


async def test_both_secrets_of_a_rotation_are_good(stood: Both) -> None:
    """And of two signatures (AUTH14) one has to be right."""
    assert (await send(stood, headers(stood, secret=OLD))).status_code == 200
    head = headers(stood)
    wrong = signed(b"x", head["webhook-id"], int(head["webhook-timestamp"]), BODY)
    head["webhook-signature"] = f"{wrong} {head['webhook-signature']}"
    assert (await send(stood, head)).status_code == 200


async def test_what_is_not_genuine_changes_nothing(stood: Both) -> None:
    before = len(stood.signals)
    good = headers(stood)
    stamp, name = good["webhook-timestamp"], good["webhook-id"]
    mac = hmac.new(WEBHOOK, f"{name}.{stamp}.".encode() + BODY, hashlib.sha256)
    bad = {
        "no id (AUTH16)": {k: v for k, v in good.items() if k != "webhook-id"},
        "no time": {k: v for k, v in good.items() if k != "webhook-timestamp"},
        "no signature": {k: v for k, v in good.items() if k != "webhook-signature"},
        "old": headers(stood, ago=301),
        "early": headers(stood, ago=-62),
        "time as float (AUTH15)": good | {"webhook-timestamp": stamp + ".0"},
        "time signed": good | {"webhook-timestamp": "+" + stamp},
        "other id": good | {"webhook-id": name + "1"},
        "hex (AUTH13)": good | {"webhook-signature": "v1," + mac.hexdigest()},
        "upper hex (AUTH13)": good | {"webhook-signature": "v1," + mac.hexdigest().upper()},
        "url base64 (AUTH13)": good | {"webhook-signature": "v1," + base64.urlsafe_b64encode(
            mac.digest()).decode().replace("=", "")},
        "no version": good | {"webhook-signature": base64.b64encode(mac.digest()).decode()},
        "empty": good | {"webhook-signature": ""},
        "other secret": headers(stood, secret=b"guessed"),
    }  # fmt: skip
    for why, head in bad.items():
        answer = await send(stood, head)
        assert (answer.status_code, plain(answer)["code"]) == (401, "unauthenticated"), why
    other = await send(stood, good, source="news")
    assert other.status_code == 401  # a secret is of one source
    assert len(stood.signals) == before


async def test_the_same_one_counts_once(stood: Both) -> None:
    body = json.dumps(WHALE | {"hash": "0xonce"}).encode()
    head = headers(stood, body)
    before = len(stood.signals)
    answers = [(await send(stood, head, body)).status_code for _ in range(3)]
    assert answers == [200, 401, 401] and len(stood.signals) == before + 1


async def test_one_object_may_carry_it_all(stood: Both) -> None:
    stamp = stood.gateway.clock.now() // SECOND
    name, raw = "env-1", b'{"hash": "0x1", "symbol":"ETH",  "amount": 3}'
    mark = signed(WEBHOOK, name, stamp, raw)
    whole = (b'{"source":"whale","id":"env-1","timestamp":' + str(stamp).encode() +
             b',"payload":' + raw + b',"signature":"' + mark.encode() + b'"}')  # fmt: skip
    answer = await stood.call("POST", "/webhook/whale", content=whole)
    assert answer.status_code == 200, answer.text
    changed = whole.replace(b'"amount": 3', b'"amount": 4').replace(b"env-1", b"env-2")
    assert (await stood.call("POST", "/webhook/whale", content=changed)).status_code == 401


async def test_a_source_that_cannot_sign_has_a_path_that_somebody_switched_on(stood: Both) -> None:
    news = json.dumps({"title": "Breaking: a bank halts", "url": "https://a.example/1"}).encode()
    told = await stood.call("POST", f"/webhook/news/{PATH}", content=news)
    assert told.status_code == 200 and json.loads(stood.signals[-1].body)["urgency"] == "high"
    again = await stood.call("POST", f"/webhook/news/{PATH}", content=news)
    guess = await stood.call("POST", "/webhook/news/guess", content=news)
    off = await stood.call("POST", f"/webhook/whale/{PATH}", content=BODY)
    assert [again.status_code, guess.status_code, off.status_code] == [401, 404, 404]


async def test_what_can_not_be_true_is_refused_by_name(stood: Both) -> None:
    service = stood.key("service")
    for field, value in (
        ("amount", "NaN"), ("amount", "1e73"), ("amount", -1), ("timestamp", 4_000_000_000),
        ("symbol", "<html>"), ("amount", True), ("timestamp", "soon"),
    ):  # fmt: skip
        body = {"source": "whale_alert", "raw_data": WHALE | {field: value}}
        answer = await stood.call("POST", "/api/v1/normalize/whale", service, body)
        assert (answer.status_code, plain(answer)["code"]) == (422, "invalid"), (field, value)
        assert field in plain(answer)["detail"]


async def test_any_changed_bit_is_refused(stood: Both) -> None:
    """Of body, id, time and signature: the checker itself is asked, a thousand times."""
    dice, check, secrets = random.Random(5), stood.gateway.webhooks.check, (WEBHOOK, OLD)
    for n in range(1_000):
        head, body = headers(stood, secret=secrets[n % 2]), BODY
        where = dice.choice(["body", "webhook-id", "webhook-timestamp", "webhook-signature"])
        raw = bytearray(body if where == "body" else head[where].encode())
        raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)
        if where == "body":
            body = bytes(raw)
        else:
            head[where] = raw.decode("latin-1")
        with pytest.raises(Problem) as refused:
            await check("whale", head, body)
        assert refused.value.code == "unauthenticated", (where, raw)
    name, payload = await check("whale", headers(stood, name="the-good-one"), BODY)
    assert (name, payload) == ("the-good-one", BODY)
