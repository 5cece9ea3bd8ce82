"""Damaged messages of every kind: events or typed errors, never anything else, nothing stored."""

import json
import os
import random

from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.events import BadInput, BookLevels, Event
from dutchbook.domain.units import ONE
from dutchbook.venues.base import Call, Send, Wake
from dutchbook.venues.polymarket import build, decode
from dutchbook.venues.polymarket.shapes import STREAM as DECODED
from pm import (
    CID,
    NO,
    NOW,
    STREAM,
    T0,
    YES,
    book,
    change,
    changes,
    discovered,
    event,
    market,
    opened,
    page,
    wire,
)

COUNT = int(os.environ.get("DUTCHBOOK_MUTATIONS", "20000"))
STAMP = str(T0 + 50)
FRAMES = [
    book(YES, [("0.4", "10")], [("0.6", "5.5")], 50, hashed=True),
    book(NO, [("0.4", "10")], [("0.6", "5.5")], 50),
    changes(50, change(YES, "0.41", "1", "BUY", best_bid="0.41", best_ask="0.6")),
    changes(50, change(YES, "0.41", "1", "BUY"), change(NO, "0.59", "1", "SELL")),
    b"[" + changes(50, change(NO, "0.41", "1", "BUY")) + b"]",
    wire(event_type="tick_size_change", market=CID, asset_id=YES, old_tick_size="0.01",
         new_tick_size="0.001", timestamp=STAMP),
    wire(event_type="last_trade_price", market=CID, asset_id=YES, price="0.4", size="5",
         side="BUY", fee_rate_bps="0", timestamp=STAMP),
    wire(event_type="best_bid_ask", market=CID, asset_id=NO, best_bid="0.1", best_ask="0.2",
         spread="0.1", timestamp=STAMP),
    wire(event_type="market_resolved", id="1", market=CID, assets_ids=[YES, NO],
         winning_asset_id=YES, winning_outcome="Yes", tags=[], timestamp=STAMP),
    wire(event_type="new_market", id="1", question="q", market="0xn", slug="s",
         assets_ids=["1", "2"], outcomes=["Yes", "No"], condition_id="0xn",
         clob_token_ids=["1", "2"], order_price_min_tick_size="0.01", fees_enabled=False,
         event_message={"slug": "e", "title": "E"}, timestamp=STAMP),
    page(event(market())),
]  # fmt: skip
WORDS = [b"NaN", b"null", b"true", b"-1", b"1e400", b"0", b'""', b"[]", b"{}", b'"-0"', b"2.5",
         b'"0x10"', b'"1_000"', b'"1.0000001"', b"99999999999999999999", b'"\\ud800"', b"\x00",
         b'"\xef\xbc\x91"', b"[" * 3_000, b'"' + b"9" * 5_000 + b'"', b"\xff"]  # fmt: skip


def mutated(rng: random.Random) -> bytes:
    """A message cut, flipped, spliced, or with one of its values replaced."""
    data = bytearray(rng.choice(FRAMES))
    for _ in range(rng.choice((1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(6):
            case 0:
                del data[at:]
            case 1 if data:
                data[at % len(data)] ^= 1 << rng.randrange(8)
            case 2:
                data[at:at] = rng.choice(WORDS)
            case 3:
                data[at : at + rng.randrange(40)] = b""
            case 4:
                colon = data.find(b":", at)
                end = data.find(b",", colon)
                if 0 <= colon < end:
                    data[colon + 1 : end] = rng.choice(WORDS)
            case _:
                other = rng.choice(FRAMES)
                data[at:] = other[rng.randrange(len(other)) :]
    return bytes(data)


def sound(out) -> None:
    """Nothing but events and requests; every level is a price and a size."""
    for item in out:
        assert isinstance(item, Event | Send | Wake | Call), item
        if isinstance(item, BookLevels):
            assert all(0 < px < ONE and size >= 0 for _, px, size in item.levels)
            assert -1 <= item.bid <= ONE and -1 <= item.ask <= ONE
        if isinstance(item, BadInput):
            item.what.encode(), item.where.encode(), item.market.encode()


def test_mutated_messages_give_events_or_typed_errors():
    rng = random.Random(20_261_121)
    venue = opened()
    bad = 0
    for n in range(COUNT):
        if n % 500 == 0:
            venue = opened()
        data = mutated(rng)
        out = venue.on_frame(STREAM, data, NOW)
        bad += any(isinstance(o, BadInput) for o in out)
        sound(out)
        if n % 4 == 0:
            sound(decode("", data))
        if n % 8 == 0:
            fresh = build(venue._config)
            (call,) = fresh.start(NOW)
            sound(fresh.on_reply(call.id, 200, data, NOW))
    assert COUNT // 2 < bad < COUNT


@given(st.binary(max_size=200))
def test_any_bytes_at_all(data):
    sound(opened().on_frame(STREAM, data, NOW))
    sound(decode("", data))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@given(
    st.sampled_from([json.loads(f) for f in FRAMES]),
    st.data(),
    json_values,
)
def test_any_value_in_any_place(message, data, value):
    body = json.loads(json.dumps(message[0] if isinstance(message, list) else message))
    spot = body
    while True:
        places = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        place = data.draw(st.sampled_from(places))
        if not isinstance(spot[place], dict | list) or not spot[place] or data.draw(st.booleans()):
            break
        spot = spot[place]
    spot[place] = value
    text = json.dumps(body).encode("utf-8", "surrogatepass")
    sound(opened().on_frame(STREAM, text, NOW))
    for found in decode("", text):
        sound([found])
        if isinstance(found, BadInput):
            assert found.stream == DECODED


def test_a_bad_message_leaves_the_protocol_as_it_was():
    """After 300 bad messages a good one is read as if they had not been."""
    rng = random.Random(5)
    venue, twin = opened(), opened()
    seen = 0
    while seen < 300:
        data = mutated(rng)
        out = venue.on_frame(STREAM, data, NOW)
        if all(
            not isinstance(o, Event) or type(o).__name__ in ("BadInput", "FeedGap") for o in out
        ):
            seen += 1
        else:
            venue = opened()
    good = book(YES, [("0.4", "10")], [], 60)
    assert venue.on_frame(STREAM, good, NOW) == twin.on_frame(STREAM, good, NOW)
    assert discovered()[1]
