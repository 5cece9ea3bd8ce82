"""`dutchbook signal post` where the run is behind, as it is when it only just began."""

import json

import pytest
from typer.testing import CliRunner

from dutchbook.cli import signal
from dutchbook.cli.out import report


@pytest.fixture
def posting(monkeypatch):
    """Post against answers, the last of which stays: (exit code, stdout, bodies, waits)."""

    def run(*answers):
        bodies, waits = [], []

        def posted(url, token, said):
            bodies.append(json.dumps(said))
            return answers[min(len(bodies), len(answers)) - 1]

        monkeypatch.setattr(signal, "_posted", posted)
        monkeypatch.setattr("time.sleep", waits.append)
        words = ["post", "news", "0.8", "--title", "mine", "--json", "--url", "http://x"]
        result = CliRunner(env={"DUTCHBOOK_TOKEN": "t"}).invoke(signal.app, words)
        error = result.exception
        code = result.exit_code if isinstance(error, SystemExit | None) else report(error)
        return code, result.stdout, bodies, waits

    return run


UNKNOWN = (504, {"code": "outcome_unknown", "detail": "the engine did not number it in time"})
TAKEN = (202, {"signal_id": "a", "seq": 7, "duplicate": False})


def test_it_is_posted_again_in_the_same_words_until_it_is_numbered(posting):
    code, said, bodies, waits = posting(UNKNOWN, UNKNOWN, TAKEN)
    assert (code, json.loads(said)["seq"]) == (0, 7)
    assert len(bodies) == 3 and len(set(bodies)) == 1 and waits == list(signal.AGAIN[:2])


def test_where_it_never_is_nobody_knows_and_that_is_said(posting):
    code, _, bodies, _ = posting(UNKNOWN)
    assert code == 5 and len(bodies) == len(signal.AGAIN) + 1


def test_what_is_refused_is_not_asked_again(posting):
    code, _, bodies, waits = posting((422, {"code": "invalid", "detail": "no share"}))
    assert (code, len(bodies), waits) == (2, 1, [])
