"""The wire log does not grow without end."""

import json

from dutchbook.emulators.wire.log import WireLog


def test_a_full_log_says_so_and_ends(tmp_path) -> None:
    log = WireLog(tmp_path / "wire.jsonl", clock=lambda: 7, bytes_max=300)
    for n in range(1, 20):
        log.sent("kalshi.ws#1", n, "x" * 50, None)
        log.flush()
    log.close()
    rows = [json.loads(line) for line in (tmp_path / "wire.jsonl").read_text().splitlines()]
    assert [row.get("n") for row in rows] == [1, 2, 3, None]
    assert rows[-1]["note"] == "the log is full and ends here"
    assert log.sent_frames == 19
