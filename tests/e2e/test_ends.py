"""How a run may end: told to, out of disk, out of a port, with its exchanges gone."""

import os
import resource
import signal
import socket

import pytest
from processes import Command, ask, children, runs, status, wait_until


def streaming(data) -> bool:
    return status(data).get("journal_seq", 0) > 2_000


def small_files() -> None:
    """No file may grow beyond this; the signal of it is ignored, so that a write fails."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_good_order(tmp_path, number):
    data = tmp_path / "data"
    command = Command(tmp_path / "run", "run", "--seed", 7, "--data-dir", data, "--json")
    wait_until(lambda: streaming(data), "a stream")
    exchanges = children(command.process.pid)
    command.process.send_signal(number)
    summary = command.answer()
    assert summary["ended"] == number.name and summary["dropped"] == 0
    assert not any(map(runs, exchanges)) and "Traceback" not in command.err
    verdict = ask(tmp_path, "data", "verify", "--data-dir", data, "--json")
    assert verdict["holds"] is True and verdict["seq"] == summary["journal_seq"]


def test_a_full_disk_ends_a_run_with_a_message(tmp_path):
    """What can't be recorded is not acted on; what was recorded before holds."""
    data = tmp_path / "data"
    command = Command(
        tmp_path / "run", "run", "--for", "60s", "--data-dir", data, "--json", before=small_files
    )
    wait_until(lambda: (data / "lock").exists(), "a beginning")
    exchanges = children(command.process.pid)
    assert command.end() == 1
    assert "Traceback" not in command.err and "defect" not in command.err, command.err
    assert "error:" in command.err and "File too large" in command.err
    wait_until(lambda: not any(map(runs, exchanges)), "the end of the exchanges")
    assert ask(tmp_path, "data", "verify", "--data-dir", data, "--json")["holds"] is True


def test_a_port_in_use_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = Command(
            tmp_path, "exchange", "serve", "kalshi", "--port", port, "--data-dir", tmp_path / "x"
        )
        assert command.end() == 1
    assert str(port) in command.err and "in use" in command.err
    assert "Traceback" not in command.err and command.out == ""


def test_the_exchanges_dying_under_a_run_end_it_and_it_says_so(tmp_path):
    data = tmp_path / "data"
    command = Command(tmp_path / "run", "run", "--data-dir", data, "--json")
    wait_until(lambda: streaming(data), "a stream")
    (exchanges,) = children(command.process.pid)
    os.kill(exchanges, 9)
    assert command.end() == 1
    assert "the pretend exchanges ended" in command.err and "Traceback" not in command.err
    assert status(data)["running"] is False
