"""The market socket: dumps, hashes, changes with their best prices, PING, subscriptions."""

from rig import ask, book_hash, is_type, running, until

from dutchbook.domain.units import ONE, micros


def sides(book):
    return {
        name: {micros(row["price"]): micros(row["size"]) for row in book[name]}
        for name in ("bids", "asks")
    }


def apply(books, frame):
    """Apply a price_change; afterwards every claimed best price must be the book's own."""
    for change in frame["price_changes"]:
        levels = books[change["asset_id"]]["bids" if change["side"] == "BUY" else "asks"]
        levels.pop(micros(change["price"]), None)
        if change["size"] != "0":
            levels[micros(change["price"])] = micros(change["size"])
    for change in frame["price_changes"]:
        book = books[change["asset_id"]]
        assert micros(change["best_bid"]) == max(book["bids"], default=0)
        assert micros(change["best_ask"]) == min(book["asks"], default=ONE)


async def test_first_dump_is_arrays_of_books_with_right_hashes_and_best_last(tmp_path):
    async with running(tmp_path, "polymarket") as rig, rig.market_socket() as ws:
        rig.world.advance = lambda now: []
        await ask(ws, type="market", assets_ids=rig.assets())
        books = []
        while len(books) < len(rig.assets()):
            (frame,) = await until(ws, lambda frame: True)
            assert isinstance(frame, list)
            books += frame
        assert [book["asset_id"] for book in books] == rig.assets()
        for book in books:
            assert book["event_type"] == "book" and book["hash"] == book_hash(book)
            bids = [micros(row["price"]) for row in book["bids"]]
            asks = [micros(row["price"]) for row in book["asks"]]
            assert bids == sorted(bids) and asks == sorted(asks, reverse=True)


async def test_changes_keep_every_book_whole_and_resubscribing_shows_the_same(tmp_path):
    """Both tokens of a market change in one frame; time never runs back within an asset."""
    async with running(tmp_path, "polymarket") as rig, rig.market_socket() as ws:
        await ask(ws, type="market", assets_ids=rig.assets())
        books, last, seen = {}, {}, 0
        while seen < 60:
            for frame in await until(ws, lambda frame: True):
                for message in frame if isinstance(frame, list) else [frame]:
                    if message["event_type"] == "book":
                        books[message["asset_id"]] = sides(message)
                    elif message["event_type"] == "price_change":
                        apply(books, message)
                        seen += 1
                        assert int(message["timestamp"]) >= last.get(message["market"], 0)
                        last[message["market"]] = int(message["timestamp"])
        busy = next(reversed(last))
        tokens = list(rig.exchange.polymarket.shelf.markets[busy].tokens)
        await ask(ws, operation="unsubscribe", assets_ids=tokens)
        await ask(ws, operation="subscribe", assets_ids=tokens)
        fresh = {}
        while len(fresh) < 2:
            for frame in await until(ws, lambda frame: isinstance(frame, dict)):
                if frame["event_type"] == "price_change" and not fresh:
                    apply(books, frame)
                elif frame["event_type"] == "book":
                    fresh[frame["asset_id"]] = sides(frame)
                    assert frame["hash"] == book_hash(frame)
        assert fresh == {token: books[token] for token in tokens}


async def test_extra_messages_only_with_the_custom_feature(tmp_path):
    async with (
        running(tmp_path, "polymarket") as rig,
        rig.market_socket() as plain,
        rig.market_socket() as custom,
    ):
        await ask(plain, type="market", assets_ids=rig.assets(), initial_dump=False)
        await ask(
            custom,
            type="market",
            assets_ids=rig.assets(),
            initial_dump=False,
            custom_feature_enabled=True,
        )
        frames = await until(custom, is_type("best_bid_ask"))
        best = frames[-1]
        assert micros(best["spread"]) == micros(best["best_ask"]) - micros(best["best_bid"])
        frames = await until(plain, is_type("last_trade_price"))
        assert {f["event_type"] for f in frames} == {"price_change", "last_trade_price"}


async def test_ping_is_answered_and_nonsense_refused_by_text(tmp_path):
    async with running(tmp_path, "polymarket") as rig, rig.market_socket() as ws:
        await ws.send("PING")
        assert await until(ws, lambda frame: frame == "PONG") == ["PONG"]
        for nonsense in ("{", "[]", '{"type":"market"}', '{"assets_ids":["1"]}'):
            await ws.send(nonsense)
            assert await until(ws, lambda frame: True) == ["INVALID OPERATION"]
        await ask(ws, type="market", assets_ids=["12345"])
        await ws.send("PING")
        assert await until(ws, lambda frame: True) == ["PONG"]
