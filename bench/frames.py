"""The frames that the message path is measured on: recorded where there are any, else made."""

import json
from pathlib import Path
from random import Random
from typing import Any, Final

from bench.harness import Context

STREAM: Final = "kalshi.book"
RECORDED: Final = Path("kalshi") / "recorded" / "ws_orderbook_stream.json"
GAMES: Final = Path("polymarket") / "mlb_books"


def kalshi_recorded(context: Context) -> list[bytes]:
    """The frames of the recorded Kalshi stream; none where it is absent."""
    if context.data is None or not (context.data / RECORDED).exists():
        return []
    frames = json.loads((context.data / RECORDED).read_bytes())["frames"]
    return [json.dumps(one["frame"], separators=(",", ":")).encode() for one in frames]


def polymarket_recorded(context: Context, most: int) -> list[tuple[int, bytes]]:
    """(receive time in ns, frame) of the recorded games, at most `most`, whole games first."""
    from dutchbook.runtime.recorded import Raw, read

    found: list[tuple[int, bytes]] = []
    if context.data is None:
        return found
    for path in sorted((context.data / GAMES).glob("*.csv.gz")):
        if len(found) >= most:
            break
        found += [(item.at, item.data) for item in read(path) if isinstance(item, Raw)]
    return found[:most]


def kalshi_made(count: int, markets: int = 400, seed: int = 7) -> list[bytes]:
    """Snapshots of `markets` books, then `count` deltas of the shape that Kalshi sends.

    A few markets are busy and most are quiet; half of the changes come near the best price.
    """
    chance = Random(seed)
    names = [f"KXMADE-26NOV{n % 28 + 1:02d}-{n:04d}" for n in range(markets)]
    books = [(_ladder(chance), _ladder(chance)) for _ in names]
    frames = [_frame("subscribed", 0, {"channel": "orderbook_delta", "sid": 1})]
    seq = 0
    for name, (yes, no) in zip(names, books, strict=True):
        seq += 1
        sides = {"yes_dollars_fp": _text(yes), "no_dollars_fp": _text(no)}
        frames.append(_frame("orderbook_snapshot", seq, {**_of(name), **sides}))
    for _ in range(count):
        seq += 1
        n = min(int(chance.paretovariate(0.6)) - 1, markets - 1)
        n = n if chance.random() < 0.5 else chance.randrange(markets)
        side = chance.randrange(2)
        frames.append(_delta(chance, names[n], books[n][side], ("yes", "no")[side], seq))
    return frames


def _of(name: str) -> dict[str, Any]:
    return {"market_ticker": name, "market_id": "957ed958-9b9b-4a98-b024-16a394cd214c"}


def _ladder(chance: Random) -> dict[int, int]:
    """Cents -> hundredths of a contract, below the middle so that no book starts crossed."""
    return {cent: chance.randrange(1, 900) * 100 for cent in range(1, 47) if chance.random() < 0.6}


def _text(ladder: dict[int, int]) -> list[list[str]]:
    return [[f"{px / 100:.4f}", f"{size / 100:.2f}"] for px, size in ladder.items()]


def _delta(chance: Random, name: str, ladder: dict[int, int], side: str, seq: int) -> bytes:
    top = max(ladder, default=20)
    px = min(max(top - chance.randrange(-1, 4), 1), 48)
    if chance.random() < 0.5:
        px = chance.randrange(1, 47)
    old = ladder.get(px, 0)
    change = -old if old and chance.random() < 0.4 else chance.randrange(1, 900) * 100
    ladder[px] = old + change
    if not ladder[px]:
        del ladder[px]
    message = {
        **_of(name),
        "price_dollars": f"{px / 100:.4f}",
        "delta_fp": f"{change / 100:.2f}",
        "side": side,
        "ts": "2026-08-07T06:46:28.97871Z",
        "ts_ms": 1786085188978,
    }
    return _frame("orderbook_delta", seq, message)


def _frame(kind: str, seq: int, message: dict[str, Any]) -> bytes:
    head: dict[str, Any] = {"type": kind}
    head |= {"sid": 1, "seq": seq} if seq else {"id": 1}
    return json.dumps({**head, "msg": message}, separators=(",", ":")).encode()
