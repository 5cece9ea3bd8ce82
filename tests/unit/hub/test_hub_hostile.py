"""What a hostile client may do (JSON13, JSON15): a typed error or the end; nobody else notices."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.hub import wire
from dutchbook.hub.filters import Filter, FilterError, compile_filter, facets
from dutchbook.hub.session import Limits
from unit.hub.rig import Rig, signal

SUBSCRIBE = b'{"type":"subscribe","channel":"signals","filters":%b}'
BAD = {
    "nothing": b"",
    "not JSON": b"\xff\xfe{}",
    "cut": b'{"type":"ping"',
    "an array": b'[{"type":"ping"}]',
    "JSON13 lines": b'{"type":"ping"}\n{"type":"ping"}',
    "two": b'{"type":"ping"}{"type":"ping"}',
    "NaN": b'{"type":"subscribe","channel":"signals","filters":{"min_edge":NaN}}',
    "deep": b'{"type":"subscribe","channel":"signals","filters":' + b'{"not":' * 5_000 + b"{}"
    + b"}" * 5_001,
    "deep arrays": b"[" * 30_000,
    "a number as channel": b'{"type":"subscribe","channel":7}',
    "an unknown field": b'{"type":"ping","drop":"tables"}',
    "a huge number": b'{"type":"subscribe","channel":"signals","after":1' + b"0" * 400 + b"}",
}  # fmt: skip
FILTERS = {
    "too deep": b'{"not":' * 7 + b"{}" + b"}" * 7,
    "too wide": b'{"or":[' + b",".join([b"{}"] * 65) + b"]}",
    "too many items": b'{"kinds":[' + b",".join([b'"k"'] * 201) + b"]}",
    "a long word": b'{"keywords":["' + b"a" * 101 + b'"]}',
    "an empty word": b'{"keywords":[""]}',
    "seven places": b'{"min_edge":"0.1234567"}',
    "an exponent": b'{"min_edge":1e-9}',
    "text for a number": b'{"min_confidence":"high"}',
    "a negative span": b'{"max_lockup":-1}',
    "an unknown condition": b'{"profit":1}',
    "too large": b'{"min_edge":99999999}',
    "per cent for a share": b'{"min_confidence":80}',
    "less than none": b'{"not":{"min_confidence":"-0.1"}}',
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_message_is_refused_and_harms_nobody(name: str):
    rig = Rig()
    good, bad = rig.peer(), rig.peer("reader")
    good.say(type="subscribe", channel="signals")
    [answer] = bad.raw(BAD[name])
    assert answer["type"] == "error" and answer["code"] in ("bad_message", "bad_filter"), answer
    assert bad.closed is None
    rig.publish(signal(1))
    assert good.got() == [(1, 0)] and bad.got() == []


@pytest.mark.parametrize("name", FILTERS)
def test_a_bad_filter_is_refused(name: str):
    rig = Rig()
    peer = rig.peer()
    [answer] = peer.raw(SUBSCRIBE % FILTERS[name])
    assert answer["code"] == "bad_filter", answer
    assert rig.hub.groups["signals"] == {}


def test_before_auth_nothing_is_answered_but_the_door():
    rig = Rig()
    from unit.hub.rig import Peer

    peer = Peer(rig)
    [answer] = peer.say(type="subscribe", channel="signals")
    assert (answer["code"], peer.closed) == ("unauthenticated", wire.UNAUTHENTICATED)
    assert peer.say(type="auth", token="good") == []


def test_a_flood_is_refused_then_ended():
    rig = Rig(Limits(said_burst=10, patience=5))
    good, bad = rig.peer(), rig.peer("reader")
    good.say(type="subscribe", channel="signals")
    codes = [m.get("code") for _ in range(40) for m in bad.say(type="ping")]
    assert codes[:9] == [None] * 9 and codes[9:] == ["rate"] * 5
    assert bad.closed == wire.FLOOD
    rig.publish(signal(1))
    assert good.got() == [(1, 0)]
    slow = rig.peer("reader")
    for _ in range(40):
        rig.tick(0.1)
        slow.say(type="ping")
    assert slow.closed is None


def test_a_message_beyond_the_bound_ends_the_connection():
    rig = Rig()
    peer = rig.peer()
    assert peer.raw(b" " * (64 * 1024 + 1)) == []
    assert peer.closed == wire.TOO_BIG


@settings(max_examples=300)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_a_typed_error_or_an_answer(data: bytes, binary: bool):
    rig = Rig()
    peer = rig.peer()
    for heard in peer.raw(data, binary):
        assert heard["type"] in ("error", "pong")


leaf = st.fixed_dictionaries(
    {},
    optional={
        "min_confidence": st.sampled_from(["0.2", 0.5, 1]),
        "min_edge": st.sampled_from(["0.02", 0, "-0.01"]),
        "max_lockup": st.integers(0, 20),
        "kinds": st.lists(st.sampled_from(["a", "B", "c"]), max_size=2),
        "venues": st.lists(st.sampled_from(["kalshi", "Polymarket"]), max_size=2),
        "categories": st.lists(st.sampled_from(["sport", "Politics"]), max_size=2),
        "tickers": st.lists(st.sampled_from(["kalshi:X", "y"]), max_size=2),
        "keywords": st.lists(st.sampled_from(["fed", "RATE"]), max_size=2),
    },
)
tree = st.recursive(
    leaf,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"and": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"or": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)
told = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["a", "b", "c"]),
        "venues": st.lists(st.sampled_from(["kalshi", "polymarket"]), max_size=2).map(tuple),
        "categories": st.lists(st.sampled_from(["sport", "politics"]), max_size=1).map(tuple),
        "markets": st.lists(st.sampled_from(["kalshi:X", "polymarket:Y"]), max_size=2).map(tuple),
        "text": st.sampled_from(["The Fed cuts its rate", "Nothing", "federal"]),
        "confidence": st.sampled_from([-1, 0, 200_000, 500_000, 1_000_000]),
        "edge": st.sampled_from([-1, 0, 19_999, 20_000]),
        "lockup": st.sampled_from([-1, 0, 10, 30]),
    }
)


@settings(max_examples=400)
@given(tree, told)
def test_a_compiled_filter_says_what_a_plain_reading_says(plain: dict, said: dict):
    try:
        compiled = compile_filter(msgspec.convert(plain, Filter))
    except FilterError:
        return
    kind = said.pop("kind")
    made = facets(kind, **said)
    assert compiled.test(made) is _plainly(plain, {**said, "kind": kind})


def _plainly(plain: dict, said: dict) -> bool:
    """The same, read straight off the words."""
    venues = {v.lower() for v in said["venues"]}
    venues |= {m.partition(":")[0].lower() for m in said["markets"]}
    names = {m.lower() for m in said["markets"]}
    names |= {m.partition(":")[2].lower() for m in said["markets"]}
    text = said["text"].lower()
    held = []
    for name, value in plain.items():
        low = [v.lower() for v in value] if isinstance(value, list) and name not in _TREE else None
        if low == []:
            continue
        if name == "min_confidence":
            held.append(said["confidence"] >= 0 and said["confidence"] / 1e6 >= float(value))
        elif name == "min_edge":
            held.append(said["edge"] != -1 and said["edge"] / 1e6 >= float(value))
        elif name == "max_lockup":
            held.append(said["lockup"] != -1 and said["lockup"] <= value)
        elif name == "kinds":
            held.append(said["kind"] in low)
        elif name == "venues":
            held.append(bool(venues & set(low)))
        elif name == "categories":
            held.append(bool(set(said["categories"]) & set(low)))
        elif name == "tickers":
            held.append(bool(names & set(low)))
        elif name == "keywords":
            held.append(any(word in text for word in low))
        elif name == "and":
            held.append(all(_plainly(part, said) for part in value))
        elif name == "or" and value:
            held.append(any(_plainly(part, said) for part in value))
        elif name == "not":
            held.append(not _plainly(value, said))
    return all(held)


_TREE = ("and", "or")
