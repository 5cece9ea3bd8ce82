"""What the commands about a running account share: where it runs, who asks, tables of answers."""

import getpass
from pathlib import Path
from typing import Any

from dutchbook.cli.out import emit, safe, say
from dutchbook.domain.errors import DutchbookError
from dutchbook.domain.units import ONE, plain
from dutchbook.runtime.control import Request, ask
from dutchbook.runtime.datadir import data_dir_of


class RiskRefused(DutchbookError):
    """The gate said no."""

    code = 6


def question(config: Path | None, data_dir: Path | None, name: str) -> Any:
    """The answer of the running engine to a question; NotRunning where there is none."""
    return ask(data_dir_of(config, data_dir), Request(ask=name))["answer"]


def command(config: Path | None, data_dir: Path | None, verb: str, *args: str) -> dict[str, Any]:
    """Have the running engine carry out a command, in the name of whoever is logged in.

    Raises RiskRefused with the gate's reason where it was refused.
    """
    reply = asked(config, data_dir, verb, *args)
    for no in refusals(reply):
        raise no
    return reply


def asked(config: Path | None, data_dir: Path | None, verb: str, *args: str) -> dict[str, Any]:
    """As `command`; what was refused is for the caller to look at, with `refusals`."""
    root = data_dir_of(config, data_dir)
    return ask(root, Request(who=getpass.getuser(), verb=verb, args=args))


def refusals(reply: dict[str, Any]) -> list[RiskRefused]:
    """What the gate said no to, in the answer to a command."""
    found = []
    for name, note in reply["notes"]:
        if name == "Refused":
            what, check, reason, numbers = note[1:5]
            shown = ", ".join(f"{key} {value}" for key, value in numbers.items())
            why = f"{reason} ({shown})" if shown else reason
            found.append(RiskRefused(f"{what}: refused by {check}", why=why))
    return found


def told(reply: dict[str, Any], as_json: bool) -> None:
    """Show what a command brought about."""
    if as_json:
        emit(reply)
        return
    for name, note in reply["notes"]:
        say(f"{name}: " + ", ".join(safe(str(part)) for part in note[1:] if part not in ("", [])))
    for name in reply["orders"]:
        say(f"order {name} is on its way: dutchbook order show {name}")
    if not reply["notes"] and not reply["orders"]:
        say("done; nothing had to be changed")


def money(micros: int) -> str:
    """Millionths as dollars with sign: -12_340_000 -> -$12.34."""
    sign = "-" if micros < 0 else ""
    whole, part = divmod(abs(micros), ONE)
    digits = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"{sign}${whole:,}.{digits}"


def cents(micros: int) -> str:
    """A price as it is spoken of: 440_000 -> 44¢."""
    return f"{plain(micros * 100)}¢"


def size(micros: int) -> str:
    """A number of contracts."""
    return plain(micros)


def show(title: str, columns: list[str], rows: list[list[str]], empty: str) -> None:
    """A table for people, or a sentence where there is nothing."""
    from rich.console import Console
    from rich.table import Table

    if not rows:
        say(empty)
        return
    table = Table(title=title, padding=(0, 0), pad_edge=False)
    for column in columns:  # a figure that is cut off is worse than one on two lines
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(safe, row))
    Console().print(table)
