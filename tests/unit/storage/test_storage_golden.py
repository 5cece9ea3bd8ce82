"""A record that version 1 wrote, with every event, effect and note there was, is read for ever."""

import shutil
from pathlib import Path

import msgspec

from dutchbook.domain.effects import Effect
from dutchbook.domain.events import Event
from dutchbook.domain.step import Note
from dutchbook.storage.frames import HEADER, read_header
from dutchbook.storage.reader import read_account, read_steps
from dutchbook.storage.store import Store
from dutchbook.storage.verify import verify
from storage_story import step

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "record_v1"
Plain = tuple[int, int, Event | None, tuple[Effect, ...], tuple[Note, ...]]


def test_version_1_is_read():
    """The steps beside it, as text, are what was appended; fields added since have defaults."""
    lines = (GOLDEN / "steps.jsonl").read_text().splitlines()
    expected = [msgspec.json.decode(line, type=Plain, strict=False) for line in lines]
    found = [(s.seq, s.at, s.event, s.effects, s.notes) for s in read_steps(GOLDEN)]
    assert found == expected
    assert len({type(item[2]) for item in found}) == 20
    path = GOLDEN / "journal" / "000001.acct"
    assert read_header(path.read_bytes()[: HEADER.size], path).schema == 1


def test_version_1_goes_on(tmp_path):
    """A store of today opens it, appends, and the whole still verifies."""
    shutil.copytree(GOLDEN, tmp_path / "run")
    store = Store.open(tmp_path / "run")
    assert (store.seq, store.repaired) == (22, ())
    late = step(23)
    envelope = type(late.envelope)(23, store.at, late.envelope.event)
    store.append(type(late)(envelope))
    store.close()
    assert verify(tmp_path / "run").problems == []
    account = [item.seq for item in read_account(tmp_path / "run")]
    assert account == [1, 5, 6, 8, 9, 10, 12, 13, 14, 15, 22]
