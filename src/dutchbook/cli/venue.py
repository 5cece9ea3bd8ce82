"""`dutchbook venue`: the exchanges as these settings reach them; keys, money, fees, limits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dutchbook.runtime.probe import Seen
    from dutchbook.runtime.settings import Settings

app = typer.Typer(
    help="Exchanges: list, connect, test, balances, accept, fees, limits.", no_args_is_help=True
)
Json = Annotated[bool, typer.Option("--json")]
Conf = Annotated[Path | None, typer.Option("--config", help="instead of dutchbook.toml")]
Dir = Annotated[Path | None, typer.Option("--data-dir", help="instead of the one set")]
Name = Annotated[str, typer.Argument(metavar="[VENUE]", help="kalshi or polymarket; empty: all")]


@app.callback()
def root() -> None:
    """Exchanges that the settings name. No command here ever places an order."""


def _settings(config: Path | None) -> "Settings":
    from dutchbook.runtime.layers import load

    return load(config).settings


def _asked(config: Path | None, venue: str) -> list["Seen"]:
    """What the venues said; mode sim has none to ask."""
    import uvloop

    from dutchbook.cli.out import say
    from dutchbook.domain.errors import UsageError
    from dutchbook.runtime.probe import probe

    settings = _settings(config)
    if settings.mode == "sim":
        raise UsageError(
            "mode sim has no account at a venue",
            why="its exchanges are emulated for the length of a run",
            todo='set mode = "paper" or "live" in dutchbook.toml',
        )
    return uvloop.run(probe(settings, venue, say=lambda text: say(f"  {text}")))


@app.command("list")
def list_(config: Conf = None, as_json: Json = False) -> None:
    """The venues: switched on or off, where they are reached, which account, whether a key is."""
    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit
    from dutchbook.runtime.feeds import VENUES, has_key

    settings = _settings(config)
    where = {
        "kalshi": settings.venues.kalshi.rest_url(),
        "polymarket": settings.venues.polymarket.clob,
    }
    rows: list[dict[str, Any]] = [
        {
            "venue": name, "enabled": getattr(settings.venues, name).enabled, "url": where[name],
            "account": getattr(settings.venues, name).account, "key": has_key(settings, name),
        }
        for name in VENUES
    ]  # fmt: skip
    if as_json:
        emit({"mode": settings.mode, "venues": rows})
        return
    table = [
        [row["venue"], "on" if row["enabled"] else "off", row["url"], row["account"] or "-",
         "kept" if row["key"] else "none"]
        for row in rows
    ]  # fmt: skip
    show("venues", ["venue", "state", "address", "account", "key"], table, "none")


@app.command()
def connect(
    venue: Annotated[str, typer.Argument(help="kalshi or polymarket")],
    key_file: Annotated[Path | None, typer.Option(help="file of the private key")] = None,
    key_id: Annotated[str, typer.Option(help="Kalshi: id of the key")] = "",
    account: Annotated[str, typer.Option(help="what to call the account here")] = "main",
    test_it: Annotated[bool, typer.Option("--test/--no-test", help="connect at once")] = True,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Keep a venue's key encrypted, name the account in the settings, and test the connection.

    What is not given is asked for; the key itself is never an argument.
    """
    import getpass

    from dutchbook.cli.out import emit, say
    from dutchbook.domain.errors import UsageError
    from dutchbook.domain.secret import Secret
    from dutchbook.io.signer import Signer, read_secret
    from dutchbook.runtime.config_file import set_value, write_new
    from dutchbook.runtime.feeds import VENUES
    from dutchbook.runtime.keys import secrets_of
    from dutchbook.runtime.layers import FILE

    if venue not in VENUES:
        raise UsageError(f"no venue {venue!r}", todo=f"name one of {', '.join(VENUES)}")
    if venue == "kalshi":
        key_id = key_id or typer.prompt("id of the API key", err=True)
        path = key_file or Path(typer.prompt("file of its private key (PEM)", err=True))
        key = read_secret(path.expanduser())
        Signer().add("kalshi", key)
    else:
        from dutchbook.io import evm

        key = (
            read_secret(key_file.expanduser())
            if key_file
            else Secret(getpass.getpass("private key of the wallet (hex): "))
        )
        say(f"wallet {evm.address(key)}")
    file = config or Path(FILE)
    if not file.exists():
        write_new(file)
    secrets_of(_settings(config)).set(f"{venue}.key", key)
    if venue == "kalshi":
        set_value(file, "venues.kalshi.key_id", key_id)
    set_value(file, f"venues.{venue}.account", account)
    say(f"the key is kept encrypted; {file} names the account {account!r}")
    if not test_it:
        if as_json:
            emit({"venue": venue, "account": account})
        return
    if _settings(config).mode == "sim":
        set_value(file, "mode", "paper")
        say(f'{file}: mode = "paper"')
    _tested(_asked(config, venue), as_json)


@app.command()
def test(venue: Name = "", config: Conf = None, as_json: Json = False) -> None:
    """Connect, log in, ask for balance, permission, rates and one book; exit 7 if one fails."""
    _tested(_asked(config, venue), as_json)


