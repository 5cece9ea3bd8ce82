"""The command line: a table of commands, each imported only when it is called."""

import importlib
import sys
from typing import Any, Final

import typer
from typer.core import TyperGroup

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "run": ("run", "watch both exchanges, prove mispricings and trade them"),
    "backtest": ("backtest", "strategies over recorded or generated markets"),
    "replay": ("replay", "put recorded frames, journals or tapes through the engine"),
    "record": ("record", "keep the raw frames of the venues"),
    "decode": ("decode", "show what the venue's parser makes of a file"),
    "opps": ("opps", "the opportunities of a run"),
    "verify": ("verify", "check a certificate"),
    "why": ("why", "why an opportunity was passed over"),
    "status": ("status", "one screen about a run"),
    "order": ("order", "list, show, place, cancel, cancel-all"),
    "position": ("position", "what is held, and closing it"),
    "trade": ("trade", "baskets: what was bought together, and how it went"),
    "strategy": ("strategy", "strategies: list, show, enable, disable, set, reset, reload"),
    "kill": ("halt:kill_app", "stop all trading at once"),
    "pause": ("halt:pause_app", "begin nothing new"),
    "resume": ("halt:resume_app", "let trading go on"),
    "alert": ("alert", "setup, test, rules, mute, unmute, history"),
    "job": ("job", "what runs by the clock: list, run"),
    "venue": ("venue", "exchanges: list, connect, test, balances, accept, fees, limits"),
    "go-live": ("golive", "the checklist before real money, and the binding that live needs"),
    "market": ("market", "search, show, book, pairs"),
    "signal": ("signal", "signals of a run: tail, post, verify"),
    "hub": ("hub", "serve the stream of a run to thousands"),
    "data": ("data", "check the record on disk"),
    "db": ("db", "SQL tables: upgrade, rebuild, verify, stats, backup, restore"),
    "report": ("report", "daily, weekly, monthly, period, tax, calibration, show"),
    "export": ("export", "trades, fills, orders, ledger and more as files"),
    "lab": ("lab", "experiments: matching, calibration, what was there to take"),
    "bench": ("bench", "measure the promises"),
    "api": ("api", "the gateway: token new|list|revoke, openapi"),
    "audit": ("audit", "check that nobody changed the audits"),
    "secret": ("secret", "keys, kept encrypted"),
    "config": ("config", "settings and where each comes from"),
    "doctor": ("doctor", "is this machine fit to run dutchbook"),
    "exchange": ("exchange", "serve a pretend Kalshi or Polymarket"),
    "version": ("version", "what is installed"),
}
"""name -> (module in this package, which holds `app` or the name behind ":"; a line of help)."""


class Lazy(TyperGroup):
    """Knows every command's name, imports its module when asked; unambiguous prefixes do."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        names = [cmd_name] if cmd_name in COMMANDS else []
        names = names or [name for name in COMMANDS if name.startswith(cmd_name)]
        if len(names) != 1:
            return None
        place, _, app_name = COMMANDS[names[0]][0].partition(":")
        module = importlib.import_module(f"dutchbook.cli.{place}")
        command = typer.main.get_command(getattr(module, app_name or "app"))
        command.name = names[0]
        return command


app = typer.Typer(cls=Lazy, no_args_is_help=True, add_completion=False)


@app.callback()
def root() -> None:
    """dutchbook: trade prediction markets on your own machine."""


def main() -> None:
    """Run a command; a typed error becomes a message and its exit code, never a stack trace."""
    from dutchbook.cli.out import report

    try:
        app(prog_name="dutchbook")
    except Exception as error:  # the last place that sees it: a message for a person
        sys.exit(report(error))
