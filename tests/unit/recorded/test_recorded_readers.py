"""Recordings of every shape come out as the venue's own frames; damage is named by its place."""

import gzip
import json
import random

import pytest

from dutchbook.domain.errors import RemoteProtocolError, UsageError
from dutchbook.runtime.recorded import Raw, read, read_bytes

MS = 1_000_000
TRADE = b'{"event_type":"last_trade_price","market":"0x1","timestamp":"1750212212579"}'
LATER = b'{"event_type":"last_trade_price","market":"0x1","timestamp":"1750212212580"}'
KALSHI = b'{"type":"ticker","sid":1,"msg":{"market_ticker":"A","ts":1786085188}}'
PM, KS = "polymarket.market.0", "kalshi.book"
HEADER = "market_slug,asset_id,market_id,event_type,price,side,size,hash,timestamp"
NEWER = "market_slug,market_id,asset_id,outcome_name,event_type,price,side,size,hash,timestamp"


def test_bare_frames_one_a_line():
    found = list(read_bytes(TRADE + b"\n\n" + LATER + b"\r\n"))
    assert found == [
        Raw(PM, 1_750_212_212_579 * MS, TRADE, "line 1"),
        Raw(PM, 1_750_212_212_580 * MS, LATER, "line 3"),
    ]


def test_envelopes_of_others_and_ours_keep_the_frames_bytes():
    theirs = b'{"received_ms": 1786085188500, "frame": {"type": "ticker",  "msg": {}}}'
    ours = json.dumps({"t": 1786085188600 * MS, "stream": "x.y", "data": '{"a": 1 }'}).encode()
    text = json.dumps({"received_ms": 1786085188700, "frame": "PONG"}).encode()
    assert list(read_bytes(theirs + b"\n" + ours + b"\n" + text)) == [
        Raw(KS, 1786085188500 * MS, b'{"type": "ticker",  "msg": {}}', "line 1"),
        Raw("x.y", 1786085188600 * MS, b'{"a": 1 }', "line 2"),
        Raw(KS, 1786085188700 * MS, b"PONG", "line 3"),
    ]


@pytest.mark.parametrize(
    ("document", "places"),
    [
        (b'{"note": "x", "frames": [' + KALSHI + b", " + KALSHI + b"]}",
         ["$.frames[0]", "$.frames[1]"]),
        (b"[" + KALSHI + b",\n" + KALSHI + b"]", ["$[0]", "$[1]"]),
        (b'{\n "frames": [{"received_ms": 1786085188000, "frame": ' + KALSHI + b"}]\n}",
         ["$.frames[0]"]),
        (KALSHI, ["$"]),
        (b"\n " + KALSHI.replace(b",", b",\n"), ["$"]),
    ],
)  # fmt: skip
def test_documents(document, places):
    for content in (document, gzip.compress(document)):
        found = list(read_bytes(content))
        assert [raw.place for raw in found] == places
        assert all(raw.stream == KS and json.loads(raw.data) == json.loads(KALSHI) for raw in found)
        assert {raw.at for raw in found} == {1786085188 * 10**9}


def test_time_never_goes_back():
    found = list(read_bytes(LATER + b"\n" + TRADE + b"\n" + b'{"event_type":"x"}'))
    assert [raw.at for raw in found] == [1_750_212_212_580 * MS] * 3


def test_the_flat_csv_becomes_wire_frames_in_both_layouts():
    old = [HEADER, "s,7,1,book,0.9,ask,2.0,h,1750212212579", "s,7,1,book,0.8,ask,1,h,1750212212579",
           "s,7,1,book,0.1,bid,3,h,1750212212579",
           "s,7,,price_change,0.2,bid,0.0,i,1750212212580"]  # fmt: skip
    new = [NEWER, 's,1,7,"Red, Sox",price_change,0.2,BUY,5,j,1750212212581',
           "s,1,7,Reds,price_change,0.3,SELL,6,j,1750212212581"]  # fmt: skip
    first, second = read_bytes("\n".join(old).encode())
    assert first == Raw(PM, 1_750_212_212_579 * MS, first.data, "line 2")
    assert json.loads(first.data) == {
        "event_type": "book", "market": "1", "asset_id": "7", "timestamp": "1750212212579",
        "hash": "h", "bids": [{"price": "0.1", "size": "3"}],
        "asks": [{"price": "0.9", "size": "2.0"}, {"price": "0.8", "size": "1"}],
    }  # fmt: skip
    assert json.loads(second.data)["market"] == "s"
    (third,) = read_bytes("\n".join(new).encode())
    assert json.loads(third.data) == {
        "event_type": "price_change", "market": "1", "timestamp": "1750212212581",
        "price_changes": [
            {"asset_id": "7", "price": "0.2", "size": "5", "side": "BUY", "hash": "j"},
            {"asset_id": "7", "price": "0.3", "size": "6", "side": "SELL", "hash": "j"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "where", "frames"),
    [
        (b"", "line 1", 0),
        (b"hello\n", "line 1", 0),
        (b"a,b,c\n1,2,3\n", "line 1", 0),
        (TRADE + b"\n" + TRADE[:30] + b"\n" + LATER, "line 2", 2),
        (b'{"frames": [\n' + KALSHI + b",\n" + KALSHI[:20], "line 3", 0),
        (b"[" * 100_000, "line 1", 0),
        (b'{"other": 1}', "$", 0),
        (f"{HEADER}\ns,7,1,book,0.9,ask,2\n".encode(), "line 2", 0),
        (f"{HEADER}\ns,7,1,book,0.9,middle,2,h,1750212212579\n".encode(), "line 2", 0),
        (f"{HEADER}\ns,7,1,trade,0.9,ask,2,h,1750212212579\n".encode(), "line 2", 0),
        (f"{HEADER}\ns,7,1,book,0.9,ask,2,h,soon\n".encode(), "line 2", 0),
        (HEADER.encode() + b"\ns,7,1,book,0.9,ask,2,\xff,1\n", "line 2", 0),
    ],
)
def test_damage_is_named_by_its_place_and_the_rest_goes_on(content, where, frames):
    found = list(read_bytes(content))
    (error,) = [item for item in found if isinstance(item, RemoteProtocolError)]
    assert error.where == where
    assert len(found) - 1 == frames


def test_a_truncated_gzip_gives_what_was_whole_and_names_the_line(tmp_path):
    rng = random.Random(1)
    lines = [TRADE[:-1] + b',"id":"%d"}' % rng.getrandbits(200) for _ in range(2_000)]
    packed = gzip.compress(b"\n".join(lines))
    file = tmp_path / "cut.jsonl.gz"
    file.write_bytes(packed[: len(packed) // 2])
    *frames, error = read(file)
    assert isinstance(error, RemoteProtocolError)
    assert "ends in the middle" in error.what
    assert error.where == f"line {len(frames) + 1}"
    assert [raw.data for raw in frames] == lines[: len(frames)]
    assert 800 < len(frames) < 1_200
    file.write_bytes(packed[:200] + b"\x00" * 50 + packed[250:])
    assert any(isinstance(item, RemoteProtocolError) for item in read(file))


def test_an_absent_file_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError):
        list(read(tmp_path / "absent.csv.gz"))
