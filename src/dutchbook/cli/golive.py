"""`dutchbook go-live`: the checklist before real money, and the record that mode live needs."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def go_live(
    check: Annotated[bool, typer.Option("--check", help="only show the checklist")] = False,
    accept: Annotated[
        bool, typer.Option("--i-accept", help="go on although some of it is not fulfilled")
    ] = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="instead of dutchbook.toml")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Go through the checklist; if it holds, bind mode live to these accounts, addresses, keys.

    It starts nothing: `./dutchbook run --mode live --live` does. Exit 6 if it does not hold.
    """
    import getpass

    import uvloop

    from dutchbook.cli.ask import RiskRefused
    from dutchbook.cli.confirm import confirm_live
    from dutchbook.cli.out import emit, safe, say
    from dutchbook.runtime import binding, golive
    from dutchbook.runtime.layers import load

    loaded = load(config, cli={"mode": "live"})
    items = uvloop.run(golive.checklist(loaded))
    for item in items:
        mark = "✓" if item.ok else "✗"
        todo = f"  →  {item.todo}" if item.todo and not item.ok else ""
        say(safe(f"{mark} {item.name:14} {item.found}{todo}"))
    missing = [item for item in items if not item.ok]
    hard = [item.name for item in missing if item.must]
    ready = not hard and (not missing or accept)
    if check or not ready:
        if as_json:
            emit({"ready": not missing, "items": golive.rows(items)})
        if not missing:
            return
        raise RiskRefused(
            f"not ready for real money: {', '.join(item.name for item in missing)}",
            why=f"{', '.join(hard)} can't be accepted away" if hard else "",
            todo="" if hard else "fulfil them, or `dutchbook go-live --i-accept`",
        )
    accounts = binding.accounts_of(loaded.settings)
    confirm_live(accounts)
    record = binding.Binding(
        "live", accounts, tuple(item.name for item in missing), getpass.getuser(), golive.now()
    )
    file = binding.write(loaded.settings, record)
    say(f"bound to {binding.named(accounts)}: {file}")
    say("to trade with real money: ./dutchbook run --mode live --live")
    if as_json:
        emit({"ready": True, "items": golive.rows(items), "file": str(file)})
