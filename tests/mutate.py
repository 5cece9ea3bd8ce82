"""Seeded damage to messages: what a broken network, a hostile venue or a new version could send."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

NUMBERS: tuple[Any, ...] = (
    "NaN", "Infinity", "-0", "1e400", "1e-400", "0x10", "1_000", "１２", " 1", "1,5", "", None,
    True, [], {}, 0.30000000000000004, 1234567890123456789, 2**63, 2**64, -1, 0, 1, "1.0001",
    "-5.00",
    "0.1234567", "0.0000", "1.0000", "9" * 400, 10**30, 1.5, -(2**70), "45", "0.005", 1e308,
)  # fmt: skip
TEXTS: tuple[str, ...] = (
    "", "a", "A" * 65_536, "\x00", "a\r\nb: c", "\u202egnp", "КХMLB", "../../etc/passwd", "';--",
    "{{7*7}}", "${jndi:ldap://x}", "%s%n{0.__class__}", "<script>alert(1)</script>", "\x1b[2J",
    "=cmd|' /C calc'!A0", "🎲", "e\u0301", "kxmlbgame-26", "A" * 300, "\ufeff", "polymarket:0x1",
)  # fmt: skip


def cases(seeds: list[bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` damaged messages with the name of what was done; the same seed gives the same."""
    rng = random.Random(seed)
    names = list(MUTATORS)
    for _ in range(count):
        name = rng.choice(names)
        data = MUTATORS[name](rng.choice(seeds), rng)
        if rng.random() < 0.2:
            second = rng.choice(names)
            name, data = f"{name}+{second}", MUTATORS[second](data, rng)
        yield name, data


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _flip(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        if out:
            out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _drop_bytes(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.randint(1, 20) :]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data) + 1)
    noise = rng.choice(
        [b"\x00", b"\xff\xfe", b"NaN", b'"', b"}", b",", b"\\ud800", b"\xed\xa0\x80"]
    )
    return data[:at] + noise + data[at:]


def _affix(data: bytes, rng: random.Random) -> bytes:
    return rng.choice(
        [b"\xef\xbb\xbf" + data, data + data, data + b"\n" + data, data + b" x", b"[" + data + b"]",
         b"", b" ", b"null", b"true", b"0", b'"x"', b"[]", b"{}",
         data.decode("utf-8", "replace").encode("utf-16")]
    )  # fmt: skip


def _deep(data: bytes, rng: random.Random) -> bytes:
    depth = rng.choice([50, 900, 5_000, 20_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"msg":', b"}")])
    inner = opening * depth + b"1" + closing * depth
    return rng.choice([inner, b'{"type":"orderbook_delta","sid":1,"seq":1,"msg":' + inner + b"}"])


def _duplicate_key(data: bytes, rng: random.Random) -> bytes:
    at = data.find(b"{", rng.randrange(len(data) + 1))
    extra = rng.choice(
        [b'"seq":1,', b'"msg":null,', b'"type":"trade",', b'"sid":{},', b'"a":1,"a":2,']
    )
    return data if at < 0 else data[: at + 1] + extra + data[at + 1 :]


def _value(data: bytes, rng: random.Random) -> bytes:
    return _edit(
        data, rng, lambda old: rng.choice([*NUMBERS, *TEXTS, [old], {"x": old}, [old, old]])
    )


def _number(data: bytes, rng: random.Random) -> bytes:
    return _edit(data, rng, lambda old: rng.choice(NUMBERS))


def _near(data: bytes, rng: random.Random) -> bytes:
    """Something of the right type that is nearly right."""

    def change(old: Any) -> Any:
        if isinstance(old, bool) or old is None:
            return not old
        if isinstance(old, int):
            return old + rng.choice([-1, 1, -old, 1_000, 2**40, -(2**40)])
        if isinstance(old, str) and old:
            return rng.choice([old[:-1], old + "0", "-" + old, old.lower(), old * 2, old[::-1]])
        return [old]

    return _edit(data, rng, change)


def _drop_key(data: bytes, rng: random.Random) -> bytes:
    return _restructure(data, rng, lambda box, name: box.pop(name))


def _rename(data: bytes, rng: random.Random) -> bytes:
    def rename(box: dict[str, Any], name: str) -> None:
        box[rng.choice([name.upper(), name + "_", "type", "msg", "ticker"])] = box.pop(name)

    return _restructure(data, rng, rename)


def _edit(data: bytes, rng: random.Random, change: Callable[[Any], Any]) -> bytes:
    body = _load(data)
    spots = list(_leaves(body))
    if not spots:
        return data
    box, name = rng.choice(spots)
    box[name] = change(box[name])
    return _dump(body, rng)


def _restructure(
    data: bytes, rng: random.Random, change: Callable[[dict[str, Any], str], Any]
) -> bytes:
    body = _load(data)
    spots = [(box, name) for box, name in _leaves(body, inner=True) if isinstance(box, dict)]
    if not spots:
        return data
    change(*rng.choice(spots))
    return _dump(body, rng)


def _load(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _dump(body: Any, rng: random.Random) -> bytes:
    try:
        text = json.dumps(body, ensure_ascii=rng.random() < 0.5)
    except (ValueError, RecursionError):
        return b""
    return text.encode("utf-8", "surrogatepass")


def _leaves(body: Any, inner: bool = False) -> Iterator[tuple[Any, Any]]:
    stack = [body]
    while stack:
        box = stack.pop()
        pairs = (
            box.items()
            if isinstance(box, dict)
            else enumerate(box)
            if isinstance(box, list)
            else ()
        )
        for name, value in list(pairs):
            if isinstance(value, dict | list):
                stack.append(value)
                if inner:
                    yield box, name
            else:
                yield box, name


MUTATORS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": _cut,
    "flip": _flip,
    "drop_bytes": _drop_bytes,
    "insert": _insert,
    "affix": _affix,
    "deep": _deep,
    "duplicate_key": _duplicate_key,
    "value": _value,
    "number": _number,
    "near": _near,
    "drop_key": _drop_key,
    "rename": _rename,
}
