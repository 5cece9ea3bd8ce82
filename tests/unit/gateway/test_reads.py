"""What screens read: markets, books, the account; by the run's own words."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from dutchbook.domain.events import InstrumentListed
from dutchbook.domain.units import Ns
from dutchbook.gateway import door
from dutchbook.gateway.door import Guarded
from dutchbook.gateway.readmodel import ReadModel
from dutchbook.gateway.told import Account, Quotes
from unit.engine.story import book, kalshi
from unit.gateway.house import Both, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_market_is_found_described_and_quoted(stood: Both) -> None:
    ann = stood.key("viewer")
    page = plain(await stood.call("GET", "/api/v1/markets?q=kalshi title", ann))
    assert [one["id"] for one in page["items"]] == ["kalshi:A"] and page["next"] == ""
    row = page["items"][0]
    assert (row["bid"], row["ask"], row["mid_price"], row["spread"]) == (0.4, 0.44, 0.42, 0.04)
    full = plain(await stood.call("GET", "/api/v1/markets/kalshi/A", ann))
    assert full["ticks"] == [[0, 1, 0.01]] and full["title"] == "title of A"
    seen = plain(await stood.call("GET", "/api/v1/markets/kalshi/A/book?depth=5", ann))
    assert (seen["bids"], seen["asks"]) == ([[0.4, 100]], [[0.44, 100]])
    gone = await stood.call("GET", "/api/v1/markets/kalshi/NOPE", ann)
    assert gone.status_code == 404 and plain(gone)["code"] == "not_found"


async def test_prices_that_move_are_seen_within_a_moment(stood: Both) -> None:
    ann = stood.key("viewer")
    stood.put(InstrumentListed(kalshi("MOVES")), book("kalshi:MOVES", 10, 20))
    await stood.until(lambda: stood.model.quotes.get("kalshi:MOVES"), "its first price")
    await stood.call("GET", "/api/v1/markets?q=moves", ann)  # its row is kept now
    stood.put(book("kalshi:MOVES", 12, 19))
    await stood.until(lambda: stood.model.quotes["kalshi:MOVES"][0] == 120_000, "its new price")
    page = plain(await stood.call("GET", "/api/v1/markets?q=moves", ann))
    assert page["items"][0]["bid"] == 0.12
    past = plain(await stood.call("GET", "/api/v1/markets/kalshi/MOVES/history", ann))
    assert [one["bid"] for one in past] == [0.1, 0.12]


async def test_pages_go_on_where_the_last_one_ended(stood: Both) -> None:
    ann = stood.key("viewer")
    names = [f"PAGED{n}" for n in range(5)]
    stood.put(*(InstrumentListed(kalshi(name)) for name in names))
    await stood.until(lambda: "kalshi:PAGED4" in stood.model.instruments, "the markets")
    found, cursor = [], ""
    while True:
        url = f"/api/v1/markets?q=paged&limit=2&cursor={cursor}"
        page = plain(await stood.call("GET", url, ann))
        found += [one["market_id"] for one in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    assert found == names
    bad = await stood.call("GET", "/api/v1/markets?cursor=!!!", ann)
    assert bad.status_code == 400 and plain(bad)["code"] == "malformed"


async def test_without_a_query_every_answer_is_that_of_the_defaults(stood: Both) -> None:
    """What was asked before goes round FastAPI's own reading; a new query goes through it."""
    ann, app = stood.key("admin"), stood.serving.app
    paths = [route.path for route in app.routes if isinstance(route, Guarded)
             and route.methods == {"GET"} and "{" not in route.path
             and not route.path.endswith(("/health", "/metrics"))]  # fmt: skip
    assert len(paths) > 20
    for path in paths:
        pair: list[tuple[int, bytes]] = []
        for n in range(5):  # what moves with time does not move between two calls of five
            answers = [await stood.call("GET", path + query, ann) for query in ("", f"?new={n}")]
            pair = [(answer.status_code, answer.content) for answer in answers]
            if pair[0] == pair[1]:
                break
        assert pair[0] == pair[1] and pair[0][0] in (200, 503), path
    wrong = await stood.call("DELETE", "/api/v1/orders", ann)
    assert (wrong.status_code, plain(wrong)["code"]) == (405, "wrong_method")


async def test_what_was_asked_before_is_read_no_other_way(
    stood: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "KNOWN_MAX", 2)  # so that it is also forgotten in between
    ann = stood.key("viewer")
    stood.put(InstrumentListed(kalshi("TWICE0")), InstrumentListed(kalshi("TWICE1")))
    await stood.until(lambda: "kalshi:TWICE1" in stood.model.instruments, "the markets")
    for _ in range(3):
        for query, ids in (
            ("?q=twice&limit=1", ["kalshi:TWICE0"]), ("?q=twice1", ["kalshi:TWICE1"]),
            ("?q=twice", ["kalshi:TWICE0", "kalshi:TWICE1"]), ("?q=twice&q=no", []),
            ("?q=twice&platform=polymarket", []), ("?q=twice&limit=0", None),
        ):  # fmt: skip
            answer = await stood.call("GET", f"/api/v1/markets{query}", ann)
            assert answer.status_code == (200 if ids is not None else 422), query
            assert ids is None or [row["id"] for row in plain(answer)["items"]] == ids, query
        for name, status in (("A", 200), ("B", 404)):
            one = await stood.call("GET", f"/api/v1/markets/kalshi/{name}", ann)
            assert one.status_code == status and (status != 200 or plain(one)["id"] == "kalshi:A")
    wrong = await stood.call("GET", "/api/v1/markets?limit=1", {"X-Dutchbook-Key": "db_no"})
    assert wrong.status_code == 401


