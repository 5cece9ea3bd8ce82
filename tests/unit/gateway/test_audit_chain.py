"""P17: any edit, loss, swap or cut of the gateway's audit is found; P18: what is kept is sealed."""

import json
import random
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dutchbook.domain.errors import JournalError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import Ns
from dutchbook.gateway.audit import FILE, Audit, verify
from dutchbook.runtime.layers import load
from dutchbook.runtime.serving import folder_of, identity_of

KEY = Secret(b"k" * 32)


def written(tmp_path: Path, lines: int = 12) -> tuple[Path, Path]:
    root, head = tmp_path / "gateway", tmp_path / "elsewhere" / "head.json"
    audit = Audit(root, head, KEY)
    for n in range(lines):
        audit.write(Ns(n), f"ann {n}", "127.0.0.1", "kill", "done", {"halts": []}, {"n": n})
    audit.close()
    assert verify(root, head, KEY) == []
    return root, head


def test_every_field_of_every_line_counts(tmp_path: Path) -> None:
    root, head = written(tmp_path)
    file = root / FILE
    whole = file.read_text().splitlines()
    for n, line in enumerate(whole):
        for field, value in json.loads(line).items():
            other = (
                value + 1
                if isinstance(value, int)
                else {"x": 1}
                if value is None or (isinstance(value, dict))
                else value + "x"
            )
            changed = json.dumps(json.loads(line) | {field: other})
            file.write_text("\n".join([*whole[:n], changed, *whole[n + 1 :]]) + "\n")
            assert verify(root, head, KEY), (n, field)


def test_lines_that_go_come_or_change_places_are_missed(tmp_path: Path) -> None:
    root, head = written(tmp_path)
    file = root / FILE
    whole = file.read_text().splitlines()
    dice = random.Random(7)
    for _ in range(40):
        some = list(whole)
        at = dice.randrange(len(some))
        match dice.choice(["drop", "swap", "cut", "again"]):
            case "drop":
                del some[at]
            case "swap":
                other = (at + 1) % len(some)
                some[at], some[other] = some[other], some[at]
            case "cut":
                some = some[:at]
            case _:
                some.insert(at, some[at])
        file.write_text("".join(line + "\n" for line in some))
        assert verify(root, head, KEY)
    file.unlink()
    assert verify(root, head, KEY) == ["12 of its last lines are missing"]


def test_without_the_key_nobody_makes_a_line_or_a_head(tmp_path: Path) -> None:
    root, head = written(tmp_path)
    forged = Audit.__new__(Audit)
    with pytest.raises(JournalError, match="does not hold"):
        Audit(root, head, Secret(b"another key of the same length.."))
    assert forged.__dict__ == {}
    head.unlink()
    assert verify(root, head, KEY) == ["its head is missing"]


def test_the_command_says_what_is_wrong_and_exits_with_one(tmp_path: Path, monkeypatch) -> None:
    from dutchbook.cli.audit import app

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    settings = load(env={}, cli={"data_dir": str(tmp_path / "sim")}).settings
    identity = identity_of(settings)
    for n in range(3):
        identity.audit.write(Ns(n), "ann", "local", "kill", "done")
    identity.close()
    args = ["verify", "--data-dir", str(tmp_path / "sim"), "--json"]
    good = CliRunner().invoke(app, args)
    assert good.exit_code == 0 and json.loads(good.stdout.splitlines()[-1])["lines"] == 3
    file = folder_of(settings) / FILE
    file.write_text(file.read_text().replace("ann", "eve"))
    bad = CliRunner().invoke(app, args)
    assert bad.exit_code != 0
    assert "line 1 was changed" in json.loads(bad.stdout.splitlines()[0])["broken"][0]


def test_the_first_commands_of_a_folder_may_come_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each makes what is not there: secrets, tables, audit; none gets in another's way."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    with ProcessPoolExecutor(6, mp_context=get_context("spawn")) as pool:
        ids = list(pool.map(first_command, [tmp_path / "data"] * 6))
    settings = load(env={}, cli={"data_dir": str(tmp_path / "data")}).settings
    identity = identity_of(settings)
    assert sorted(row.id for row in identity.keys.all()) == sorted(ids)
    assert identity.audit.n == 6
    identity.close()


def first_command(data: Path) -> str:
    identity = identity_of(load(env={}, cli={"data_dir": str(data)}).settings)
    key, _ = identity.keys.make("a name", "trader", Ns(1), "root")
    identity.audit.write(Ns(1), "root", "local", "new key", "done")
    identity.close()
    return key.id
