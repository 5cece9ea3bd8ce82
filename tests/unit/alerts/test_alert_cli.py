"""`dutchbook alert` and `job` as a person types them, before a pretend Telegram."""

import asyncio
import io
import json
import threading

import pytest
from typer.testing import CliRunner

from dutchbook.alerts.buttons import Mint
from dutchbook.alerts.notice import Draft
from dutchbook.alerts.rules import Rules
from dutchbook.alerts.trigger import Seen
from dutchbook.cli import app
from dutchbook.cli.alert_setup import set_up
from dutchbook.emulators.messengers.house import TOKEN, Messengers
from dutchbook.runtime.alert_setup import secrets_for
from dutchbook.runtime.alerting import Alerting
from dutchbook.runtime.clock import VirtualClock
from dutchbook.runtime.layers import load

from .desk import NoLook


class Town:
    """Pretend messengers in a thread of their own, so that a command may run loops of its own."""

    def __enter__(self):
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.go()), daemon=True)
        self.thread.start()
        assert self.ready.wait(20)
        return self

    async def go(self):
        self.loop, self.over = asyncio.get_running_loop(), asyncio.Event()
        self.house = Messengers()
        await self.house.start()
        self.ready.set()
        await self.over.wait()
        await self.house.stop()

    def __exit__(self, *told):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(10)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def told(*args):
    done = CliRunner().invoke(app, list(args))
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1])


def test_setting_up_telegram_finds_the_chat_keeps_the_token_and_tells_a_test(home, monkeypatch):
    with Town() as town:
        file = home / "dutchbook.toml"
        file.write_text(f'mode = "paper"\n[alerts]\nlocal = true\n[alerts.telegram]\n'
                        f'url = "{town.house.telegram_url}"\n')  # fmt: skip
        file.chmod(0o600)
        monkeypatch.setattr("sys.stdin", io.StringIO(TOKEN + "\n"))
        town.loop.call_soon_threadsafe(town.house.bot.write, "/start", 42, "ann")
        found = set_up("telegram", None, 20, lambda text: None)
        assert (found["chat"], found["allowed"], found["name"]) == ("1", "42", "@ann")
        assert town.house.bot.texts() == ["[PAPER] 🔔 Test of the alert channels"]
        settings = load(None).settings
        assert settings.alerts.telegram.allow == (42,) and settings.alerts.telegram.enabled
        assert secrets_for(settings)["telegram.token"].reveal() == TOKEN.encode()
        kept = b"".join(p.read_bytes() for p in home.rglob("*") if p.is_file())
        assert TOKEN.encode() not in kept
        channels = told("alert", "test", "--json")["channels"]
        assert channels["telegram"]["sent"] and len(town.house.bot.texts()) == 2
    dead = CliRunner().invoke(app, ["alert", "test"])
    assert dead.exit_code == 1 and TOKEN not in dead.output


def test_history_and_rules_without_a_run(home):
    root = home / "data" / "sim"
    (root / "journal").mkdir(parents=True)
    made = Alerting(root, Rules("sim", ("discord",)), Seen("sim"), Mint(b"k" * 32), NoLook(),
                    VirtualClock(), lambda event: None)  # fmt: skip
    made.offer(Draft("halt", "k", "[SIM] 🛑 HALT  kill"))
    made.log.close()
    (row,) = told("alert", "history", "--json")
    assert (row["kind"], row["channels"]["discord"]["sent"]) == ("halt", 0)
    rules = {one["kind"]: one for one in told("alert", "rules", "--json")["rules"]}
    assert rules["risk_warning"]["channels"] == ["telegram", "sms"]
    assert told("job", "run", "archive", "--json")["status"] == "done"
    jobs = {one["name"]: one for one in told("job", "list", "--json")}
    assert (
        jobs["archive"]["last"]["status"] == "done" and jobs["backup"]["schedule"] == "0 */6 * * *"
    )
    assert CliRunner().invoke(app, ["job", "run", "train"]).exit_code != 0
