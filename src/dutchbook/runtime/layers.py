"""Reads the settings once: defaults, then file, profile, environment and command line."""

import difflib
import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.runtime.alert_checks import check_alerts
from dutchbook.runtime.leaves import Number, Tree, find, flat, get, leaves, nested, read, shown
from dutchbook.runtime.settings import Settings, named
from dutchbook.strategies.arbitrage_config import Config as Kind

FILE: Final = "dutchbook.toml"
PREFIX: Final = "DUTCHBOOK__"
_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_URLS: Final = {
    "venues.kalshi.rest": "http",
    "venues.kalshi.ws": "ws",
    "venues.polymarket.clob": "http",
    "venues.polymarket.gamma": "http",
    "venues.polymarket.ws": "ws",
    "venues.polymarket.user_ws": "ws",
    "venues.polymarket.data": "http",
    "venues.polymarket.geoblock": "http",
    "alerts.telegram.url": "http",
    "alerts.discord.url": "http",
    "alerts.link": "http",
}


class Loaded(msgspec.Struct, frozen=True):
    """The settings, and for each dotted path where its value comes from."""

    settings: Settings
    origins: dict[str, str]
    file: Path | None = None

    def shown(self) -> dict[str, Any]:
        """Every value by its path, as it may be printed."""
        return {path: shown(leaf, get(self.settings, path)) for path, leaf in leaves().items()}


def load(
    file: Path | None = None,
    *,
    profile: str = "",
    env: Mapping[str, str] | None = None,
    cli: Mapping[str, str] | None = None,
) -> Loaded:
    """Read and check everything. `file`: must exist; None: dutchbook.toml here, if there is one.

    `cli` maps dotted paths to text. Raises ConfigError, which names the place and the setting.
    """
    values: dict[str, Any] = {path: leaf.default for path, leaf in leaves().items()}
    origins = dict.fromkeys(values, "default")

    def lay(layer: dict[str, Any], origin: str) -> None:
        values.update(layer)
        origins.update(dict.fromkeys(layer, origin))

    if file is None and Path(FILE).is_file():
        file = Path(FILE)
    tree = read_file(file) if file is not None else {}
    base, profiles = split(tree, str(file))
    lay(base, str(file))
    if profile:
        if profile not in profiles:
            near = ", ".join(difflib.get_close_matches(profile, profiles, 1, 0.4) or profiles)
            raise ConfigError(f"no profile named {profile!r}", todo=f"there is: {near or 'none'}")
        lay(profiles[profile], f"profile {profile}")
    for name, value in sorted((os.environ if env is None else env).items()):
        if name.startswith(PREFIX):
            lay(_one_of_env(name, value), f"env {name}")
    for path, text in (cli or {}).items():
        lay(
            {path: read(find(path, "command line"), text, "command line", text=True)},
            "command line",
        )
    home = (os.environ if env is None else env).get("DUTCHBOOK_HOME", "")
    if home and not values["data_dir"]:  # beside the launcher, from wherever it is called
        values["data_dir"] = str(Path(home) / "data" / values["mode"])
    settings = build(values, origins)
    check(settings, origins)
    return Loaded(settings, origins, file)


def reloaded(
    file: Path | None, before: Loaded | None = None, *, profile: str = "",
    cli: Mapping[str, str] | None = None,
) -> Loaded:  # fmt: skip
    """As `load`, while a run goes on: a file that is gone, empty or half written is refused.

    An editor that still writes leaves one that is sound and says less, and the defaults would
    switch off what is on: so it must hold something, and something of strategies where `before`
    did. Raises ConfigError.
    """
    found = load(file or (before.file if before else None), profile=profile, cli=cli)
    if found.file is None:
        return found
    own = (str(found.file), f"profile {profile}")

    def holds(one: Loaded, prefix: str = "") -> bool:
        return any(o in own and path.startswith(prefix) for path, o in one.origins.items())

    lost = before is not None and holds(before, "strategies.") and not holds(found, "strategies.")
    if lost or not holds(found):
        what = "says nothing of strategies any more" if lost else "holds no setting"
        raise ConfigError(
            f"{found.file} {what}", why="it may be half written: nothing was changed",
            todo='to switch all strategies off, write enabled = "" under [strategies]',
        )  # fmt: skip
    return found


def read_file(file: Path) -> Tree:
    """The tables of a TOML file; numbers with a point stay text."""
    try:
        with file.open("rb") as handle:
            return tomllib.load(handle, parse_float=Number)
    except OSError as error:
        raise ConfigError(f"{file} can't be read", why=error.strerror or "") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} is not TOML", why=str(error), todo="text values stand in quotes"
        ) from error


