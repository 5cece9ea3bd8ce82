"""What is written down about the wire is what the code does."""

import json
from pathlib import Path

import jsonschema_rs
import msgspec

from dutchbook.hub import schema, wire
from unit.hub.rig import Rig, book, signal

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_the_committed_schema_and_types_are_those_of_the_code():
    made = schema.schema()
    assert json.loads((DOCS / "wire" / "wire.schema.json").read_text()) == json.loads(
        json.dumps(made)
    )
    assert (DOCS / "wire" / "wire.ts").read_text() == schema.typescript(made)


def test_what_is_sent_satisfies_the_schema():
    rig = Rig()
    made = schema.schema()
    frame = jsonschema_rs.validator_for({**made, "$ref": "#/$defs/Frame"})
    said = jsonschema_rs.validator_for({**made, "$ref": "#/$defs/Said"})
    peer = rig.peer()
    asked = [
        {"type": "subscribe", "channel": "signals", "filters": {"not": {"kinds": ["x"]}}},
        {"type": "subscribe", "channel": "books", "filters": {"and": [{"min_edge": None}]}},
        {"type": "ping"}, {"type": "unsubscribe", "subscription": "none"},
    ]  # fmt: skip
    for what in asked:
        assert said.is_valid(what)
        peer.say(**what)
    assert not said.is_valid({"type": "subscribe"}) and not said.is_valid({"type": "ping", "x": 1})
    rig.publish(signal(1), signal(1, 1), book(2, "kalshi:A", "0.4"))
    peer.say(type="subscribe", channel="signals", after=0)
    for one in peer.frames:
        plain = msgspec.json.decode(one.data)
        assert list(frame.iter_errors(plain)) == []
    assert not frame.is_valid({"type": "signal", "seq": "1"})


def test_every_code_is_in_the_docs():
    text = (DOCS / "distribution.md").read_text()
    missing = [str(code) for code in (*wire.ERRORS, *wire.CLOSES) if f"`{code}`" not in text]
    assert missing == []
