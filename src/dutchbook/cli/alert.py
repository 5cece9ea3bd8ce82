"""`dutchbook alert`: what people are told of, over which channel, and what became of it."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dutchbook.runtime.settings import Settings

app = typer.Typer(help="Alerts: setup, test, rules, mute, unmute, history.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]


@app.command()
def setup(
    channel: Annotated[str, typer.Argument(help="telegram, discord, email, sms, pager, slack")],
    seconds: Annotated[int, typer.Option(help="telegram: how long to wait for Start")] = 120,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Set up a channel: its secret is typed unseen or piped in, kept encrypted, and tried."""
    from dutchbook.cli.alert_setup import set_up
    from dutchbook.cli.out import emit, say

    told = set_up(channel, config, seconds, say)
    if as_json:
        emit(told)


@app.command()
def test(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Send a test over every channel that is switched on, and wait for each to confirm.

    Without a run, the channels of the settings are tried from here; in mode sim only a run has
    any, and `alert history` shows what its pretend messengers got.
    """
    import time

    from dutchbook.cli.out import emit, safe, say
    from dutchbook.domain.errors import DutchbookError, NotRunning, UsageError
    from dutchbook.runtime.control import Request, ask
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.layers import load

    try:
        root = data_dir_of(config, data_dir)
        asked = ask(root, Request(ask="alert_test", args=(getpass.getuser(),)))["answer"]
    except (NotRunning, UsageError):
        settings = load(config).settings
        if settings.mode == "sim":
            raise
        from dutchbook.cli.alert_setup import try_all

        asked, row = {}, try_all(settings)
    else:
        deadline, row = time.monotonic() + 15, dict[str, Any]()
        while asked["id"] and time.monotonic() < deadline:
            row = ask(root, Request(ask="alerts", args=(asked["id"],)))["answer"]
            if all(one["sent"] or one["tries"] > 1 for one in row["channels"].values()):
                break
            time.sleep(0.1)
    channels = row.get("channels", {})
    for name, one in channels.items():
        say(f"{name}: {'told' if one['sent'] else 'NOT told: ' + safe(one['why'])}")
    if as_json:
        emit({"channels": channels, "text": row.get("text", "")})
    if not channels:
        raise DutchbookError("no channel is switched on", todo="dutchbook alert setup telegram")
    if not all(one["sent"] for one in channels.values()):
        raise DutchbookError("not every channel confirmed", todo="see above")


@app.command()
def rules(config: Conf = None, as_json: Json = False) -> None:
    """Which kind goes where, how loud, with which limits; as the settings have it."""
    from dutchbook.alerts.notice import KINDS
    from dutchbook.alerts.rules import CHANNELS
    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit
    from dutchbook.runtime.alert_setup import enabled_of, rules_of
    from dutchbook.runtime.layers import load

    settings = load(config).settings
    made = rules_of(settings, CHANNELS)
    rows = [
        {"kind": kind, "priority": (level := made.priority(kind)),
         "channels": list(made.targets(kind, level)), "loud": made.loud_of.get(kind, "on")}
        for kind in KINDS if kind != "test"
    ]  # fmt: skip
    extra = _extra(settings)
    if as_json:
        emit({"rules": rows, "enabled": list(enabled_of(settings.alerts)), **extra})
        return
    shown = [
        [str(r["kind"]), str(r["priority"]), ", ".join(r["channels"]), str(r["loud"])] for r in rows
    ]
    show("alerts", ["kind", "priority", "channels", ""], shown, "")
    for name, value in extra.items():
        print(f"{name}: {value}")
    print(f"switched on: {', '.join(enabled_of(settings.alerts)) or 'none'}")


def _extra(settings: "Settings") -> dict[str, Any]:
    from dutchbook.domain.units import plain

    alerts = settings.alerts
    return {
        "quiet_hours": alerts.quiet_hours or "never", "per_minute": alerts.per_minute,
        "min_edge": plain(alerts.min_edge), "min_confidence": plain(alerts.min_confidence),
        "execute": alerts.telegram.execute, "valid_s": alerts.ttl_s,
        "escalate_s": alerts.escalate_s, "fallback": list(alerts.routes.fallback),
    }  # fmt: skip


@app.command()
def mute(
    span: Annotated[str, typer.Argument(help="30m, 1h, 2d")] = "1h",
    kind: Annotated[str, typer.Option(help="a kind of `alert rules`, or all")] = "all",
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Tell nothing of a kind for a while; CRITICAL alerts still come."""
    from dutchbook.cli.spans import parse_span
    from dutchbook.domain.units import SECOND

    _mute(kind, parse_span(span) // SECOND, data_dir, config, as_json)


@app.command()
def unmute(
    kind: Annotated[str, typer.Option(help="a kind, or all")] = "all",
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Tell it again."""
    _mute(kind, 0, data_dir, config, as_json)


def _mute(
    kind: str, seconds: int, data_dir: Path | None, config: Path | None, as_json: bool
) -> None:
    from dutchbook.cli.out import emit, say
    from dutchbook.runtime.control import Request, ask
    from dutchbook.runtime.datadir import data_dir_of

    root = data_dir_of(config, data_dir)
    args = (kind, str(seconds), getpass.getuser())
    told = ask(root, Request(ask="alert_mute", args=args))["answer"]
    say(f"{kind}: {'quiet' if seconds else 'told again'}")
    if as_json:
        emit(told)


@app.command()
def history(
    limit: Annotated[int, typer.Option(min=1, max=5_000, help="the newest")] = 30,
    audit: Annotated[bool, typer.Option(help="who pressed what, instead")] = False,
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """What was told, where it arrived and what became of it; while a run goes on and after."""
    from datetime import UTC, datetime

    from dutchbook.alerts.book import Book
    from dutchbook.alerts.buttons import Mint
    from dutchbook.alerts.rules import Rules
    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.desks import alert_row
    from dutchbook.storage.alertlog import read

    book = Book(Rules(), Mint(b""))
    for record in read(data_dir_of(config, data_dir)):
        book.fold(record)

    def when(at: int) -> str:
        return datetime.fromtimestamp(at // 10**9, UTC).strftime("%m-%d %H:%M:%S")

    if audit:
        presses = [{name: getattr(row, name) for name in row.__struct_fields__}
                   for row in list(book.audit)[-limit:]]  # fmt: skip
        if as_json:
            emit(presses)
            return
        table = [[when(p["at"]), p["who"], p["channel"], p["act"], "yes" if p["ok"] else "no",
                  p["why"]] for p in presses]  # fmt: skip
        show("presses", ["time", "who", "channel", "what", "done", ""], table, "nobody pressed")
        return
    rows = [alert_row(life) for life in list(book.lives.values())[-limit:]]
    if as_json:
        emit(rows)
        return
    table = [
        [when(r["at"]), r["priority"], r["kind"], r["text"].split("\n")[0],
         ", ".join(f"{n}{'' if c['sent'] else '?'}" for n, c in r["channels"].items()),
         r["settled"]]
        for r in rows
    ]  # fmt: skip
    show("alerts", ["time", "", "kind", "what", "told by", "then"], table, "nothing was told yet")
