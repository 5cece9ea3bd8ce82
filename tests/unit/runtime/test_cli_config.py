"""`dutchbook config` as a person uses it: each command, its output and its exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dutchbook.cli.config import app
from dutchbook.cli.out import report
from dutchbook.domain.errors import UsageError

SRC = Path(__file__).resolve().parents[3] / "src"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("DUTCHBOOK__"):
            monkeypatch.delenv(name)


def config(*args, env=None):
    """Run a command; (exit code as the launcher gives it, standard output)."""
    result = CliRunner().invoke(app, list(args), env=env)
    code = result.exit_code
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        code = report(result.exception)
    return code, result.stdout


def test_from_nothing_to_a_changed_setting():
    """init, validate, set, get, show: the file keeps its comments, values their origin."""
    assert config("init", "--json") == (0, '{"file":"dutchbook.toml"}\n')
    before = Path("dutchbook.toml").read_text()
    assert config("validate")[0] == 0
    assert config("set", "arbitrage.edge_min", "0.035")[0] == 0
    assert config("get", "arbitrage.edge_min") == (0, "0.035\n")
    after = Path("dutchbook.toml").read_text()
    assert after.replace('edge_min = "0.035"\n', "", 1) == before
    code, text = config("show", "--origin", env={"DUTCHBOOK__SEED": "9"})
    lines = dict(line.split(" = ") for line in text.splitlines())
    lines = {name.strip(): value for name, value in lines.items()}
    assert (code, lines["seed"]) == (0, "9  # env DUTCHBOOK__SEED")
    assert lines["arbitrage.edge_min"] == "0.035  # dutchbook.toml"
    assert lines["arbitrage.levels"] == "20  # default"


def test_show_json_is_one_object_last():
    code, text = config("show", "--json", "--origin")
    answer = json.loads(text.splitlines()[-1])
    assert code == 0 and answer["file"] is None
    assert answer["settings"]["fresh"]["silent_ms"] == 10_000
    assert answer["settings"]["arbitrage"]["capital_max"] == "1000"
    assert answer["origins"]["mode"] == "default"


def test_init_leaves_a_file_alone():
    Path("dutchbook.toml").write_text("seed = 5 # mine\n")
    assert config("init")[0] == 4
    assert Path("dutchbook.toml").read_text() == "seed = 5 # mine\n"


@pytest.mark.parametrize(
    ("path", "value"),
    [("arbitrage.edge_mni", "0.03"), ("arbitrage.edge_min", "much"), ("fresh.silent_ms", "0"),
     ("mode", "papier"), ("inbox.conflate_over", "50000"), ("venues.kalshi.key_file", "k.pem")],
)  # fmt: skip
def test_a_change_that_can_not_be_leaves_the_file_as_it_was(path, value):
    Path("dutchbook.toml").write_text("seed = 5 # mine\n")
    assert config("set", path, value)[0] == 4
    assert Path("dutchbook.toml").read_text() == "seed = 5 # mine\n"
    assert [p.name for p in Path().iterdir()] == ["dutchbook.toml"]


def test_set_keeps_comments_line_ends_and_mode():
    file = Path("dutchbook.toml")
    file.write_bytes(b"# top\r\nseed = 5 # mine\r\n\r\n[fresh]\r\n# quiet\r\nsilent_ms = 7\r\n")
    file.chmod(0o640)
    assert config("set", "fresh.silent_ms", "8")[0] == 0
    assert file.read_bytes() == (
        b"# top\r\nseed = 5 # mine\r\n\r\n[fresh]\r\n# quiet\r\nsilent_ms = 8\r\n"
    )
    assert file.stat().st_mode & 0o777 == 0o640


def test_set_into_a_profile():
    assert config("set", "fresh.silent_ms", "8", "--profile", "night")[0] == 0
    assert config("get", "fresh.silent_ms") == (0, "10000\n")
    assert config("get", "fresh.silent_ms", "--profile", "night") == (0, "8\n")
    code, text = config("validate", "--json")
    assert (code, json.loads(text)["profiles"]) == (0, ["night"])


def test_a_secret_is_neither_taken_from_a_command_line_nor_shown():
    assert config("set", "venues.kalshi.key_pem", "hunter2")[0] == UsageError.code
    file = Path("dutchbook.toml")
    file.write_text('mode = "paper"\n[venues.kalshi]\nkey_pem = "hunter2"\n')
    file.chmod(0o600)
    for args in (["show"], ["show", "--json", "--origin"], ["get", "venues.kalshi.key_pem"]):
        code, text = config(*args)
        assert code == 0 and "hunter2" not in text and "***" in text


def test_schema_and_path():
    code, text = config("schema")
    assert code == 0 and json.loads(text)["$ref"] == "#/$defs/Settings"
    code, text = config("path", "--json")
    assert json.loads(text) == {"file": str(Path("dutchbook.toml").absolute()), "exists": False}


def test_control_characters_do_not_reach_the_terminal():
    Path("dutchbook.toml").write_text('data_dir = "a\\u001b[31mb"\n')
    assert config("get", "data_dir") == (0, "a\\x1b[31mb\n")


def test_the_whole_command_line_gives_message_and_exit_code(tmp_path):
    """Through the launcher's own entry: no stack trace, code 4, the nearest key named."""
    env = {**os.environ, "PYTHONPATH": str(SRC), "DUTCHBOOK__SEDE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "dutchbook", "config", "show"],
        env=env, capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (4, "")
    assert "unknown setting sede" in done.stderr and "did you mean seed?" in done.stderr
    assert "Traceback" not in done.stderr
