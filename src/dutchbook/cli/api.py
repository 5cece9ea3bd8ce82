"""`dutchbook api`: keys of the gateway, and its OpenAPI file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dutchbook.gateway.identity import Identity

app = typer.Typer(help="The gateway: token new|list|revoke, openapi.", no_args_is_help=True)
token_app = typer.Typer(help="API keys: new, list, revoke.", no_args_is_help=True)
app.add_typer(token_app, name="token")
Json = Annotated[bool, typer.Option("--json")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Words = Annotated[str, typer.Option(help="separated by commas")]


@app.callback()
def root() -> None:
    """Who may call the gateway; what it offers."""


def opened(config: Path | None, data_dir: Path | None) -> "Identity":
    """The gateway's identity of a data directory, beside a gateway that may be serving."""
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.serving import identity_of

    texts = {"data_dir": str(data_dir)} if data_dir else {}
    return identity_of(load(config, cli=texts).settings)


def _row(key: Any, now: Any) -> dict[str, Any]:
    from dutchbook.gateway.shapes import when

    def text(ns: int) -> str:
        at = when(ns)
        return at.isoformat() if at else ""

    return {
        "id": key.id, "name": key.name, "role": key.role, "scopes": list(key.scopes),
        "addresses": list(key.addresses), "rate": key.rate, "status": key.status(now),
        "expires_at": text(key.expires_at), "revoked_at": text(key.revoked_at),
    }  # fmt: skip


@token_app.command()
def new(
    name: Annotated[str, typer.Argument(help="what it is for: grafana, my-bot")],
    role: Annotated[str, typer.Option(help="viewer, trader, risk, admin, auditor, service")] = (
        "viewer"
    ),
    scopes: Words = "",
    addresses: Words = "",
    rate: Annotated[int, typer.Option(min=0, help="requests a second; 0: as set")] = 0,
    days: Annotated[int, typer.Option(min=1, max=365, help="until it expires")] = 30,
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Make a key. It is shown this once, on standard output, and kept nowhere."""
    import getpass

    from dutchbook.cli.out import emit, say
    from dutchbook.domain.units import DAY, Ns

    identity = opened(config, data_dir)
    now, by = identity.clock.now(), getpass.getuser()
    key, text = identity.keys.make(
        name, role, now, by, scopes=_list(scopes), addresses=_list(addresses), rate=rate,
        life=Ns(days * DAY),
    )  # fmt: skip
    identity.audit.write(now, by, "local", "new key", "done", None, {"id": key.id, "name": name})
    identity.close()
    if as_json:
        emit(_row(key, now) | {"key": text.reveal().decode()})
        return
    say(f"key {key.id} for {name}, role {role}, {days} days; send it as X-Dutchbook-Key:")
    print(text.reveal().decode())


@token_app.command("list")
def list_(data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Keys with role and age; never the keys themselves."""
    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit

    identity = opened(config, data_dir)
    rows = [_row(key, identity.clock.now()) for key in identity.keys.all()]
    identity.close()
    if as_json:
        emit(rows)
        return
    columns = ["id", "name", "role", "status", "expires_at"]
    show("keys", columns, [[row[c] for c in columns] for row in rows], "no key; api token new NAME")


@token_app.command()
def revoke(key_id: str, data_dir: Dir = None, config: Conf = None, as_json: Json = False) -> None:
    """Shut a key out; a gateway that is serving sees it within a second."""
    import getpass

    from dutchbook.cli.out import emit, say

    identity = opened(config, data_dir)
    now = identity.clock.now()
    key = identity.keys.revoke(key_id, now)
    identity.audit.write(
        now, getpass.getuser(), "local", "revoke key", "done", None, {"id": key.id}
    )
    identity.close()
    say(f"key {key.id} ({key.name}) opens nothing any more")
    if as_json:
        emit(_row(key, now))


@app.command()
def openapi(
    file: Annotated[Path | None, typer.Option(help="write it there")] = None,
) -> None:
    """The OpenAPI file of the gateway, as JSON."""
    import json

    from dutchbook import __version__
    from dutchbook.gateway.app import bare_document
    from dutchbook.runtime.serving import EXTRA_ROUTERS, ROOT_ROUTERS

    text = json.dumps(bare_document(__version__, EXTRA_ROUTERS, ROOT_ROUTERS), indent=1)
    if file is None:
        print(text)
    else:
        file.write_text(text + "\n", encoding="utf-8")


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