def split(tree: Tree, where: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The values of a file and those of each of its profiles, all read and typed."""
    rest = {name: value for name, value in tree.items() if name != "profiles"}
    profiles = tree.get("profiles", {})
    if not isinstance(profiles, dict) or not all(isinstance(p, dict) for p in profiles.values()):
        raise ConfigError(f"{where}: profiles must be tables", todo="[profiles.NAME]")
    named = {name: _typed(table, f"{where} [profiles.{name}]") for name, table in profiles.items()}
    base = _typed(rest, where)
    for layer in (base, *named.values()):
        _refuse_open_secrets(layer, where)
    return base, named


def build(values: Mapping[str, Any], origins: Mapping[str, str]) -> Settings:
    """The frozen tree from values by path; a value out of its range is a ConfigError."""
    try:
        return msgspec.convert(nested(dict(values)), Settings)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$.")
        leaf = find(path.rstrip("`"), "settings")
        unit = ", in millionths" if leaf.kind == "money" else ""
        raise ConfigError(
            f"{origins[leaf.path]}: {leaf.path} is {shown(leaf, values[leaf.path])!r}",
            why=f"{what.replace('`', '')}{unit}",
        ) from error


def check(settings: Settings, origins: Mapping[str, str]) -> None:
    """What holds between settings; a ConfigError names them."""
    if settings.inbox.conflate_over >= settings.inbox.events_max:
        raise ConfigError("inbox.conflate_over must be below inbox.events_max")
    kalshi = settings.venues.kalshi
    if kalshi.key_file and kalshi.key_pem:
        raise ConfigError("venues.kalshi: key_file and key_pem are both set", todo="keep one")
    if (kalshi.key_file or kalshi.key_pem) and settings.mode == "sim":
        raise ConfigError(
            "a real key is set in mode sim",
            why="pretend exchanges make their own keys; a real one has no business there",
            todo='set mode = "paper", or take the key out',
        )
    if settings.mode == "live" and origins["arbitrage.capital_max"] == "default":
        raise ConfigError("mode live needs a limit of its own: arbitrage.capital_max is not set")
    arbitrage = [n for n, one in _sections(settings.strategies) if isinstance(one, Kind)]
    opinions = [n for n, one in _sections(settings.strategies) if not isinstance(one, Kind)]
    for path, known in (("enabled", opinions), ("arbitrage", arbitrage)):
        for name in named(getattr(settings.strategies, path)):
            if name not in known:
                raise ConfigError(
                    f"strategies.{path}: there is no {name!r}", todo=f"there is {', '.join(known)}"
                )
    for path, scheme in _URLS.items():
        _check_url(path, scheme, get(settings, path))
    check_alerts(settings)


def _sections(tree: msgspec.Struct) -> list[tuple[str, msgspec.Struct]]:
    values = [(name, getattr(tree, name)) for name in tree.__struct_fields__]
    return [(name, one) for name, one in values if isinstance(one, msgspec.Struct)]


def _typed(tree: Tree, where: str) -> dict[str, Any]:
    return {path: read(find(path, where), v, where) for path, v in flat(tree, where).items()}


def _one_of_env(name: str, value: str) -> dict[str, Any]:
    leaf = find(name.removeprefix(PREFIX).lower().replace("__", "."), name)
    if not value:
        raise ConfigError(f"{name} is set but empty", todo="give it a value, or unset it")
    return {leaf.path: read(leaf, value, name, text=True)}


def _refuse_open_secrets(layer: dict[str, Any], where: str) -> None:
    if any(isinstance(value, Secret) and value for value in layer.values()):
        mode = stat.S_IMODE(Path(where).stat().st_mode)
        if mode & 0o077:
            raise ConfigError(
                f"{where} holds a secret and can be read by others",
                why=f"its mode is {mode:04o}",
                todo=f"chmod 600 {where}",
            )


def _check_url(path: str, scheme: str, url: str) -> None:
    if not url:
        return
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"{path}: not an address", why=str(error)) from error
    if parts.scheme not in (scheme, scheme + "s") or not host or parts.username is not None:
        raise ConfigError(f"{path} must be a {scheme}s address without a user name")
    if parts.scheme == scheme and host not in _LOOPBACK:
        raise ConfigError(f"{path}: only this machine is reached without encryption")
