"""The checklist before real money: what was practised, what is set, what still answers."""

from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from dutchbook.alerts.notice import Sent
from dutchbook.domain.errors import DutchbookError
from dutchbook.domain.units import DAY, ONE
from dutchbook.runtime import binding, looked
from dutchbook.runtime.alert_setup import enabled_of
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.layers import Loaded
from dutchbook.runtime.probe import probe
from dutchbook.storage import alertlog
from dutchbook.storage.sql.database import open_database
from dutchbook.storage.sql.practice import Practice, practice
from dutchbook.storage.sql.projector import url_of

DAYS: Final = 14
TRADES: Final = 50
BACKUP: Final = "last_backup.json"
KEPT: Final = 95
HOUR: Final = DAY // 24


class Item(NamedTuple):
    """`must`: no acceptance goes round it."""

    name: str
    ok: bool
    found: str
    todo: str = ""
    must: bool = False


async def checklist(loaded: Loaded) -> list[Item]:
    """Every item, in the order in which they are read to a person; asks the venues."""
    settings = loaded.settings
    paper = Path(settings.data_path()).parent / "paper"
    return [
        _accounts(loaded), await _venues(loaded), *_practised(paper), _limits(loaded),
        _backup(paper.parent),
        _looked(loaded, Path("runs")), _alerts(loaded),
    ]  # fmt: skip


def _accounts(loaded: Loaded) -> Item:
    try:
        accounts = binding.accounts_of(loaded.settings)
    except DutchbookError as error:
        return Item("accounts", False, error.what, error.todo, must=True)
    if not accounts:
        return Item("accounts", False, "no account is named", "dutchbook venue connect", must=True)
    return Item("accounts", True, binding.named(accounts), must=True)


async def _venues(loaded: Loaded) -> Item:
    try:
        rows = [seen.row() for seen in await probe(loaded.settings)]
    except DutchbookError as error:
        return Item("venues", False, error.what, "dutchbook venue test", must=True)
    bad = [f"{row['venue']}: {row['why'] or 'no answer'}" for row in rows if not row["ok"]]
    if bad:
        return Item("venues", False, "; ".join(bad), "dutchbook venue test", must=True)
    found = ", ".join(f"{row['venue']} {row['trading']}" for row in rows)
    return Item("venues", True, found, must=True)


def _practised(paper: Path) -> list[Item]:
    """Days, trades and truthfulness of mode paper, from its tables; a kill in the last day."""
    done = practice(open_database(url_of("", paper))) if paper.is_dir() else Practice()
    kept = done.locked * 100 // done.promised if done.promised > 0 else 0
    ago = now() - done.killed_at
    killed = f"{ago // HOUR} h ago" if done.killed_at else "never tried in mode paper"
    todo = "./dutchbook run --mode paper"
    return [
        Item("paper days", done.days >= DAYS, f"{done.days} of {DAYS}", todo),
        Item("paper trades", done.trades >= TRADES, f"{done.trades} of {TRADES} done", todo),
        Item("drift", kept >= KEPT, f"paper kept {kept} % of what was proved, {KEPT} wanted",
             "dutchbook trade list shows where it went"),
        Item("none stuck", done.trades > 0 and not done.stuck, f"{done.stuck} baskets stuck",
             "look at each: dutchbook trade list"),
        Item("kill switch", ago < DAY, killed, "while mode paper runs: dutchbook kill"),
    ]  # fmt: skip


def _limits(loaded: Loaded) -> Item:
    """Somebody thought of them: the account as a whole and one basket are set by hand."""
    wanted = ("risk.per_account", "risk.per_basket", "arbitrage.capital_max")
    missing = [name for name in wanted if loaded.origins[name] == "default"]
    if missing:
        todo = f"dutchbook config set {missing[0]} ..."
        return Item("limits", False, f"not set: {', '.join(missing)}", todo, must=True)
    most = loaded.settings.risk.per_account // ONE
    return Item("limits", True, f"set; at most ${most:,} in all", must=True)


def _looked(loaded: Loaded, runs: Path) -> Item:
    """Every strategy with an opinion that is to trade, or else a kind of arbitrage, was checked."""
    strategies, known = loaded.settings.strategies, looked.last(runs)
    quoting = [name.strip() for name in strategies.enabled.split(",") if name.strip()]
    kinds = [name.strip() for name in strategies.arbitrage.split(",") if name.strip()]
    passed = {name for name, one in known.items() if one.ok and one.decisions}
    missing = [name for name in quoting if name not in passed]
    if not quoting and not passed & set(kinds):
        missing = kinds[:1]
    if missing:
        return Item("look-ahead", False, f"not checked, or failed: {', '.join(missing)}",
                    f"dutchbook backtest check {missing[0]} --data FILES")  # fmt: skip
    return Item("look-ahead", True, f"passed: {', '.join(sorted(passed))}")


def _alerts(loaded: Loaded) -> Item:
    """A channel that is switched on confirmed something in the last week, in paper or live."""
    enabled = enabled_of(loaded.settings.alerts)
    if not enabled:
        return Item("alerts", False, "no channel that reaches a person is switched on",
                    "dutchbook alert setup telegram")  # fmt: skip
    root = Path(loaded.settings.data_path()).parent
    told = [one for mode in ("paper", "live") for one in alertlog.read(root / mode)
            if isinstance(one, Sent) and one.channel in enabled]  # fmt: skip
    ok = any(now() - one.at < 7 * DAY for one in told)
    return Item("alerts", ok, f"{', '.join(enabled)}: {'told' if ok else 'nothing told'} in 7 days",
                "while a run goes on: dutchbook alert test")  # fmt: skip


def _backup(root: Path) -> Item:
    newest = 0
    for file in sorted(root.glob(f"*/{BACKUP}")):
        try:
            newest = max(newest, int(msgspec.json.decode(file.read_bytes())["at"]))
        except (OSError, msgspec.DecodeError, KeyError, TypeError, ValueError):
            continue
    ok = now() - newest < 7 * DAY
    return Item("backup", ok, "in the last 7 days" if ok else "none in the last 7 days",
                "dutchbook db backup FILE")  # fmt: skip


def now() -> int:
    """Nanoseconds since 1970."""
    return SystemClock().now()


def rows(items: list[Item]) -> list[dict[str, Any]]:
    return [item._asdict() for item in items]
