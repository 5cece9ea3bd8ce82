"""`decode`: any body or message of Polymarket, its kind found by shape, through the command too."""

import json

import pytest
from typer.testing import CliRunner

from dutchbook.cli.decode import app
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import BadInput, BodySeen, BookSeen, EventListed, InstrumentListed
from dutchbook.venues.polymarket import bodies, decode
from pm import CID, NO, T0, YES, book, change, changes, event, market, page

TOKENS = [{"token_id": YES, "outcome": "Yes", "price": 0.4, "winner": False},
          {"token_id": NO, "outcome": "No", "price": 0.6, "winner": False}]  # fmt: skip
SIMPLE = {"condition_id": CID, "tokens": TOKENS, "active": True, "closed": False}
FULL = SIMPLE | {"question": "q", "minimum_tick_size": 0.01, "minimum_order_size": 5}
SHORT = {"c": CID, "t": [{"t": YES, "o": "Yes"}, {"t": NO, "o": "No"}], "mts": 0.01, "mos": 5,
         "nr": True, "mbf": 0, "tbf": 0, "fd": {"r": 0.05, "e": 1, "to": True}}  # fmt: skip
ORDER = {"id": "0x1", "market": CID, "asset_id": YES, "side": "BUY", "original_size": "10",
         "size_matched": "0", "price": "0.4", "status": "LIVE"}  # fmt: skip
TRADE = {"id": "t", "taker_order_id": "0x1", "market": CID, "asset_id": YES, "side": "BUY",
         "size": "1", "price": "0.4", "status": "MATCHED"}  # fmt: skip
SEEN = [
    (FULL, "clob.market", 1, True),
    (SIMPLE, "clob.simplified_market", 1, True),
    ({"data": [FULL, FULL], "next_cursor": "LTE=", "limit": 2, "count": 2}, "clob.market", 2, True),
    ({"data": [SIMPLE], "next_cursor": "LTE="}, "clob.simplified_market", 1, True),
    (SHORT, "clob.market_info", 1, True),
    ({"condition_id": CID, "primary_token_id": YES, "secondary_token_id": NO},
     "clob.market_by_token", 1, True),
    ({"price": "0.45"}, "clob.price", 1, False),
    ({"price": "0.45", "side": "BUY"}, "clob.price", 1, False),
    ({YES: {"BUY": "0.4", "SELL": "0.41"}, NO: {"BUY": "0.59"}}, "clob.prices", 2, False),
    ({"mid": "0.45"}, "clob.midpoint", 1, False),
    ({YES: "0.45", NO: "0.55"}, "clob.amounts", 2, False),
    ({"spread": "0.01"}, "clob.spread", 1, False),
    ({"minimum_tick_size": 0.001}, "clob.tick_size", 1, False),
    ({"neg_risk": False}, "clob.neg_risk", 1, False),
    ({"base_fee": 0}, "clob.fee_rate", 1, False),
    ({"history": [{"t": 1_790_000_000, "p": 0.45}, {"t": 1_790_000_060, "p": 0.46}]},
     "clob.prices_history", 2, False),
    ({"version": 2}, "clob.version", 1, False),
    (1_790_000_000, "clob.time", 1, False),
    ("OK", "clob.ok", 1, False),
    ({"error": "No orderbook exists"}, "clob.error", 1, False),
    (ORDER, "clob.order", 1, True),
    ([ORDER, ORDER], "clob.order", 2, True),
    (TRADE, "clob.trade", 1, True),
    (ORDER | {"event_type": "order", "type": "PLACEMENT", "timestamp": str(T0)},
     "user.order", 1, True),
    (TRADE | {"event_type": "trade", "type": "TRADE", "timestamp": str(T0)},
     "user.trade", 1, True),
    ({"type": "market", "assets_ids": [YES, NO]}, "ws.subscription", 2, False),
    ({"blocked": False, "ip": "1.2.3.4", "country": "DE", "region": "BE"},
     "site.geoblock", 1, False),
    ([], "list", 0, False),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind", "items", "named"), SEEN)
def test_bodies_without_an_event_of_their_own_are_recognised(body, kind, items, named):
    keys = (f"polymarket:{CID}",) if named else ()
    expected = [BodySeen("polymarket", kind, items, keys)]
    assert decode("", json.dumps(body).encode()) == expected


def test_books_and_catalogues_become_their_events():
    rest = json.loads(book(YES, [("0.4", "1")], [], 0, hashed=True))
    del rest["event_type"]
    assert [type(e) for e in decode("", json.dumps(rest).encode())] == [BookSeen]
    assert [type(e) for e in decode("", json.dumps([rest, rest]).encode())] == [BookSeen] * 2
    listed = [InstrumentListed, EventListed]
    assert [type(e) for e in decode("", page(event(market())))] == listed
    assert [type(e) for e in decode("", json.dumps(event(market())).encode())] == listed
    assert [type(e) for e in decode("", json.dumps([event(market())]).encode())] == listed
    alone = market(events=[{"slug": "fed-december"}])
    (only,) = decode("", json.dumps(alone).encode())
    assert only.instrument.event == "polymarket:fed-december"


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b'{"mid":"NaN","mid":"1"}', ""),
        (b'{"mid":"abc"}', "mid"),
        (b'{"history":[{"t":1,"p":NaN}]}', ""),
        (b'{"history":[{"t":1,"p":"x"}]}', "history[0].p"),
        (b'{"what":1}', ""),
        (b"true", ""),
        (b'{"mid":"\\ud800"}', ""),
        (b'\xef\xbb\xbf{"mid":"1"}', ""),
        ('{"mid":"1"}'.encode("utf-16"), ""),
        (b'{"data":[{"mid":"x"}],"next_cursor":""}', "data[0].mid"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, ""),
    ],
)
def test_what_is_wrong_is_named_by_its_path(data, where):
    (bad,) = decode("", data)
    assert isinstance(bad, BadInput)
    assert bad.where == where


