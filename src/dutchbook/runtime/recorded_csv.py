"""The flat CSV of Polymarket books, one row per level, turned back into the venue's own frames.

A message is the run of rows that share asset, hash and timestamp. In the recordings such rows
always stand together; where the same three come again later (a book sent twice after a new
subscription) it is a second message.
"""

import csv
import json
from collections.abc import Iterator
from typing import Final

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.units import MILLI
from dutchbook.runtime.lines import Lines
from dutchbook.runtime.recorded import STREAMS, Clock, Item, Raw

NEEDED: Final = ("asset_id", "event_type", "hash", "market_id", "market_slug")
NUMBERS: Final = ("price", "side", "size", "timestamp")
SIDES: Final = {"bid": "BUY", "ask": "SELL", "BUY": "BUY", "SELL": "SELL"}

Message = tuple[str, str, str, str, str]
"""market, asset, event type, hash, timestamp."""


def is_header(line: bytes) -> bool:
    """Whether this is the first line of such a file, in either order of its columns."""
    names = line.decode("ascii", "replace").split(",")
    return all(name in names for name in NEEDED + NUMBERS)


def read(lines: Lines) -> Iterator[Item]:
    """Frames as JSON text of the wire; a torn row is an error naming its line, the rest goes on."""
    rows = _rows(lines)
    clock = Clock()
    current: Message | None = None
    levels: list[tuple[str, str, str]] = []
    started = 0
    for number, row in rows:
        if isinstance(row, RemoteProtocolError):
            yield row
            continue
        message, level = row
        if message != current:
            if current is not None:
                yield _frame(current, levels, started, clock)
            current, levels, started = message, [], number
        levels.append(level)
    if current is not None:
        yield _frame(current, levels, started, clock)


def _rows(
    lines: Lines,
) -> Iterator[tuple[int, tuple[Message, tuple[str, str, str]] | RemoteProtocolError]]:
    where: dict[str, int] = {}
    for number, line in lines:
        if isinstance(line, RemoteProtocolError):
            yield number, line
            continue
        if not line:
            continue
        try:
            fields = next(csv.reader([line.decode("utf-8")], strict=True))
        except (ValueError, csv.Error) as error:
            yield number, lines.error(number, f"not a row: {error}")
            continue
        if not where:
            where = {name: index for index, name in enumerate(fields)}
            continue
        yield number, _row(fields, where, lines, number)


def _row(
    fields: list[str], where: dict[str, int], lines: Lines, number: int
) -> tuple[Message, tuple[str, str, str]] | RemoteProtocolError:
    if len(fields) != len(where):
        return lines.error(number, f"{len(fields)} fields where {len(where)} belong")
    side = SIDES.get(fields[where["side"]])
    kind, at = fields[where["event_type"]], fields[where["timestamp"]]
    if side is None:
        return lines.error(number, f"side is {fields[where['side']][:20]!r}")
    if kind not in ("book", "price_change"):
        return lines.error(number, f"event_type is {kind[:20]!r}")
    if not (at.isascii() and at.isdigit() and len(at) <= 16):
        return lines.error(number, f"timestamp is {at[:20]!r}")
    market = fields[where["market_id"]] or fields[where["market_slug"]]
    message = (market, fields[where["asset_id"]], kind, fields[where["hash"]], at)
    return message, (side, fields[where["price"]], fields[where["size"]])


def _frame(message: Message, levels: list[tuple[str, str, str]], line: int, clock: Clock) -> Raw:
    market, asset, kind, digest, at = message
    body: dict[str, object] = {"market": market, "timestamp": at, "event_type": kind}
    if kind == "book":
        for name, wanted in (("bids", "BUY"), ("asks", "SELL")):
            chosen = [level for level in levels if level[0] == wanted]
            body[name] = [{"price": price, "size": size} for _, price, size in chosen]
        body |= {"asset_id": asset, "hash": digest}
    else:
        body["price_changes"] = [
            {"asset_id": asset, "price": price, "size": size, "side": side, "hash": digest}
            for side, price, size in levels
        ]
    data = json.dumps(body, separators=(",", ":")).encode()
    return Raw(STREAMS["polymarket"], clock.next(int(at) * MILLI), data, f"line {line}")
