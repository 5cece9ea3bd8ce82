"""`dutchbook doctor` names keys of the gateway 14 days before they are 30 days old."""

import json
from pathlib import Path

from typer.testing import CliRunner

from dutchbook.cli.doctor import app
from dutchbook.domain.units import DAY, Ns
from dutchbook.runtime.layers import load
from dutchbook.runtime.serving import identity_of


def found(root: Path) -> dict[str, str]:
    said = CliRunner().invoke(app, ["--data-dir", str(root), "--json"]).stdout
    rows = json.loads(said.splitlines()[0])["checks"]
    return next(row for row in rows if row["name"] == "api keys")


def test_keys_that_are_due_are_named_and_no_others(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "sim"
    assert found(root)["state"] == "ok"
    identity = identity_of(load(env={}, cli={"data_dir": str(root)}).settings)
    now = identity.clock.now()

    def made(name: str, age: float, life: int) -> str:
        at = Ns(now - int(age * DAY))
        return identity.keys.make(name, "viewer", at, "t", life=Ns(life * DAY))[0].id

    made("young", 15.9, 30)
    made("brief", 3, 4)
    made("over", 31, 30)
    identity.keys.revoke(made("revoked", 20, 30), now)
    assert found(root)["state"] == "ok"
    due, long = made("due", 16.1, 30), made("long", 200, 365)
    identity.close()
    row = found(root)
    assert row["state"] == "warn" and "2 near or past 30 days" in row["found"]
    assert f"due ({due})" in row["found"] and f"long ({long})" in row["found"]
    assert "dutchbook api token new" in row["todo"]