def test_bodies_are_found_inside_any_envelope():
    capture = {
        "note": "taken by hand",
        "calls": [
            {"url": "/midpoint", "status": 200, "body": {"mid": "0.4"}},
            {"url": "/book", "response": json.dumps({"price": "0.4"})},
            {"frame": json.loads(changes(1, change(YES, "0.4", "1", "BUY")))},
            {"markets": {"one": FULL}, "mid": "not a body here"},
        ],
    }
    found = [(path, kind) for path, kind, _ in bodies(capture)]
    assert found == [
        ("$.calls[0].body", "clob.midpoint"),
        ("$.calls[1].response", "clob.price"),
        ("$.calls[2].frame", "frame"),
        ("$.calls[3].markets.one", "clob.market"),
    ]


def run(*args, stdin=b""):
    done = CliRunner().invoke(app, list(args), input=stdin)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return done, lines


def test_the_command_prints_one_event_a_line_and_a_summary_last(tmp_path):
    file = tmp_path / "frames.jsonl"
    good = changes(1, change(YES, "0.4", "1", "BUY"))
    file.write_bytes(good + b"\n" + good[:50] + b"\n" + changes(2, change(NO, "7", "1", "BUY")))
    done, lines = run("polymarket", str(file), "--json")
    assert done.exit_code == 1
    assert [line.get("event") or line.get("error") for line in lines[:-1]] == [
        "InstrumentListed",
        "BookLevels",
        "RemoteProtocolError",
        "RemoteProtocolError",
    ]
    assert [line["place"] for line in lines[2:4]] == ["line 2", "line 3"]
    assert lines[3]["where"] == "price_changes[0].price"
    assert lines[-1] == {
        "events": 2,
        "errors": 2,
        "by_kind": {"BookLevels": 1, "InstrumentListed": 1},
    }


def test_the_command_reads_stdin_and_named_kinds():
    done, lines = run("polymarket", "-", "--json", stdin=b'{\n "mid": "0.4"\n}')
    assert (done.exit_code, lines[0]["kind"]) == (0, "clob.midpoint")
    done, lines = run("polymarket", "-", stdin=b'{"nothing": 1}')
    assert (done.exit_code, lines[0]["place"]) == (1, "$")


def test_wrong_usage_is_a_usage_error(tmp_path):
    assert isinstance(run("nowhere", "-")[0].exception, UsageError)
    missing = run("polymarket", str(tmp_path / "absent"))[0]
    assert isinstance(missing.exception, UsageError)
    assert missing.exception.code == 2
