"""`dutchbook signal`: listen to a run, post to it, check its receipts."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer

app = typer.Typer(no_args_is_help=True)
TITLE: Final = 120
AGAIN: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before a signal is posted again that nobody knows to be taken: a run that only just began
is behind."""
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Json = Annotated[bool, typer.Option("--json")]


@app.command()
def tail(
    channel: Annotated[
        str, typer.Option(help="signals, opportunities, fills, alerts or books")
    ] = "signals",
    min_confidence: Annotated[str, typer.Option(help='at least this, such as "0.7"')] = "",
    min_edge: Annotated[str, typer.Option(help='net profit per $1 of payout, such as "0.02"')] = "",
    max_lockup: Annotated[str, typer.Option(help="money away for at most: 30m, 2h, 7d")] = "",
    kind: Annotated[list[str] | None, typer.Option(help="one of these kinds")] = None,
    venue: Annotated[list[str] | None, typer.Option(help="one of these venues")] = None,
    category: Annotated[list[str] | None, typer.Option(help="one of these categories")] = None,
    ticker: Annotated[list[str] | None, typer.Option(help="one of these markets")] = None,
    keyword: Annotated[list[str] | None, typer.Option(help="one of these in the title")] = None,
    filters: Annotated[str, typer.Option(help="a whole filter as JSON, instead")] = "",
    after: Annotated[int | None, typer.Option(help="from behind this number on")] = None,
    count: Annotated[int, typer.Option(help="end after so many; 0: never")] = 0,
    url: Annotated[str, typer.Option(help="a server elsewhere; DUTCHBOOK_TOKEN is its token")] = "",
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object per line")] = False,
) -> None:
    """Print what a run tells as it comes; resumes by itself when the line breaks."""
    import contextlib

    import msgspec

    from dutchbook.cli.out import emit, say
    from dutchbook.client import follow
    from dutchbook.domain.errors import UsageError
    from dutchbook.hub.filters import Filter
    from dutchbook.hub.wire import CHANNELS

    if channel not in CHANNELS:
        raise UsageError(f"no channel {channel}", todo=f"one of {', '.join(CHANNELS)}")
    wanted: Filter = _filter(
        filters,
        {
            "min_confidence": min_confidence or None, "min_edge": min_edge or None,
            "max_lockup": _seconds(max_lockup), "kinds": kind or [], "venues": venue or [],
            "categories": category or [], "tickers": ticker or [], "keywords": keyword or [],
        },
    )  # fmt: skip
    client = _client(url, data_dir, config)
    client.changed = lambda up: say("it is back" if up else "the server is away; waiting for it")
    messages = follow(client, channel, filters=wanted, after=after)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(messages):
        for n, message in enumerate(messages, 1):
            if as_json:
                emit(msgspec.to_builtins(message))
            else:
                print(_line(message), flush=True)
            if n == count:
                return


