"""`dutchbook data`: is the record on disk whole?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dutchbook.cli.out import emit, safe, say

if TYPE_CHECKING:
    from dutchbook.storage.verify import Verdict

app = typer.Typer(no_args_is_help=True, help="Check the record on disk.")


@app.callback()
def data() -> None:
    """Check the record on disk."""


@app.command()
def verify(
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="instead of the one set")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Check every segment, hash, sequence number and snapshot; exit 1 if something is wrong."""
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.storage import verify as check

    root = data_dir_of(None, data_dir)
    say(f"checking {root} …")
    verdict = check.verify(root)
    if json:
        emit(check.plain(verdict))
    else:
        _table(verdict)
    if verdict.problems:
        raise typer.Exit(1)


def _table(verdict: "Verdict") -> None:
    print(f"{'file':<32}{'bytes':>14}{'records':>10}  state")
    for row in verdict.files:
        print(f"{safe(row.file):<32}{row.size:>14,}{row.records:>10,}  {row.state}")
    for note in verdict.notes:
        print(f"note: {safe(note)}")
    for problem in verdict.problems:
        print(f"wrong: {safe(problem)}")
    word = "holds" if not verdict.problems else "does not hold"
    print(f"The record {word}, up to seq {verdict.seq:,}.")
