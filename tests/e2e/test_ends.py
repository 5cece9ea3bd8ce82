"""How a run may end: told to, out of disk, out of a port, with its exchanges gone."""

import os
import resource
import signal
import socket

import pytest
from processes import Command, ask, children, exchanges_of, runs, status, wait_until


def streaming(data) -> bool:
    return status(data).get("journal_seq", 0) > 2_000


def no_more_room(pid, at):
    """No file of this process may grow beyond so many bytes from now on: a full disk."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (at, at))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_good_order(tmp_path, number):
    data = tmp_path / "data"
    command = Command(tmp_path / "run", "run", "--seed", 7, "--data-dir", data, "--json")
    wait_until(lambda: streaming(data), "a stream")
    exchanges = children(command.process.pid)
    os.killpg(command.process.pid, number)  # as a terminal does: to all that it started
    summary = command.answer()
    assert summary["ended"] == number.name and summary["dropped"] == 0
    assert not any(map(runs, exchanges)) and "Traceback" not in command.err
    verdict = ask(tmp_path, "data", "verify", "--data-dir", data, "--json")
    assert verdict["holds"] is True and verdict["seq"] == summary["journal_seq"]


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_a_full_disk_ends_a_run_with_a_message(tmp_path, whose):
    """What can't be recorded is not acted on; what was recorded before holds."""
    data = tmp_path / "data"
    command = Command(tmp_path / "run", "run", "--for", "80s", "--data-dir", data, "--json")
    wait_until(lambda: streaming(data), "a stream")
    exchanges = exchanges_of(command.process.pid)
    file = data / ("tape/000001.tape" if whose == "ours" else "sim/wire.jsonl")
    no_more_room(command.process.pid if whose == "ours" else exchanges, file.stat().st_size + 9_000)
    assert command.end() == 1
    assert "Traceback" not in command.err and "defect" not in command.err, command.err
    assert "File too large" in command.err and "to do:" in command.err
    wait_until(lambda: not runs(exchanges), "the end of the exchanges")
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
    exchanges = exchanges_of(command.process.pid)
    os.kill(exchanges, 9)
    assert command.end() == 1
    assert "the pretend exchanges ended" in command.err and "Traceback" not in command.err
    assert status(data)["running"] is False