@app.command()
def post(
    kind: Annotated[str, typer.Argument(help="news, whale, arbitrage, ...")],
    confidence: Annotated[str, typer.Argument(help='a share, such as "0.8"')],
    title: Annotated[str, typer.Option(help="in a line")] = "",
    market: Annotated[list[str] | None, typer.Option(help="a market it speaks of")] = None,
    name: Annotated[str, typer.Option("--id", help="the same id again is the same signal")] = "",
    probability: Annotated[str, typer.Option(help="of YES of the first market")] = "",
    url: Annotated[str, typer.Option(help="a server elsewhere; DUTCHBOOK_TOKEN is its token")] = "",
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Give a running dutchbook a signal; it is numbered, kept and told to who listens."""
    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import Timeout, UsageError

    address, token = _address(url, data_dir, config)
    said = {"kind": kind, "confidence": confidence, "title": title, "markets": market or [],
            "id": name, "probability": probability or None}  # fmt: skip
    for wait in (*AGAIN, 0):
        status, told = _posted(f"{address}/signals", token, said)
        if status not in (503, 504):
            break
        time.sleep(wait)  # the same words again are the same signal
    else:
        raise Timeout(
            "nobody knows whether the run took it", why=str(told.get("detail", "")),
            todo="post it again: it counts once",
        )  # fmt: skip
    if status >= 400:
        raise UsageError(f"refused: {told.get('code')}", why=str(told.get("detail", "")))
    if as_json:
        emit(told)
    else:
        say(f"signal {told['signal_id']} is number {told['seq']}")


def _posted(url: str, token: str, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """The status and the answer to one try. NotRunning where there is none."""
    import httpx2

    from dutchbook.domain.errors import NotRunning

    try:
        reply = httpx2.post(
            url, json=said, headers={"authorization": f"Bearer {token}"}, timeout=15
        )
        return reply.status_code, reply.json()
    except (httpx2.HTTPError, ValueError) as error:
        raise NotRunning(f"no answer from {url}", why=str(error)) from error


@app.command()
def verify(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Check the receipts of all signals that are kept, and sum up each publisher's record."""
    import msgspec

    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import DutchbookError
    from dutchbook.hub import wire
    from dutchbook.hub.receipts import Signer, record_of
    from dutchbook.hub.receipts import verify as check
    from dutchbook.runtime.datadir import data_dir_of
    from dutchbook.runtime.hub import FOLDER, KEY
    from dutchbook.storage.messages import read_file

    folder = data_dir_of(config, data_dir) / FOLDER
    rows = [row for row in read_file(folder, 1 << 62) if row.channel == "signals"]
    bodies = [msgspec.json.decode(row.body) for row in rows]
    try:
        key = Signer(bytes.fromhex((folder / KEY).read_text(encoding="ascii").strip())).public
    except (OSError, ValueError) as error:
        raise DutchbookError(f"no key of receipts in {folder}", why=str(error)) from error
    wrong, head = check(bodies, key)
    ended = [msgspec.convert(b, wire.Outcome) for b in bodies if b["type"] == "outcome"]
    told = {"messages": len(bodies), "wrong": wrong, "key": key, "head": head,
            "publishers": record_of(ended)}  # fmt: skip
    if as_json:
        emit(told)
    else:
        say(f"{len(bodies)} receipts, {len(wrong)} wrong; key {key}")
        for text in wrong[:20]:
            say(f"  {text}")
        for name, row in record_of(ended).items():
            say(f"  {name}: {row['ended']} ended, Brier {row['brier']}, line {row['closing_line']}")
    if wrong:
        raise typer.Exit(1)


def _address(url: str, data_dir: Path | None, config: Path | None) -> tuple[str, str]:
    import os

    from dutchbook.domain.errors import ConfigError
    from dutchbook.runtime.datadir import data_dir_of

    if url:
        token = os.environ.get("DUTCHBOOK_TOKEN", "")
        if not token:
            raise ConfigError("no token for another server", todo="set DUTCHBOOK_TOKEN")
        return url.rstrip("/"), token
    from dutchbook.client.link import local

    return local(data_dir_of(config, data_dir))


def _client(url: str, data_dir: Path | None, config: Path | None) -> Any:
    from dutchbook.client import Client
    from dutchbook.runtime.datadir import data_dir_of

    if url:
        return Client(*_address(url, data_dir, config))
    return Client.local(data_dir_of(config, data_dir))


def _filter(text: str, conditions: dict[str, Any]) -> Any:
    import msgspec

    from dutchbook.domain.errors import UsageError
    from dutchbook.hub.filters import Filter, FilterError, compile_filter

    try:
        made = (
            msgspec.json.decode(text, type=Filter) if text else msgspec.convert(conditions, Filter)
        )
        compile_filter(made)
    except (msgspec.MsgspecError, FilterError, RecursionError) as error:
        raise UsageError("this is no filter", why=str(error), todo="docs/distribution.md") from None
    return made


def _seconds(text: str) -> int | None:
    from dutchbook.cli.spans import parse_span
    from dutchbook.domain.units import SECOND

    return parse_span(text) // SECOND if text else None


def _line(message: Any) -> str:
    """One line for a person."""
    from datetime import datetime

    from dutchbook.cli.out import safe
    from dutchbook.hub import wire

    at = datetime.fromtimestamp(message.at / 1e6).strftime("%H:%M:%S.%f")[:-3]
    head = f"{at} {message.seq:>8}.{message.n}"
    if isinstance(message, wire.Signal):
        edge = f" edge {message.edge}" if message.edge else ""
        what = (
            f"{message.publisher} {message.kind} {message.confidence}{edge}  {_cut(message.title)}"
        )
    elif isinstance(message, wire.Opportunity):
        what = (
            f"{message.what} {message.id} {message.kind} edge {message.edge}  {_cut(message.title)}"
        )
    elif isinstance(message, wire.Fill):
        what = f"{message.action} {message.qty} {message.market} {message.outcome} @ {message.px}"
    elif isinstance(message, wire.Book):
        what = f"{message.market} {message.token} {message.bid} / {message.ask}"
    elif isinstance(message, wire.Alerted):
        what = f"{message.level} {message.text}"
    else:
        what = f"{message.publisher} {message.id} paid {message.paid} Brier {message.brier}"
    return safe(f"{head}  {what}")


def _cut(title: str) -> str:
    """A basket of many markets names all of them."""
    return title if len(title) <= TITLE else title[: TITLE - 1] + "…"
