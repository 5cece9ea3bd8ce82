"""Commands: each becomes an event of the run, once, in somebody's name, through the gate."""

import asyncio
from typing import Any

import pytest

from dutchbook.domain.errors import NotRunning
from dutchbook.domain.events import InstrumentListed, LinkProposed, OperatorAsked
from dutchbook.domain.relations import Link
from dutchbook.gateway.ports import Told
from dutchbook.runtime.remote import Remote
from dutchbook.storage.reader import read_account
from unit.engine.story import book, both, kalshi, poly
from unit.gateway.house import Both, plain, standing

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORDER = {"platform": "kalshi", "market_id": "A", "outcome": "yes", "side": "buy", "amount": 10,
         "price": 0.41}  # fmt: skip


def once(who: dict[str, str], key: str) -> dict[str, str]:
    return who | {"Idempotency-Key": key}


async def submit(stood: Both, who: dict[str, str], key: str, **changed: object):
    return await stood.call("POST", "/api/v1/orders/submit", once(who, key), ORDER | changed)


async def test_an_order_is_decided_recorded_and_shown(stood: Both) -> None:
    ann = stood.key("trader", name="ann")
    answer = await submit(stood, ann, "o1", signal_id="s-7")
    body = plain(answer)
    assert answer.status_code == 200, answer.text
    assert (body["status"], body["signal_id"]) == ("SUBMITTED", "s-7")
    name = body["order_id"]
    await stood.until(
        lambda: any(row["id"] == name and row["state"] == "acked"
                    for row in stood.model.account.orders), "it rests",
    )  # fmt: skip
    shown = plain(await stood.call("GET", f"/api/v1/orders/{name}", ann))
    assert (shown["status"], shown["price"], shown["quantity"]) == ("OPEN", 0.41, 10)
    told = await stood.call("POST", "/api/v1/orders/cancel", ann, {"order_id": name})
    assert told.status_code == 200
    await stood.until(lambda: not stood.model.account.orders, "it is canceled")
    commands = [
        row.event for row in read_account(stood.live.house.data_dir, 0)
        if isinstance(row.event, OperatorAsked) and row.event.verb in ("order", "cancel")
    ]  # fmt: skip
    assert {event.who.partition(" (")[0] for event in commands} == {"ann"}
    assert stood.doors["kalshi"].orders.count(name) == 1


async def test_the_same_key_again_is_the_same_answer_and_one_order(stood: Both) -> None:
    """HTTP16: with another body it is refused."""
    ann = stood.key("trader")
    first = await submit(stood, ann, "twice")
    again = await submit(stood, ann, "twice")
    other = await submit(stood, ann, "twice", amount=11)
    assert first.content == again.content and again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, plain(other)["code"]) == (422, "key_reused")
    assert stood.doors["kalshi"].orders.count(plain(first)["order_id"]) == 1
    ben = stood.key("trader")  # somebody else's key of the same name is another one
    assert plain(await submit(stood, ben, "twice"))["order_id"] != plain(first)["order_id"]
    without = await stood.call("POST", "/api/v1/orders/submit", ann, ORDER)
    assert plain(without)["code"] == "malformed"
    await stood.call("POST", "/api/v1/orders/cancel", ann, {"all": True})
    await stood.until(lambda: not stood.model.account.orders, "all are canceled")


async def test_what_the_gate_refuses_is_a_problem_with_its_numbers(stood: Both) -> None:
    ann = stood.key("trader")
    answer = await submit(stood, ann, "big", amount=900_000_000)
    body = plain(answer)
    assert (answer.status_code, body["code"]) == (409, "refused")
    assert body["check"] and body["fix"] and body["request"]
    retried = await submit(stood, ann, "big", amount=900_000_000)  # refused: the key is free again
    assert plain(retried)["code"] == "refused"


