"""`dutchbook resume --clear-kill`: the file that stops the wire goes last, if at all."""

import json

import pytest
from typer.testing import CliRunner

from dutchbook.cli import ask as asking
from dutchbook.cli.halt import kill_app, resume_app
from dutchbook.cli.out import report
from dutchbook.domain.errors import NotRunning, Timeout


@pytest.fixture
def killed(tmp_path):
    (tmp_path / "journal").mkdir()
    (tmp_path / "KILL").write_text("killed by ann\n", encoding="utf-8")
    return tmp_path


def clear(root):
    """The exit code, and all that was said."""
    words = ["--clear-kill", "--reason", "tested", "--data-dir", str(root)]
    result = CliRunner().invoke(resume_app, words)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        return report(result.exception), str(result.exception)
    return result.exit_code, result.stdout


def test_it_goes_after_the_engine_has_accepted(killed, monkeypatch):
    stood = []

    def accepts(root, request):
        stood.append((request.verb, request.args, (root / "KILL").exists()))
        return {"notes": [], "orders": []}

    monkeypatch.setattr(asking, "ask", accepts)
    assert clear(killed)[0] == 0
    assert stood == [("clear_kill", ("admin", "tested"), True)]
    assert not (killed / "KILL").exists()


def test_it_stays_where_the_engine_refuses_or_says_nothing(killed, monkeypatch):
    refusal = ["Refused", ["Refused", "all", "kill", "clearing needs a named admin", {}]]
    monkeypatch.setattr(asking, "ask", lambda root, request: {"notes": [refusal], "orders": []})
    assert clear(killed)[0] == 6 and (killed / "KILL").exists()

    def silent(root, request):
        raise Timeout("the run did not answer")

    monkeypatch.setattr(asking, "ask", silent)
    assert clear(killed)[0] != 0 and (killed / "KILL").exists()


def test_it_stays_where_nothing_is_running(killed):
    code, said = clear(killed)
    assert code == 3 and "nothing was changed" in said
    assert (killed / "KILL").exists()


def kill(root, *words):
    """The exit code, what programs read, and the error."""
    result = CliRunner().invoke(kill_app, ["--json", "--data-dir", str(root), *words])
    error = result.exception
    code = result.exit_code if isinstance(error, SystemExit | None) else report(error)
    return code, json.loads(result.stdout.splitlines()[-1]), str(error or "")


def test_a_kill_that_can_not_sell_everything_says_that_it_killed(killed, monkeypatch):
    """Refusals of single sales are not a refusal of the kill."""
    no = ["Refused", ["Refused", "e-1-1", "well_formed", "below the least size", {"qty": 3}]]
    halted = ["HaltMoved", ["HaltMoved", "all", "kill", "kill switch, ann", "ann"]]
    reply = {"seq": 7, "notes": [halted, no], "orders": ["e-1-2"]}
    monkeypatch.setattr(asking, "ask", lambda root, request: dict(reply))
    code, answer, error = kill(killed, "--flatten")
    assert (code, answer) == (6, reply)
    assert "all trading is stopped" in error and "1 position" in error
    monkeypatch.setattr(asking, "ask", lambda root, request: reply | {"notes": [halted]})
    assert kill(killed, "--flatten")[0] == 0


def test_without_a_run_nothing_is_sold_and_that_is_an_error(killed):
    assert kill(killed) == (0, {"killed": True, "running": False}, "")
    code, answer, error = kill(killed, "--flatten")
    assert (code, answer) == (3, {"killed": True, "running": False})
    assert "nothing was sold" in error and (killed / "KILL").exists()


@pytest.mark.parametrize("running", [True, False])
def test_a_disk_that_takes_no_file_keeps_no_kill_from_the_run(killed, monkeypatch, running):
    """The engine is told all the same; where there is none, that is said."""
    asked = []

    def answer(root, request):
        asked.append(request.verb)
        if not running:
            raise NotRunning("no run is going on")
        return {"seq": 7, "notes": [], "orders": []}

    def full(self, *args, **named):
        raise OSError(28, "No space left on device")

    (killed / "KILL").unlink()
    monkeypatch.setattr(asking, "ask", answer)
    monkeypatch.setattr("pathlib.Path.write_text", full)
    result = CliRunner().invoke(kill_app, ["--json", "--data-dir", str(killed)])
    error = result.exception
    if running:
        assert result.exit_code == 0 and json.loads(result.stdout)["seq"] == 7
    else:
        assert report(error) == 3 and "nothing was killed" in str(error)
    assert asked == ["kill"]
