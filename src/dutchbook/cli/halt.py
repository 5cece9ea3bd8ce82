"""`dutchbook kill`, `pause`, `resume`: stopping trading, and letting it go on."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

kill_app = typer.Typer()
pause_app = typer.Typer()
resume_app = typer.Typer()
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Scope = Annotated[str, typer.Argument(help="all, venue:NAME, market:KEY or strategy:NAME")]


@kill_app.command()
def kill(
    flatten: Annotated[bool, typer.Option(help="sell what is held, too")] = False,
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Stop at once: no new risk leaves, open orders are canceled. Holds until it is cleared.

    Works without a run, too: the next one starts killed. To clear: dutchbook resume --clear-kill.
    """
    from dutchbook.cli.ask import RiskRefused, asked, refusals, told
    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import NotRunning
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.wiregate import not_killed, put_kill_file

    missing = put_kill_file(data_dir_of(config, data_dir), getpass.getuser())
    try:
        reply = asked(config, data_dir, "kill", *(["flatten"] if flatten else []))
    except NotRunning as error:
        if missing:
            raise not_killed(missing) from error
        say("nothing is running; the next run starts killed")
        if as_json:
            emit({"killed": True, "running": False})
        if flatten:
            raise NotRunning(
                "nothing was sold", why=error.what,
                todo="start the run, which begins killed; then dutchbook kill --flatten",
            ) from error  # fmt: skip
        return
    told(reply, as_json)
    if left := refusals(reply):
        raise RiskRefused(
            f"all trading is stopped; {len(left)} position(s) can't be sold now",
            why=f"the first: {left[0].what}, {left[0].why}", todo="dutchbook position list",
        )  # fmt: skip


@pause_app.command()
def pause(
    scope: Scope = "all",
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Begin nothing new; what is under way is brought to its end."""
    from dutchbook.cli.ask import command, told

    told(command(config, data_dir, "pause", scope), as_json)


@resume_app.command()
def resume(
    scope: Scope = "all",
    clear_kill: Annotated[bool, typer.Option("--clear-kill", help="clear the kill switch")] = False,
    reason: Annotated[str, typer.Option(help="why it is safe again; goes into the record")] = "",
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Let trading go on. Clearing a kill needs --reason, and a run that is going on."""
    from dutchbook.cli.ask import command, told
    from dutchbook.domain.errors import NotRunning, UsageError
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.wiregate import KILL_FILE

    if not clear_kill:
        told(command(config, data_dir, "resume", scope), as_json)
        return
    if not reason:
        raise UsageError("clearing the kill switch needs a reason", todo='--reason "..."')
    try:
        reply = command(config, data_dir, "clear_kill", "admin", reason)
    except NotRunning as error:
        raise NotRunning(
            "the kill switch was not cleared: nothing was changed", why=error.what,
            todo="start the run, which begins killed; then clear it",
        ) from error  # fmt: skip
    # Only now: a file that is gone can't stop the wire, whatever the engine answered.
    (data_dir_of(config, data_dir) / KILL_FILE).unlink(missing_ok=True)
    told(reply, as_json)