async def test_a_market_order_is_a_bounded_limit(stood: Both) -> None:
    ann = stood.key("trader")
    body = {key: value for key, value in ORDER.items() if key != "price"}
    told = await stood.call(
        "POST", "/api/v1/orders/submit", once(ann, "m1"),
        body | {"order_type": "market", "max_slippage_pct": 5, "time_in_force": "FILL_OR_KILL"},
    )  # fmt: skip
    answer = plain(told)
    assert told.status_code == 200, told.text
    assert (answer["estimated_fill_price"], answer["estimated_total"]) == (0.44, 4.4)
    life = stood.live.engine.trading.account.orders[answer["order_id"]]
    assert (life.order.px, life.order.tif) == (460_000, "fok")  # 0.44 and 5 %, down to the grid
    none = await stood.call(
        "POST", "/api/v1/orders/submit", once(ann, "m2"), body | {"order_type": "market"}
    )
    assert plain(none)["code"] == "invalid"
    await stood.call("POST", "/api/v1/orders/cancel", ann, {"platform": "kalshi"})


async def test_halts_hold_and_end(stood: Both) -> None:
    ann = stood.key("risk")
    told = await stood.call("POST", "/api/v1/control/halt", ann,
                            {"scope": "venue:kalshi", "level": "pause"})  # fmt: skip
    assert told.status_code == 200
    refused = await submit(stood, stood.key("trader"), "halted")
    assert plain(refused)["code"] == "refused"
    summary = plain(await stood.call("GET", "/api/v1/portfolio/summary", ann))
    assert [one["scope"] for one in summary["halted"]] == ["venue:kalshi"]
    resumed = await stood.call("POST", "/api/v1/control/resume", ann, {"scope": "venue:kalshi"})
    assert resumed.status_code == 200
    bad = await stood.call("POST", "/api/v1/control/halt", ann, {"scope": "moon"})
    assert (bad.status_code, plain(bad)["check"]) == (409, "scope")


