"""The Kalshi conversation: sids, seq arithmetic, snapshots, deltas, and every refusal."""

import pytest
from rig import ask, is_type, running, until

from dutchbook.domain.units import ONE, micros


def fold(frames):
    """Books from snapshots and deltas, and the check that seq has no hole on any sid."""
    books, last = {}, {}
    for frame in frames:
        if "seq" in frame:
            assert frame["seq"] == last.get(frame["sid"], 0) + 1, frame
            last[frame["sid"]] = frame["seq"]
        body = frame.get("msg", {})
        if frame["type"] == "orderbook_snapshot":
            books[body["market_ticker"]] = {
                side: {micros(px): micros(qty) for px, qty in body.get(f"{side}_dollars_fp", [])}
                for side in ("yes", "no")
            }
        elif frame["type"] == "orderbook_delta":
            levels = books[body["market_ticker"]][body["side"]]
            px = micros(body["price_dollars"])
            levels[px] = levels.get(px, 0) + micros(body["delta_fp"])
            assert levels[px] >= 0
            if not levels[px]:
                del levels[px]
    return books


async def test_subscribe_snapshots_deltas_and_control_replies_share_one_count(tmp_path):
    """What a client folds from the stream is the book that get_snapshot shows later."""
    async with running(tmp_path, "kalshi") as rig, rig.kalshi_socket() as ws:
        tickers = rig.tickers()
        channels = ["orderbook_delta", "trade", "ticker", "market_lifecycle_v2"]
        await ask(
            ws, id=1, cmd="subscribe", params={"channels": channels, "market_tickers": tickers}
        )
        frames = await until(ws, is_type("trade"))
        acks = [f["msg"] for f in frames if f["type"] == "subscribed"]
        assert acks == [{"channel": name, "sid": n} for n, name in enumerate(channels, 1)]
        snapshot = {"sid": 1, "action": "get_snapshot", "market_tickers": tickers}
        await ask(ws, id=2, cmd="update_subscription", params=snapshot)
        frames += await until(ws, lambda f: f.get("id") == 2)
        folded = fold(frames[:-1])[tickers[0]]
        assert frames[-1]["type"] == "orderbook_snapshot"
        assert fold([frames[-1] | {"seq": 1}]) == {tickers[0]: folded}
        await ask(ws, id=3, cmd="unsubscribe", params={"sids": [1]})
        frames += await until(ws, is_type("unsubscribed"))
        assert fold(frames) and frames[-1]["id"] == 3


async def test_prices_have_four_places_and_counts_two(tmp_path):
    async with running(tmp_path, "kalshi") as rig, rig.kalshi_socket() as ws:
        params = {"channels": ["orderbook_delta"], "market_tickers": rig.tickers()}
        await ask(ws, id=1, cmd="subscribe", params=params)
        frames = await until(ws, is_type("orderbook_delta"))
        body = frames[-1]["msg"]
        assert len(body["price_dollars"].partition(".")[2]) == 4
        assert len(body["delta_fp"].partition(".")[2]) == 2
        assert body["side"] in ("yes", "no") and isinstance(body["ts_ms"], int)


async def test_use_yes_price_shows_no_bids_as_yes_prices(tmp_path):
    """Absent means NO-leg prices; both clients see the same book of a quiet moment."""
    async with (
        running(tmp_path, "kalshi") as rig,
        rig.kalshi_socket() as a,
        rig.kalshi_socket() as b,
    ):
        rig.world.advance = lambda now: []
        params = {"channels": ["orderbook_delta"], "market_tickers": rig.tickers()[:3]}
        await ask(a, id=1, cmd="subscribe", params=params)
        await ask(b, id=1, cmd="subscribe", params=params | {"use_yes_price": True})
        own = (await until(a, is_type("orderbook_snapshot")))[-1]["msg"]
        yes = (await until(b, is_type("orderbook_snapshot")))[-1]["msg"]
        assert own["yes_dollars_fp"] == yes["yes_dollars_fp"]
        turned = sorted((ONE - micros(px), qty) for px, qty in own["no_dollars_fp"])
        assert turned == sorted((micros(px), qty) for px, qty in yes["no_dollars_fp"])


