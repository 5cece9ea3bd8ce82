"""`dutchbook verify`: check a certificate by itself, and against the record if it is there."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from dutchbook.cli import out
from dutchbook.domain.errors import CertificateError, UsageError
from dutchbook.domain.units import plain

app = typer.Typer()


@app.command()
def verify(
    certificate: Annotated[Path, typer.Argument(help="JSON of a certificate, or of `opps show`")],
    tape: Annotated[
        Path | None, typer.Option(help="data directory (or tape file in it) to compare with")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Check that a certificate proves what it says; exit 1 if it does not."""
    from dutchbook import verifier, verifier_joint

    document = read(certificate)
    joint = isinstance(document, dict) and document.get("kind") == "combinatorial"
    problems = verifier_joint.verify(document) if joint else verifier.verify(document)
    if not problems and tape is not None:
        problems = _against(document, tape)
    how = "alone" if tape is None else "with tape"
    if as_json:
        out.emit({"proved": not problems, "checked": how, "problems": problems})
    if problems:
        todo = "do not trade on it; export it again with `dutchbook opps show ID --json`"
        raise CertificateError(f"{certificate}: not proved", why="; ".join(problems[:5]), todo=todo)
    if not as_json:
        print(f"proved ({how}): {document['kind']}, worst profit ${plain(document['proved'])}")


def read(path: Path) -> Any:
    """The certificate in a file: alone, or under the key "certificate"; the last line counts.

    Raises UsageError when there is no such file, CertificateError when it is not JSON.
    """
    if not path.is_file():
        raise UsageError(f"no file {path}")
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        document = _parse(text)
    except (ValueError, RecursionError) as error:
        raise CertificateError(f"{path}: not JSON", why=str(error)) from None
    if isinstance(document, dict) and "certificate" in document:
        return document["certificate"]
    return document


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        lines = text.splitlines()
        if len(lines) < 2 or not lines[-1].startswith("{"):
            raise
        return json.loads(lines[-1])


def _against(document: dict[str, Any], tape: Path) -> list[str]:
    from dutchbook.runtime.rederive import rederive
    from dutchbook.storage.reader import read_steps

    root = tape if tape.is_dir() else tape.parent.parent
    if not (root / "journal").is_dir():
        raise UsageError(f"{tape}: no journal in {root}", todo="name the data directory of a run")
    return rederive(document, read_steps(root))
