"""`dutchbook data`: is the record on disk whole?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dutchbook.cli.out import emit, safe, say
from dutchbook.domain.errors import UsageError

if TYPE_CHECKING:
    from dutchbook.storage.verify import Verdict

DEFAULT = Path("data/sim")
app = typer.Typer(no_args_is_help=True, help="Check the record on disk.")


@app.callback()
def data() -> None:
    """Check the record on disk."""


@app.command()
def verify(
    data_dir: Annotated[Path, typer.Option("--data-dir", help="Where the record lies.")] = DEFAULT,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")] = False,
) -> None:
    """Check every segment, hash, sequence number and snapshot; exit 1 if something is wrong."""
    from dutchbook.storage import verify as check

    if not data_dir.is_dir():
        raise UsageError(f"{data_dir} does not exist", todo="name a run's directory: --data-dir")
    say(f"checking {data_dir} …")
    verdict = check.verify(data_dir)
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
