"""Over real sockets: a signal is numbered, kept, pushed, found again; a restart loses none."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve as serve_sockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dutchbook.client import Client, Gone, HubError, follow
from dutchbook.domain.account_events import OrderFilled
from dutchbook.domain.effects import Alert
from dutchbook.domain.events import MarketResolved, TimerFired
from dutchbook.domain.step import Closed
from dutchbook.domain.units import Ns
from dutchbook.hub import receipts, wire
from dutchbook.storage.messages import read_file
from unit.hub.served import Desk, collect, served


async def test_a_posted_signal_is_numbered_once_and_pushed(tmp_path: Path):
    async with served(tmp_path) as desk, Client.local(tmp_path) as client, desk.http() as http:
        feed, messages = client.feed("signals", min_confidence="0.7", kinds=["news"])
        await client.ready()
        await asyncio.sleep(0.05)
        said = {"id": "a", "kind": "news", "confidence": "0.8", "title": "Fed cuts",
                "markets": ["kalshi:FED"], "px": 0.4, "body": {"source": "wire"}}  # fmt: skip
        first = await http.post("/signals", json=said)
        assert (first.status_code, first.json()["seq"], first.json()["duplicate"]) == (
            202,
            1,
            False,
        )
        for path in ("/signal", "/webhook/signals", "/api/v1/signals"):
            again = await http.post(path, json=said)
            assert (again.status_code, again.json()["seq"]) == (200, 1)
            assert again.json()["duplicate"] is True
        other = await http.post("/signals", json=said | {"title": "Fed raises"})
        assert (other.status_code, other.json()["error"]) == (409, "other_words")
        low = await http.post("/signals", json=said | {"id": "b", "confidence": 0.1})
        assert low.json()["seq"] == 2
        await http.post("/signals", json=said | {"id": "c"})
        heard = await collect(messages, 2)
        assert [(m.seq, m.id, m.title, m.confidence) for m in heard] == [
            (1, "a", "Fed cuts", "0.8"), (3, "c", "Fed cuts", "0.8"),
        ]  # fmt: skip
        assert heard[0].body == {"source": "wire"} and heard[0].venues == ()
        assert (feed.missed, feed.repeated) == (0, 0)
        rows = (await http.get("/api/v1/signals", params={"after": 1})).json()
        assert [m["seq"] for m in rows["messages"]] == [2, 3] and rows["seq"] == 3
        page = (await http.get("/api/v1/signals", params={"limit": 1})).json()
        assert ([m["id"] for m in page["messages"]], page["next"]) == (["a"], 1)
        few = {"filters": json.dumps({"min_confidence": 0.7}), "after": 1}
        told = (await http.get("/api/v1/signals", params=few)).json()["messages"]
        assert [m["id"] for m in told] == ["c"]


async def test_what_may_not_be_posted_or_read_is_refused(tmp_path: Path):
    async with served(tmp_path) as desk, desk.http() as http:
        bad = [b"{}", b"[", b'{"kind":"news","confidence":2}', b'{"kind":"","confidence":0.1}',
               b'{"kind":"news","confidence":NaN}', b'{"kind":"news","confidence":0.1,"drop":1}',
               b'{"kind":"news","confidence":"1e-3"}', b'{"a":' * 9_000]  # fmt: skip
        for data in bad:
            reply = await http.post("/signals", content=data)
            assert (reply.status_code, reply.json()["error"]) == (400, "bad_signal"), data[:60]
        big = await http.post("/signals", content=b" " * 70_000)
        assert big.status_code == 413
        assert desk.store.seq == 0
        for headers in ({"authorization": "Bearer wrong"}, {"authorization": ""}):
            for method, path in (("POST", "/signals"), ("GET", "/api/v1/signals")):
                reply = await http.request(method, path, headers=headers)
                assert reply.status_code == 401
        for query in ({"after": "x"}, {"after": "-1"}, {"filters": "{"}, {"filters": '{"no":1}'}):
            assert (await http.get("/api/v1/signals", params=query)).status_code == 400
        assert (await http.get("/api/v1/stream/books")).status_code == 404
        assert (await http.get("/api/v1/stream/alerts")).status_code == 200


async def test_a_ticket_opens_the_socket_once_and_a_token_in_the_address_never(tmp_path: Path):
    async with served(tmp_path) as desk, desk.http() as http:
        url = f"ws://127.0.0.1:{desk.port}/ws"
        ticket = (await http.post("/api/v1/ws/ticket")).json()["ticket"]
        auth = json.dumps({"type": "auth", "ticket": ticket})
        async with connect(url) as socket:
            await socket.send(auth)
            await socket.send('{"type":"ping","id":"held while it is found out who I am"}')
            assert json.loads(await socket.recv())["type"] == "welcome"
            assert json.loads(await socket.recv())["type"] == "pong"
        async with connect(url + "/owner") as socket:
            await socket.send(auth)
            assert json.loads(await socket.recv())["code"] == "bad_token"
            with pytest.raises(ConnectionClosed) as ended:
                await socket.recv()
            assert ended.value.rcvd.code == wire.UNAUTHENTICATED
        token = json.dumps({"type": "auth", "token": desk.hub.token})
        async with connect(url + "/somebody") as socket:
            await socket.send(token)
            assert json.loads(await socket.recv())["code"] == "bad_token"
        async with connect(url + "/owner") as socket:
            await socket.send(token)
            assert json.loads(await socket.recv())["client_id"] == "owner"
        for where, headers in ((url + "?token=x", {}), (url, {"origin": "https://evil.example"})):
            with pytest.raises(InvalidStatus) as refused:
                await connect(where, additional_headers=headers)
            assert refused.value.response.status_code == 403
        async with connect(url, max_size=None) as socket:
            await socket.send(" " * 70_000)
            with pytest.raises(ConnectionClosed) as ended:
                await socket.recv()
            assert ended.value.rcvd.code == 1009


async def test_fills_alerts_and_closings_are_told_with_their_step(tmp_path: Path):
    async with served(tmp_path) as desk, Client.local(tmp_path, binary=True) as client:
        got: list[object] = []
        for channel in ("fills", "alerts", "opportunities"):
            client.on(channel, got.append)
        await client.ready()
        await asyncio.sleep(0.05)
        fill = OrderFilled(
            "kalshi", "main", "e-1", "v1", "t1", "kalshi:FED", "yes", "buy", 420_000, 5_000_000,
            Ns(0), False, Ns(0),
        )  # fmt: skip
        desk.tell(fill, (Alert("critical", "k", "look"),), (Closed("o1", "gross", Ns(0), 30_000),))
        for _ in range(100):
            await asyncio.sleep(0.02)
            if len(got) == 3:
                break
        by_kind = {type(item): item for item in got}
        told = by_kind[wire.Fill]
        assert (told.seq, told.n, told.market, told.px, told.qty) == (
            1,
            0,
            "kalshi:FED",
            "0.42",
            "5",
        )
        assert by_kind[wire.Opportunity].best == "0.03"
        assert (by_kind[wire.Alerted].level, by_kind[wire.Alerted].n) == ("critical", 2)


async def test_receipts_chain_over_restarts_and_outcomes_are_reckoned(tmp_path: Path):
    async with served(tmp_path) as desk:
        key = desk.hub.signer.public
        desk.signals(2, keys=("kalshi:FED",), probability=700_000, px=600_000)
    async with served(tmp_path) as desk:
        assert desk.hub.signer.public == key
        desk.signals(1)
        desk.tell(MarketResolved("kalshi:FED", 1_000_000, Ns(0)))
    rows = [msgspec.json.decode(row.body) for row in read_file(tmp_path / "hub", 1 << 60)]
    assert [row["type"] for row in rows] == ["signal"] * 3 + ["outcome"] * 2
    assert receipts.verify(rows, key, receipts.FIRST) == ([], rows[-1]["receipt"]["hash"])
    assert [(row["signal"], row["brier"], row["closing_line"]) for row in rows[3:]] == [
        (1, "0.09", None), (2, "0.09", None),
    ]  # fmt: skip
    outcomes = [msgspec.convert(row, wire.Outcome) for row in rows[3:]]
    assert receipts.record_of(outcomes) == {
        "desk": {"ended": 2, "brier": 0.09, "closing_line": None}
    }
    rows[1]["confidence"] = "0.9"
    assert receipts.verify(rows, key)[0] == ["signal 2.0: its words are not those that were signed"]
    assert len(receipts.verify(rows[:1] + rows[2:], key)[0]) == 1
    assert len(receipts.verify(rows[3:], "00" * 32)[0]) == 2


async def test_a_crash_between_the_journal_and_the_store_of_messages_loses_nothing(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.signals(3)
    whole = [row.body for row in read_file(tmp_path / "hub", 9)]
    desk.hub.log.close()
    desk.store.close()
    [path] = sorted((tmp_path / "hub").glob("*.msgs"))
    for cut in (1, len(path.read_bytes()) // 2, len(path.read_bytes())):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) - cut])
        desk = Desk(tmp_path)
        assert [row.body for row in read_file(tmp_path / "hub", 9)] == whole
        assert [m.seq for m in desk.hub.hub.histories["signals"].behind((0, 0), 9)] == [1, 2, 3]
        desk.hub.log.close()
        desk.store.close()
    ahead = Desk(tmp_path)
    ahead.hub.log.append([msgspec.structs.replace(ahead.hub.log.read("", 2, 0, 9)[0], seq=7)])
    ahead.hub.log.close()
    ahead.store.close()
    Desk(tmp_path)
    assert [row.body for row in read_file(tmp_path / "hub", 99)] == whole


async def test_the_client_goes_on_where_it_stood_when_the_server_comes_back(tmp_path: Path):
    async with served(tmp_path) as desk:
        port = desk.port
        desk.signals(5)
        client, moves = Client.local(tmp_path), []
        client.changed = moves.append
        feed, messages = client.feed("signals", after=2)
        async with client:
            heard = await collect(messages, 3)
            await desk.stop()
            later = await Desk(tmp_path, port).start()
            later.tell(TimerFired("nothing"))
            later.signals(4)
            heard += await collect(messages, 4)
            assert [m.seq for m in heard] == [3, 4, 5, 7, 8, 9, 10]
            assert (feed.missed, feed.repeated, client.connections) == (0, 0, 2)
            assert moves == [False, True]
            with pytest.raises(HubError, match="twice"):
                client.listen("signals")
        await later.stop()
        desk.store, desk.hub, desk.api = later.store, later.hub, later.api


async def test_errors_reach_who_listens(tmp_path: Path):
    async with served(tmp_path) as desk:
        desk.signals(3)
        desk.hub.hub.histories["signals"].oldest = 2
        async with Client.local(tmp_path) as client:
            with pytest.raises(Gone) as gone:
                await collect(client.listen("signals", after=1), 1)
            assert gone.value.seq == 2
            with pytest.raises(HubError, match="unknown_channel"):
                await collect(client.listen("weather"), 1)
        async with Client(desk.api.address, "wrong") as client:
            with pytest.raises(HubError, match="bad_token"):
                await collect(client.listen("signals"), 1)


async def test_a_plain_loop_follows_from_a_thread(tmp_path: Path):
    async with served(tmp_path) as desk:
        desk.signals(4)

        def work() -> list[int]:
            seqs = []
            for message in follow(Client.local(tmp_path), "signals", after=1):
                seqs.append(message.seq)
                if len(seqs) == 3:
                    return seqs
            return seqs

        assert await asyncio.wait_for(asyncio.to_thread(work), 10) == [2, 3, 4]


async def said_by(replies: list[list[object]], ticks: int) -> tuple[Any, Any]:
    """A server that says on each connection what stands in `replies`, and a client's first
    message or error within `ticks` tenths of a second."""

    async def serve(socket: Any) -> None:
        await socket.recv()
        for said in replies.pop(0):
            if said is None:
                asked = json.loads(await socket.recv())
                said = msgspec.json.encode(wire.Subscribed("x", "signals", 1, asked["id"]))
            elif said == "ahead":
                asked = json.loads(await socket.recv())
                said = msgspec.json.encode(wire.Error("ahead", "not yet", "", asked["id"], 1))
            await socket.send(said if isinstance(said, str) else bytes(said).decode())

    async with serve_sockets(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Client(f"ws://127.0.0.1:{port}/ws", "t") as client:
            feed, messages = client.feed("signals", after=1)
            try:
                return feed, await asyncio.wait_for(anext(messages), ticks / 10)
            except Exception as error:
                return feed, error


async def test_words_that_no_client_knows_end_it_aloud():
    """A listener waited for ever on a connection that nobody read any more."""
    welcome = msgspec.json.encode(wire.Welcome("c", 1, 1))
    for strange in ("{", '{"type":"novelty","seq":2}', "[[]]", '"\\ud800"'):
        _, error = await said_by([[welcome, None, strange]], 50)
        assert isinstance(error, msgspec.MsgspecError | ValueError), (strange, error)


async def test_a_server_that_is_behind_is_waited_for_after_each_restart():
    """Waits of earlier connections used up the patience for later ones."""
    welcome = msgspec.json.encode(wire.Welcome("c", 1, 1))
    once = [welcome, *["ahead"] * 12, None]
    _, end = await said_by([once, once, once, [welcome, None, "{"]], 120)
    assert isinstance(end, msgspec.MsgspecError), end