def _tested(found: list["Seen"], as_json: bool) -> None:
    from dutchbook.cli.out import emit, safe, say
    from dutchbook.domain.errors import VenueUnreachable

    rows = [seen.row() for seen in found]
    if as_json:
        emit({"venues": rows})
    for row in [] if as_json else rows:
        say(safe(" · ".join(_words(row))))
    failed = [row["venue"] for row in rows if not row["ok"]]
    if failed:
        raise VenueUnreachable(
            f"{', '.join(failed)}: not everything answered",
            why="; ".join(f"{row['venue']}: {row['why'] or 'no answer in time'}" for row in rows
                          if not row["ok"]),
            todo="see the line of the venue above",
        )  # fmt: skip


def _words(row: dict[str, Any]) -> list[str]:
    from dutchbook.cli.ask import money

    words = [f"{row['venue']}: {'ok' if row['ok'] else 'FAIL'}"]
    if row["clock_skew_ms"] is not None:
        words.append(f"clock skew {row['clock_skew_ms']:+} ms")
    if not row["account"]:
        words.append("no key: watching only")
    elif row["authenticated"]:
        words += [f"auth ok ({row['account']})", f"balance {money(row['cash'])}"]
        words.append(f"trading {'permitted' if row['trading'] == 'open' else row['trading']}")
    else:
        words.append(f"auth FAILED {row['why']}")
    if row["orders_per_second"] is not None:
        words.append(f"{row['orders_at_once']} orders at once, {row['orders_per_second']} a second")
    first = row["first_book_ms"]
    words.append(f"{row['markets']} markets")
    words.append("no book came" if first is None else f"first book after {first / 1000:.1f} s")
    return words


@app.command()
def balances(venue: Name = "", config: Conf = None, as_json: Json = False) -> None:
    """Cash, open orders and holdings as the venues have them."""
    from dutchbook.cli.ask import money, show
    from dutchbook.cli.out import emit

    rows: list[dict[str, Any]] = [
        {
            "venue": seen.venue, "account": seen.account, "cash": seen.money.cash,
            "allowance": seen.money.allowance, "open_orders": len(seen.money.orders),
            "holdings": [[h.key, h.outcome, h.qty] for h in seen.money.holdings],
        }
        for seen in _asked(config, venue)
        if seen.money is not None
    ]  # fmt: skip
    if as_json:
        emit({"balances": rows})
        return
    table = [
        [row["venue"], row["account"], money(row["cash"]), str(row["open_orders"]),
         str(len(row["holdings"]))]
        for row in rows
    ]  # fmt: skip
    show("balances", ["venue", "account", "cash", "open orders", "holdings"], table,
         "no account answered; dutchbook venue test")  # fmt: skip


@app.command()
def accept(
    venue: Annotated[str, typer.Argument(help="kalshi or polymarket")],
    reason: Annotated[str, typer.Option(help="what the money is; goes into the record")],
    data_dir: Dir = None,
    config: Conf = None,
    as_json: Json = False,
) -> None:
    """Book cash that came or went without us: a deposit, a withdrawal, interest, a reward.

    For a venue that is shut because its cash and our books differ. The run that is going on books
    the difference in your name, or refuses and says what else differs.
    """
    from dutchbook.cli.ask import command, told

    told(command(config, data_dir, "accept", venue, reason), as_json)


@app.command()
def fees(venue: Name = "", config: Conf = None, as_json: Json = False) -> None:
    """The fee schedules in force, and on how many markets each."""
    from collections import Counter

    import msgspec

    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit
    from dutchbook.domain.units import plain

    rows: list[dict[str, Any]] = []
    for seen in _asked(config, venue):
        kinds = Counter((one.category, one.fees) for one in seen.markets.values())
        rows += [
            {"venue": seen.venue, "category": category, "markets": count,
             "fees": msgspec.structs.asdict(fee)}
            for (category, fee), count in sorted(kinds.items(), key=str)
        ]  # fmt: skip
    if as_json:
        emit({"fees": rows})
        return
    table = [
        [row["venue"], row["category"], str(row["markets"]), plain(row["fees"]["taker"]),
         plain(row["fees"]["maker"])]
        for row in rows
    ]  # fmt: skip
    columns = ["venue", "category", "markets", "taker", "maker"]
    show("fees: factor of contracts x price x (1 - price)", columns, table, "no market")


@app.command()
def limits(venue: Name = "", config: Conf = None, as_json: Json = False) -> None:
    """How many orders the venues take from this account, and our own limits on money."""
    import msgspec

    from dutchbook.cli.ask import show
    from dutchbook.cli.out import emit
    from dutchbook.domain.units import plain

    rates = [
        {"venue": seen.venue, "at_once": seen.rate.burst, "per_second": seen.rate.per_second}
        for seen in _asked(config, venue)
        if seen.rate is not None
    ]
    own = msgspec.structs.asdict(_settings(config).risk)
    if as_json:
        emit({"rates": rates, "limits": own})
        return
    show("orders that a venue takes", ["venue", "at once", "a second"],
         [[str(r[name]) for name in ("venue", "at_once", "per_second")] for r in rates],
         "no venue told its rates")  # fmt: skip
    money = ("per_", "collar", "_share", "day_loss", "drawdown_h", "drawdown_r")
    table: list[list[str]] = [
        [name, plain(value) if name.startswith(money) or name.endswith("_share") else str(value)]
        for name, value in own.items()
    ]
    show("limits of our own, section risk of the settings", ["limit", "value"], table, "")
