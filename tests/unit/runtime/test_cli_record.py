"""`dutchbook record` against a real WebSocket server that plays Polymarket's part."""

import gzip
import json
from contextlib import contextmanager
from threading import Thread

import pytest
from typer.testing import CliRunner
from websockets.sync.server import serve

from dutchbook.cli.out import report
from dutchbook.cli.record import app
from dutchbook.cli.spans import parse_span
from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import MILLI, SECOND

pytest.importorskip("dutchbook.storage.raw", reason="the recorder of raw frames is not built yet")


def record(*args):
    """Run the command; (exit code as the launcher gives it, last line as JSON or None)."""
    result = CliRunner().invoke(app, list(args))
    code = result.exit_code
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        code = report(result.exception)
    lines = result.stdout.splitlines()
    return code, json.loads(lines[-1]) if lines and lines[-1].startswith("{") else None


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_in_mode_sim_it_wants_addresses():
    assert record("--for", "1s")[0] == 2


def test_nobody_there_is_told_with_its_code():
    """The catalogue can't be fetched, so no stream is ever opened."""
    nowhere = {
        "clob": "http://127.0.0.1:9",
        "gamma": "http://127.0.0.1:9",
        "ws": "ws://127.0.0.1:9",
    }
    code, _ = record("--for", "300ms", "--addresses", json.dumps({"polymarket": nowhere}))
    assert code == 7


@contextmanager
def answering(frames):
    """A WebSocket server for a venue without discovery: it sends `frames` and stays."""

    def handler(socket):
        for frame in frames:
            socket.send(frame)
        for _ in socket:
            pass

    with serve(handler, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def test_the_frames_of_a_real_socket_lie_in_the_folder(monkeypatch, tmp_path):
    from dutchbook.io.signer import Signer
    from dutchbook.runtime import feeds
    from dutchbook.venues.base import Dial
    from toy_venue import Toy

    frames = [json.dumps({"px": n}) for n in range(100)]
    with answering(frames) as port:

        class Here(Toy):
            def dial(self, stream, now):
                return Dial(f"ws://127.0.0.1:{port}/")

        monkeypatch.setattr(feeds, "venues", lambda *args: ([Here()], Signer()))
        code, answer = record("--for", "1s", "--addresses", "{}", "--data-dir", "d", "--json")
    assert (code, answer["frames"], answer["folder"]) == (0, 100, "d/raw")
    files = sorted((tmp_path / "d" / "raw").iterdir())
    lines = [
        json.loads(line)
        for file in files
        for line in gzip.decompress(file.read_bytes()).decode().splitlines()
    ]
    assert [(line["stream"], line["data"]) for line in lines] == [("toy.a", f) for f in frames]
    times = [line["t"] for line in lines]
    assert times == sorted(times)


def test_spans_of_time():
    wanted = {"500ms": 500 * MILLI, "60": 60 * SECOND, "5m": 300 * SECOND, "2h": 7_200 * SECOND}
    assert {text: parse_span(text) for text in wanted} == wanted
    for text in ("", "0s", "-1s", "1.5s", "１s", "5 m", "1d", "s"):
        with pytest.raises(UsageError):
            parse_span(text)