async def test_what_did_not_change_is_made_once_and_what_did_at_once(stood: Both) -> None:
    """Many who look at the same; each sees what it is, whoever asked before."""
    ann, bob = stood.key("viewer"), stood.key("trader")
    path, made = "/api/v1/markets?q=SEEN", Counter[str]()
    stood.put(InstrumentListed(kalshi("SEEN")), book("kalshi:SEEN", 10, 20))
    await stood.until(lambda: stood.model.quotes.get("kalshi:SEEN"), "its first price")
    markets, real = stood.model.markets, stood.gateway.clock.mono

    def counted(*args: Any, **named: Any) -> Any:
        made["markets"] += 1
        return markets(*args, **named)

    stood.model.markets, stood.gateway.clock.mono = counted, lambda: now  # type: ignore[method-assign]
    try:
        now, turn = real(), -1
        while turn != stood.model.turn:  # the run tells of itself now and then
            turn = stood.model.turn
            made.clear()
            rows = {(await stood.call("GET", path, who)).content for who in (ann, bob, ann, bob)}
            assert len(rows) == 1
        assert made["markets"] <= 1
        stood.model.hear(Quotes(stood.model.heard_at, (("kalshi:SEEN", 110_000, 10, 190_000, 10),)))
        bid = plain(await stood.call("GET", path, ann))["items"][0]["bid"]
        assert bid == 0.11, "at once"
        before, now = made["markets"], Ns(now + door.SHOWN)
        await stood.call("GET", path, bob)
        assert made["markets"] > before, "ages are no older than this"
        stood.model.lost()
        before = made["markets"]
        await stood.call("GET", path, bob)
        assert made["markets"] > before
    finally:
        stood.model.markets, stood.gateway.clock.mono = markets, real  # type: ignore[method-assign]
        stood.model.linked = True
    refused = await stood.call("GET", path, {"X-Dutchbook-Key": "db_no"})
    assert refused.status_code == 401, "kept for whoever may"


async def test_rows_of_the_account_are_made_anew_when_what_they_show_changed() -> None:
    model, made = ReadModel(), Counter[str]()

    def shown(name: str, part: str) -> Any:
        def make(account: Account) -> Any:
            made[name] += 1
            return list(getattr(account, part))

        return model.account_rows(name, make)

    def told(money: int, *held: int) -> None:
        said = Account(Ns(1), {"equity": money}, [], [], [{"qty": qty} for qty in held])
        model.hear(msgspec.msgpack.decode(msgspec.msgpack.encode(said), type=Account))

    assert shown("positions", "positions") is None, "no run that trades"
    for n, (money, *held) in enumerate([(5, 1, 2), (6, 1, 2), (6, 1, 3), (6,), (6, 1, 2)], 1):
        told(money, *held)
        turn = model.turn
        for _ in range(2):
            assert shown("positions", "positions") == [{"qty": qty} for qty in held]
            assert shown("summary", "money") == ["equity"]
        assert (made["summary"], model.turn, turn) == (n, n, n)
    assert made["positions"] == 4, "not for the second, which changed the money alone"


async def test_health_says_what_is(stood: Both) -> None:
    answer = plain(await stood.call("GET", "/health"))
    assert answer["status"] in ("healthy", "degraded") and answer["mode"] == "sim"
    assert {feed["stream"] for feed in answer["feeds"]} >= {"kalshi.book"}
    stood.model.lost()
    try:
        down = plain(await stood.call("GET", "/health"))
        ready = await stood.call("GET", "/ready")
        assert down["status"] == "down" and ready.status_code == 503
        assert "a run that goes on" in plain(ready)["missing"]
    finally:
        stood.model.linked = True


async def test_the_account_is_the_runs_own(stood: Both) -> None:
    ann = stood.key("viewer")
    summary = plain(await stood.call("GET", "/api/v1/portfolio/summary", ann))
    account = stood.live.engine.trading.account
    assert round(summary["equity"] * 1_000_000) == account.equity()
    assert summary["cash"] == {}  # no driver, no venue to name
    for path in ("positions", "orders", "trades", "performance", "risk", "status",
                 "orders?state=all", "opportunities", "opportunities/history",
                 "opportunities/why-not", "auth/me"):  # fmt: skip
        answer = await stood.call("GET", f"/api/v1/{path}", ann)
        assert answer.status_code == 200, (path, answer.text)


async def test_figures_have_our_names_and_few_labels(stood: Both) -> None:
    text = (await stood.call("GET", "/metrics", stood.key("viewer"))).text
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"}
    assert all(name.startswith("dutchbook_") for name in names)
    assert 'dutchbook_up{mode="sim"} 1.0' in text
    assert "kalshi:A" not in text
    bot = stood.key("service")
    told = await stood.call("POST", "/metrics/custom", bot, {"name": "drift", "value": "0.5"})
    assert told.status_code == 200
    text = (await stood.call("GET", "/metrics", stood.key("viewer"))).text
    assert "dutchbook_custom_drift 0.5" in text
