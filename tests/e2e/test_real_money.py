"""From a key to real orders, as a person goes: connect, paper, checklist, live; and each lock.

The venues are the pretend exchanges, reached as real ones are: by address and key.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT, Command

pytestmark = [pytest.mark.xdist_group("money"), pytest.mark.timeout(300)]
ACCOUNTS = "kalshi:main+polymarket:main"
CONFIRMED = {"DUTCHBOOK_CONFIRM_LIVE": ACCOUNTS}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with settings that name the exchanges, and a home of its own."""
    folder = tmp_path_factory.mktemp("desk")
    env = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    args = ("exchange", "serve", "both", "--seed", "7", "--tier", "premier")
    served = subprocess.Popen(
        [sys.executable, "-m", "dutchbook", *args, "--data-dir", str(folder / "x")],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env, cwd=folder,
    )  # fmt: skip
    try:
        at = json.loads(served.stdout.readline())
        yield Desk(folder, at)
    finally:
        served.terminate()
        served.wait(30)


class Desk:
    def __init__(self, folder, at):
        self.folder, self.at, self.count = folder, at, 0
        kalshi, polymarket = at["kalshi"], at["polymarket"]
        polymarket_urls = "\n".join(
            f'{name} = "{polymarket[name]}"'
            for name in ("clob", "gamma", "ws", "user_ws", "data", "geoblock")
        )
        (folder / "dutchbook.toml").write_text(
            f'mode = "paper"\n[venues.kalshi]\nrest = "{kalshi["rest"]}"\nws = "{kalshi["ws"]}"\n'
            f"[venues.polymarket]\n{polymarket_urls}\n"
            f'[links]\nfile = "{at["links"]}"\n'
        )

    def do(self, *args, code=0, env=None):
        """Run a command in the folder; its last line as JSON, or what it said where it failed."""
        self.count += 1
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CONFIG_HOME", str(self.folder / "home"))
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            command = Command(self.folder, *args)
            assert command.end() == code, (args, command.err[-2000:])
        return command.last() if code == 0 and "--json" in args else command.err


def test_from_a_key_to_real_orders(desk):
    kalshi, polymarket = desk.at["kalshi"], desk.at["polymarket"]
    assert [row["key"] for row in desk.do("venue", "list", "--json")["venues"]] == [False, False]
    key = ("--key-id", kalshi["key_id"], "--key-file", kalshi["key_file"])
    tested = desk.do("venue", "connect", "kalshi", *key, "--json")
    assert tested["venues"][0]["ok"] and tested["venues"][0]["cash"] == 100_000_000_000
    wallet = ("--key-file", polymarket["wallet_key_file"])
    desk.do("venue", "connect", "polymarket", *wallet, "--no-test")
    pem = Path(kalshi["key_file"]).read_text().splitlines()[1]
    for file in desk.folder.glob("**/*"):
        if file.is_file() and "x/sim" not in str(file):
            assert pem.encode() not in file.read_bytes(), f"{file} holds the key"

    paper = desk.do("run", "--for", "7s", "--json")
    assert paper["mode"] == "paper" and paper["baskets_done"] > 0 and paper["stuck"] == 0
    assert set(paper["grades"]) <= {"book_cross", "trade_through", "queue_model"}
    assert sum(paper["grades"].values()) == paper["fills"] > 0
    assert desk.do("venue", "balances", "--json")["balances"][0]["cash"] == 100_000_000_000

    assert "second switch" in desk.do("run", "--mode", "live", code=4, env=_limits())
    assert "never approved" in desk.do("run", "--mode", "live", "--live", code=4, env=_limits())
    assert "limit of its own" in desk.do("go-live", "--i-accept", code=4, env=CONFIRMED)
    told = desk.do("go-live", "--check", "--json", code=6, env=_limits())
    assert "✗ paper days" in told and "✓ accounts" in told and "✓ venues" in told
    for name, value in _values().items():
        desk.do("config", "set", name, value)
    assert "not confirmed" in desk.do("go-live", "--i-accept", code=4)
    bound = desk.do("go-live", "--i-accept", "--json", env=CONFIRMED)
    assert "paper days" in [item["name"] for item in bound["items"] if not item["ok"]]

    assert "not confirmed" in desk.do("run", "--mode", "live", "--live", code=4)
    live = desk.do("run", "--for", "10s", "--mode", "live", "--live", "--json", env=CONFIRMED)
    assert live["mode"] == "live" and live["baskets"] > 0
    assert live["unknown_seen"] == live["unknown_resolved"]
    assert set(live["grades"]) == {"venue_fill"}
    capital = desk.do("position", "list", "--data-dir", "data/live", "--json", code=3)
    assert "run" in capital
    rows = _trades(desk.folder / "data" / "live" / "dutchbook.db")
    assert len(rows) == live["baskets"] and max(rows) <= 20_000_000, "the ramp holds each trade"

    _every_lock_holds(desk)


def _every_lock_holds(desk):
    """I36: another mode's record, another key's account, a changed seal: nothing starts."""
    live = ("run", "--for", "3s", "--mode", "live", "--live")
    other = ("run", "--for", "3s", "--mode", "paper", "--data-dir", "data/live")
    assert "record of mode live" in desk.do(*other, code=4)
    assert "--live, but the mode" in desk.do("run", "--live", code=4)
    subaccount = {"DUTCHBOOK__VENUES__KALSHI__SUBACCOUNT": "3"}
    assert "kalshi: detail differs" in desk.do(*live, code=4, env=CONFIRMED | subaccount)
    file = desk.folder / "data" / "live.json"
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b'"main"', b'"mine"', 1))
    assert "changed after it was sealed" in desk.do(*live, code=4, env=CONFIRMED)
    file.write_bytes(kept)


def _values():
    return {
        "arbitrage.capital_max": "500", "risk.per_account": "5000", "risk.per_basket": "500",
    }  # fmt: skip


def _limits():
    return {"DUTCHBOOK__ARBITRAGE__CAPITAL_MAX": "500"}


def _trades(file):
    from sqlalchemy import select

    from dutchbook.storage.sql.database import open_database
    from dutchbook.storage.sql.tables import trades

    with open_database(f"sqlite:///{file}").connect() as base:
        return [row[0] for row in base.execute(select(trades.c.capital))]