async def test_markets_come_and_go_on_one_sid(tmp_path):
    """A second subscribe to a channel and add_markets both answer ok with the whole list."""
    async with running(tmp_path, "kalshi") as rig, rig.kalshi_socket() as ws:
        rig.world.advance = lambda now: []
        one, two, three = rig.tickers()[:3]
        book = {"channels": ["orderbook_delta"]}
        await ask(ws, id=1, cmd="subscribe", params=book | {"market_ticker": one})
        await ask(ws, id=2, cmd="subscribe", params=book | {"market_tickers": [one, two]})
        add = {"sid": 1, "action": "add_markets", "market_tickers": [three]}
        await ask(ws, id=3, cmd="update_subscription", params=add)
        gone = {"sids": [1], "action": "delete_markets", "market_tickers": [two]}
        await ask(ws, id=4, cmd="update_subscription", params=gone)
        await ask(ws, id=5, cmd="list_subscriptions")
        frames = await until(ws, lambda f: f.get("id") == 5)
        assert [(f["type"], f.get("id"), f.get("seq")) for f in frames] == [
            ("subscribed", 1, None),
            ("orderbook_snapshot", None, 1),
            ("ok", 2, 2),
            ("orderbook_snapshot", None, 3),
            ("ok", 3, 4),
            ("orderbook_snapshot", None, 5),
            ("ok", 4, 6),
            ("ok", 5, None),
        ]
        oks = [f["msg"] for f in frames if f["type"] == "ok"]
        assert oks[1] == {"market_tickers": sorted((one, two, three))}
        assert oks[2] == {"market_tickers": sorted((one, three))}
        assert oks[3] == [{"channel": "orderbook_delta", "sid": 1}]


WRONG = [
    ("[1,2", 1),
    ("7", 1),
    ('{"id":1,"cmd":"shout","params":{}}', 5),
    ('{"id":1,"cmd":"subscribe"}', 2),
    ('{"id":1,"cmd":"subscribe","params":{"channels":[]}}', 3),
    ('{"id":1,"cmd":"subscribe","params":{"channels":["tea"]}}', 8),
    ('{"id":1,"cmd":"subscribe","params":{"channels":[["tea"]]}}', 8),
    ('{"id":1,"cmd":"subscribe","params":{"channels":["orderbook_delta"]}}', 14),
    ('{"id":1,"cmd":"subscribe","params":{"channels":["ticker"],"market_tickers":["X"]}}', 11),
    ('{"id":1,"cmd":"subscribe","params":{"channels":["ticker"],"market_tickers":[[]]}}', 11),
    ('{"id":1,"cmd":"unsubscribe","params":{"sids":[]}}', 4),
    ('{"id":1,"cmd":"unsubscribe","params":{"sids":[9]}}', 7),
    ('{"id":1,"cmd":"update_subscription","params":{"sids":[1,2]}}', 12),
    ('{"id":1,"cmd":"update_subscription","params":{"sid":9,"action":"add_markets"}}', 7),
    ('{"id":1,"cmd":"update_subscription","params":{"sid":1}}', 15),
    ('{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"dance"}}', 13),
    ('{"id":1,"cmd":"update_subscription","params":{"sid":1,"action":"add_markets"}}', 14),
]


@pytest.fixture
def session():
    from dutchbook.emulators.kalshi.messages import Stock
    from dutchbook.emulators.kalshi.session import KalshiSession
    from dutchbook.emulators.market import World

    made = KalshiSession(Stock(World(7, 1_790_000_000 * 10**9)))
    made.on_text('{"id":1,"cmd":"subscribe","params":{"channels":["ticker"]}}', 0)
    return made


@pytest.mark.parametrize(("text", "code"), WRONG)
def test_each_wrong_command_gets_its_code(session, text, code):
    import json

    (frame,) = session.on_text(text, 0)
    answer = json.loads(frame.text)
    assert (answer["type"], answer["msg"]["code"]) == ("error", code)


async def test_pings_carry_the_heartbeat_body(tmp_path, monkeypatch):
    from dutchbook.emulators.wire import hub

    monkeypatch.setattr(hub, "PING_S", 0.05)
    async with running(tmp_path, "kalshi") as rig, rig.kalshi_socket() as ws:
        bodies = []
        monkeypatch.setattr(ws.protocol, "recv_frame", _listening(ws.protocol.recv_frame, bodies))
        await ask(ws, id=1, cmd="subscribe", params={"channels": ["ticker"]})
        for _ in range(2_000):
            if bodies:
                break
            await ws.recv()
        assert set(bodies) == {b"heartbeat"}


def _listening(real, bodies):
    from websockets.frames import Opcode

    def recv_frame(frame):
        if frame.opcode is Opcode.PING:
            bodies.append(bytes(frame.data))
        return real(frame)

    return recv_frame