async def test_who_commanded_it_reads_it_though_news_of_the_run_are_slow(
    stood: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, hear = stood.key("risk"), stood.model.hear
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(stood.model, "hear", lambda news: loop.call_later(0.1, hear, news))
    scope = "market:kalshi:A"
    for path, shown in (("halt", [scope]), ("resume", [])):
        told = await stood.call("POST", f"/api/v1/control/{path}", ann, {"scope": scope})
        assert told.status_code == 200, told.text
        summary = plain(await stood.call("GET", "/api/v1/portfolio/summary", ann))
        assert [one["scope"] for one in summary["halted"]] == shown


async def test_a_name_that_the_run_does_not_know_stops_nothing_and_says_so(stood: Both) -> None:
    ann, stands = stood.key("risk"), stood.live.engine.trading.account.halts
    for scope, words in {
        "market:kalshi:NOPE": "no market", "market:KALSHI:A": "no market",
        "strategy:bundel_yes": "bundle_yes", "venue:binance": "there is kalshi, polymarket",
        "market:": "say all", "moon": "say all", "Venue:kalshi": "say all",
    }.items():  # fmt: skip
        for path in ("halt", "resume"):
            answer = await stood.call("POST", f"/api/v1/control/{path}", ann, {"scope": scope})
            said = plain(answer)
            assert (answer.status_code, said["check"]) == (409, "scope"), scope
            assert words in said["detail"] and not stands
    for scope in ("market:kalshi:A", "strategy:bundle_yes"):
        for path, left in (("halt", 1), ("resume", 0)):
            answer = await stood.call("POST", f"/api/v1/control/{path}", ann, {"scope": scope})
            assert (answer.status_code, len(stands)) == (200, left), answer.text
    again = await stood.call("POST", "/api/v1/control/resume", ann, {"scope": "market:kalshi:A"})
    assert plain(again)["notes"][0]["detail"] == "it was not stopped"


async def test_a_chat_is_told_what_is_not_known_and_no_figure_stops_it(stood: Both) -> None:
    remote, halts = Remote(stood.live), stood.live.engine.trading.account.halts
    assert "there is no such strategy" in remote("ann", "/pause strategy:makr")
    assert "no market" in remote("ann", "/stop market:kalshi:NOPE") and not halts
    assert "strategy:bundle_yes" in remote("ann", "/pause bundle_yes")
    await stood.until(lambda: "strategy:bundle_yes" in halts, "it is paused")
    assert "Asked" in remote("ann", "/resume bundle_yes")
    await stood.until(lambda: not halts, "it goes on")
    for text in ("/profit ²", "/trades ²",
                 "/mute ²h", "/mute fill h"):  # fmt: skip
        assert isinstance(remote("ann", text), str)


async def test_a_kill_says_what_it_could_not_sell(stood: Both, monkeypatch: Any) -> None:
    """It killed all the same; that the run refused it would be untrue."""
    trader, run = stood.key("trader"), stood.gateway.run
    halted = ("HaltMoved", ["HaltMoved", "all", "kill", "kill switch", "ann"])
    no = ("Refused", ["Refused", "e-1-1", "well_formed", "below the least size", {"qty": 3}])
    kill, path = {"flatten": True}, "/api/v1/control/kill"

    async def partly(who: str, verb: str, args: tuple[str, ...]) -> Told:
        return Told(7, (halted, no), ("e-1-2",))

    async def nobody(who: str, verb: str, args: tuple[str, ...]) -> Told:
        raise NotRunning("no run is going on")

    monkeypatch.setattr(run, "command", partly)
    some = await stood.call("POST", path, trader, kill)
    said = plain(some)
    assert (some.status_code, said["code"], said["orders"]) == (409, "partly_done", ["e-1-2"])
    assert "all trading is stopped" in said["detail"] and len(said["left"]) == 1
    monkeypatch.setattr(run, "command", nobody)
    none, without = [await stood.call("POST", path, trader, body) for body in (kill, {})]
    assert (none.status_code, plain(none)["code"]) == (409, "partly_done")
    assert "nothing was sold" in plain(none)["detail"] and "begins killed" in plain(none)["detail"]
    assert (without.status_code, plain(without)["status"]) == (200, "the next run begins killed")
    (stood.live.house.data_dir / "KILL").unlink()
    rows = plain(await stood.call("GET", "/api/v1/audit?limit=9", stood.key("auditor")))["items"]
    assert [row["result"] for row in rows if row["what"] == "kill"] == [
        "done", "partly_done", "partly_done",
    ]  # fmt: skip


async def test_a_kill_needs_one_and_its_end_two(stood: Both) -> None:
    trader, ann = stood.key("trader"), stood.key("risk", name="ann")
    killed = await stood.call("POST", "/api/v1/control/kill", trader, {})
    assert killed.status_code == 200
    assert (stood.live.house.data_dir / "KILL").exists()
    resume = await stood.call("POST", "/api/v1/control/resume", ann, {})
    assert plain(resume)["code"] == "refused"
    path = "/api/v1/control/approvals"
    asked = await stood.call("POST", path, ann, {"action": "clear_kill", "reason": "all is whole"})
    name = plain(asked)["id"]
    own = await stood.call("POST", f"{path}/{name}/approve", ann)
    second_key = stood.key("risk", name="ann")
    same = await stood.call("POST", f"{path}/{name}/approve", second_key)
    assert [own.status_code, same.status_code] == [403, 403]
    assert (stood.live.house.data_dir / "KILL").exists()
    ben = stood.key("admin", name="ben")
    done = await stood.call("POST", f"{path}/{name}/approve", ben)
    assert done.status_code == 200, done.text
    assert not (stood.live.house.data_dir / "KILL").exists()
    assert "all" not in stood.live.engine.trading.account.halts
    again = await stood.call("POST", f"{path}/{name}/approve", ben)
    assert plain(again)["code"] == "conflict"


async def test_a_reload_is_a_command_of_its_own(stood: Both) -> None:
    before = stood.commands
    told = await stood.call("POST", "/api/v1/control/reload", stood.key("risk"))
    assert told.status_code == 200, told.text
    assert set(plain(told)) == {"changed", "restart"} and stood.commands == before + 1
    assert (
        await stood.call("POST", "/api/v1/control/reload", stood.key("trader"))
    ).status_code == 403


async def test_going_live_is_refused_with_where_it_is_done_and_written_down(stood: Both) -> None:
    ann, before = stood.key("admin", name="ann"), stood.commands
    answer = await stood.call("POST", "/api/v1/control/approvals", ann,
                              {"action": "go_live", "reason": "we are ready"})  # fmt: skip
    said = plain(answer)
    assert (answer.status_code, said["code"]) == (409, "at_the_machine")
    assert "dutchbook go-live" in said["fix"] and stood.commands == before
    rows = plain(await stood.call("GET", "/api/v1/audit?limit=5", stood.key("auditor")))["items"]
    [row] = [one for one in rows if one["what"] == "ask go_live"]
    assert row["result"] == "at_the_machine" and row["who"].startswith("ann (key ")
    waiting = plain(await stood.call("GET", "/api/v1/control/approvals", ann))
    assert all(one["action"] != "go_live" for one in waiting)


async def test_detection_has_thresholds_of_its_own_and_trades_nothing(stood: Both) -> None:
    ann, before = stood.key("trader"), stood.mark()
    stood.put(InstrumentListed(kalshi("X")), InstrumentListed(poly("Y")))
    stood.put(book("kalshi:X", 40, 45), *both("polymarket:Y", 50, 53))
    stood.put(LinkProposed(Link("xy", "same", ("kalshi:X", "polymarket:Y"), 1)))
    stood.live.tell(OperatorAsked("us", "approve", ("xy", "1")))
    await stood.until(lambda: stood.live.engine.warm, "a basket nearly pays")
    answer = plain(await stood.call("POST", "/api/v1/detect", ann, {"min_profit_threshold": 1}))
    assert [one["kind"] for one in answer["opportunities"]] == ["cross_venue"]
    found = answer["opportunities"][0]
    assert found["profit_pct"] == 5 and {leg["outcome"] for leg in found["legs"]} == {"yes", "no"}
    assert stood.mark()[:2] == before[:2]
    gone = await stood.call("POST", "/api/v1/execute", once(ann, "e1"),
                            {"opportunity_id": "o999-0"})  # fmt: skip
    assert plain(gone)["code"] == "not_found"


async def test_an_opportunity_is_executed_once_at_a_price_that_still_holds(tmp_path) -> None:
    """Paused, nothing is taken; then a person takes it, quoted anew."""
    async with standing(tmp_path, arbitrage__edge_min="0.02") as both_:
        ann = both_.key("admin", name="ann")
        await both_.call("POST", "/api/v1/control/halt", ann, {"level": "pause"})
        both_.put(InstrumentListed(kalshi("X")), InstrumentListed(poly("Y")))
        both_.put(book("kalshi:X", 40, 45), *both("polymarket:Y", 50, 53))
        both_.put(LinkProposed(Link("xy", "same", ("kalshi:X", "polymarket:Y"), 1)))
        both_.live.tell(OperatorAsked("us", "approve", ("xy", "1")))
        await both_.until(lambda: both_.model.held, "it is shown")
        page = plain(await both_.call("GET", "/api/v1/opportunities", ann))
        name = page["items"][0]["id"]
        full = plain(await both_.call("GET", f"/api/v1/opportunities/{name}", ann))
        assert full["certificate"]["kind"] == "cross_venue"
        wanted = {"opportunity_id": name}
        path = "/api/v1/execute"
        paused = await both_.call("POST", path, once(ann, "e1"), wanted)
        assert plain(paused)["code"] == "refused"
        await both_.call("POST", "/api/v1/control/resume", ann, {})
        dear = await both_.call("POST", path, once(ann, "e2"), wanted | {"min_profit_pct": 9})
        assert (plain(dear)["code"], plain(dear)["check"]) == ("refused", "edge")
        taken = await both_.call("POST", path, once(ann, "e3"), wanted)
        again = await both_.call("POST", path, once(ann, "e3"), wanted)
        assert plain(taken)["status"] == "executing" and len(plain(taken)["orders"]) == 2
        assert again.content == taken.content
        sent = both_.doors["kalshi"].orders + both_.doors["polymarket"].orders
        assert sorted(sent) == sorted(plain(taken)["orders"])
