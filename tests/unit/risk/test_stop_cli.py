"""`dutchbook resume --clear-kill`: the file that stops the wire goes last, if at all."""

import pytest
from typer.testing import CliRunner

from dutchbook.cli import ask as asking
from dutchbook.cli.halt import resume_app
from dutchbook.cli.out import report
from dutchbook.domain.errors import Timeout


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
