"""Recording: frames reach the disk as they came; a full disk and a silent venue are told."""

import json

import pytest

from dutchbook.domain.errors import ConfigError, JournalError, UsageError, VenueUnreachable
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.io.fake import Cut, FakeTransport, Frames, Refuse
from dutchbook.io.signer import Signer
from dutchbook.runtime import feeds
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.recording import record
from dutchbook.runtime.settings import Settings
from toy_venue import URL, Toy


class Shelf:
    """A recorder that keeps lines in memory, and fails as a disk does after `room` of them."""

    def __init__(self, room=1_000):
        self.lines = []
        self.room = room
        self.closed = False

    @property
    def frames(self):
        return len(self.lines)

    def record(self, t, stream, data):
        if self.frames >= self.room:
            raise JournalError("the disk is full")
        self.lines.append((stream, data))

    def tick(self, now):
        pass

    def close(self):
        self.closed = True


def run(shelf, acts, span=Ns(300 * MILLI)):
    transport = FakeTransport(SystemClock(), {URL: acts})
    said = []
    return record([Toy()], Signer(), transport, shelf, span, said.append)


async def test_frames_are_kept_as_they_came():
    shelf = Shelf()
    frames = Frames((b'{"px":1}', '{"px":2, "a":"\u00e9"}'.encode(), b"\xff\xfe"))
    counts = await run(shelf, [[frames], []])
    assert shelf.lines == [
        ("toy.a", '{"px":1}'),
        ("toy.a", '{"px":2, "a":"\u00e9"}'),
        ("toy.a", b"\xff\xfe"),
    ]
    assert shelf.closed and counts["frames"] == 3 and counts["defects"] == 1
    assert counts["venues"] == ["toy"] and counts["throttled"] == 0


async def test_a_full_disk_ends_the_recording_with_its_error():
    with pytest.raises(JournalError, match="the disk is full"):
        await run(Shelf(room=1), [[Frames((b'{"px":1}', b'{"px":2}'))]], Ns(60 * SECOND))


async def test_a_venue_that_can_not_be_reached_is_an_error():
    with pytest.raises(VenueUnreachable, match="no stream of toy"):
        await run(Shelf(), [[Refuse("no route")]] * 100)


async def test_reconnects_are_counted():
    counts = await run(Shelf(), [[Cut()], []], Ns(1 * SECOND))
    assert counts["reconnects"] == 1


LINE = {
    "kalshi": {"rest": "http://127.0.0.1:1/t", "ws": "ws://127.0.0.1:2/t", "key_id": "k",
               "key_file": "k.pem", "ed25519_key_id": "e", "ed25519_key_file": "e.pem"},
    "polymarket": {"clob": "http://127.0.0.1:3", "gamma": "http://127.0.0.1:4",
                   "ws": "ws://127.0.0.1:5/ws/market"},
    "truth": "t", "wire": "w", "links": "l", "more": 1,
}  # fmt: skip


def test_addresses_are_read_from_text_or_file(tmp_path):
    file = tmp_path / "addresses.json"
    file.write_text(json.dumps(LINE))
    at = feeds.addresses(str(file))
    assert at == feeds.addresses(json.dumps(LINE))
    assert at.kalshi.key_file == "k.pem" and at.polymarket.gamma == "http://127.0.0.1:4"
    assert feeds.addresses('{"kalshi":null}') == feeds.Addresses()


@pytest.mark.parametrize("text", ["nowhere.json", "{", '{"kalshi":{"rest":1}}', "\0"])
def test_what_are_no_addresses_is_said(text):
    with pytest.raises(UsageError):
        feeds.addresses(text)


def test_kalshi_without_a_key_is_an_error_that_says_what_to_set():
    with pytest.raises(ConfigError, match="venue connect kalshi"):
        feeds.venues(Settings(mode="paper"), only="kalshi")
