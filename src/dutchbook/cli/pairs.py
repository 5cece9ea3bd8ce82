"""`dutchbook market pairs`: which markets may be one, why, and a person's yes or no to each."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dutchbook.runtime.pairs import Pair


def pairs(
    review: Annotated[bool, typer.Option("--review", help="ask y, n or skip of each")] = False,
    every: Annotated[bool, typer.Option("--all", help="also those not understood")] = False,
    ladders: Annotated[
        bool, typer.Option("--ladders", help="rungs of thresholds, dates, stages, in one venue")
    ] = False,
    limit: Annotated[int, typer.Option(min=1)] = 40,
    links: Annotated[
        Path | None, typer.Option(help="instead of links.file of the settings")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="instead of the one set")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Pairs of markets of two venues with both verdicts; --review writes the links file."""
    from dutchbook.cli.out import emit
    from dutchbook.runtime.datadir import Markets, data_dir_of
    from dutchbook.runtime.links import read_entries
    from dutchbook.runtime.pairs import find_ladders, find_pairs, plain

    path = links or _set_file()
    entries = read_entries(path) if path and path.exists() else ()
    record = Markets(data_dir_of(None, data_dir))
    markets = record.instruments.values()
    found = find_ladders(markets, entries) if ladders else find_pairs(markets, entries, every=every)
    if review:
        _review(found, path)
    elif as_json:
        emit({"found": len(found), "pairs": [plain(pair) for pair in found[:limit]]})
    else:
        for pair in found[:limit]:
            _show(pair)
        print(f"{len(found)} pairs; dutchbook market pairs --review decides on them")


def _set_file() -> Path | None:
    from dutchbook.runtime.layers import load

    name = load(None).settings.links.file
    return Path(name).expanduser() if name else None


def _review(found: "list[Pair]", path: Path | None) -> None:
    import getpass
    from datetime import UTC, datetime

    from dutchbook.cli.out import say
    from dutchbook.domain.errors import ConfigError, UsageError
    from dutchbook.runtime.golive import now
    from dutchbook.runtime.links import read_entries, write_entries
    from dutchbook.runtime.pairs import review

    if path is None:
        raise ConfigError("no links file is set", todo="set links.file, or name one with --links")
    if not sys.stdin.isatty():
        raise UsageError(
            "--review asks a person", why="standard input is no terminal",
            todo="run it in a terminal, or read dutchbook market pairs --json",
        )  # fmt: skip
    entries = read_entries(path) if path.exists() else ()

    def stamp() -> tuple[str, str]:
        at = datetime.fromtimestamp(now() // 1_000_000_000, UTC)
        return getpass.getuser(), at.isoformat()

    kept = review(found, entries, _ask, lambda held: write_entries(path, held), stamp)
    approved = sum(entry.approved for entry in kept)
    say(f"{path}: {len(kept)} links, {approved} approved; a run reads them when it starts")


def _ask(pair: "Pair") -> str:
    from dutchbook.cli.out import safe
    from dutchbook.runtime.pairs import may_be_approved

    _show(pair)
    for one in (pair.a, pair.b):
        print(f"    rules of {one.key}:")
        for line in (one.rules or "(none)").splitlines():
            print(f"      {safe(line)}")
    against = may_be_approved(pair)
    if against:
        print(f"    y is no use: {safe(against)}")
    elif pair.settles.settles == "unknown":
        print("    y also says: I read both rule texts, and they settle alike")
    for _ in range(3):
        answer = input(f"  {pair.verdict.claim}? y/n/s(kip)/q(uit): ").strip()
        if answer[:1].casefold() in ("y", "n", "s", "q"):
            return answer
    return "s"


def _show(pair: "Pair") -> None:
    from dutchbook.cli.out import safe

    terms = pair.verdict.terms
    agree = ", ".join(term.name for term in terms if term.finding == "agree")
    print(f"{pair.verdict.claim:10} {pair.standing:10} {pair.likeness:5.1f}")
    for one in (pair.a, pair.b):
        print(f"    {safe(one.key)}  {safe(one.title)} [{safe(one.outcome)}]")
    print(f"    agree: {agree or 'nothing'}")
    for term in terms:
        if term.finding != "agree":
            note = f" ({term.note})" if term.note else ""
            line = f"{term.name}, {term.finding}: {term.a or '-'} | {term.b or '-'}{note}"
            print(f"    {safe(line)}")
    print(f"    settlement {pair.settles.settles}: {safe(pair.settles.why)}")
