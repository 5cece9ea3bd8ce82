"""Writes dutchbook.toml: the commented first one, and single changes that keep its comments."""

import os
import tempfile
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from dutchbook.domain.errors import ConfigError
from dutchbook.runtime.layers import build, check, read_file, split
from dutchbook.runtime.leaves import Leaf, find, leaves, read, shown

_HEAD: Final = (
    "dutchbook.toml: every key is optional; what is commented out shows the default.",
    "Order: command line > DUTCHBOOK__SECTION__KEY > [profiles.NAME] > this file > defaults.",
    "`dutchbook config show --origin` prints where each value comes from.",
)


def template() -> str:
    """The text of a new file: each setting with what it means and its default."""
    lines = [f"# {line}" for line in _HEAD]
    section = ""
    for leaf in leaves().values():
        table, _, name = leaf.path.rpartition(".")
        if table != section:
            section = table
            lines += ["", f"[{table}]"]
        else:
            lines += [""] if not table else []
        lines += _commented(leaf, name)
    return "\n".join(lines) + "\n"


def _commented(leaf: Leaf, name: str) -> list[str]:
    choices = f" ({' | '.join(leaf.choices)})" if leaf.choices else ""
    if leaf.kind == "secret":
        return [f"# {name} = …  # {leaf.help}"]
    return [f"# {name} = {_toml(leaf, leaf.default)}  # {leaf.help}{choices}"]


def _toml(leaf: Leaf, value: Any) -> str:
    return str(tomlkit.item(shown(leaf, value)).as_string())


def write_new(file: Path) -> None:
    """Write the commented file; one that is already there is left alone, with a ConfigError."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ConfigError(f"{file} is already there", todo="edit it, or move it away") from error
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(template())


def set_value(file: Path, path: str, text: str, *, profile: str = "") -> None:
    """Change one setting in a file, made if it is not there; comments stay.

    The new file is checked as a whole and then put in place of the old one. Raises ConfigError,
    and then the old one is as it was.
    """
    leaf = find(path, "config set")
    value = read(leaf, text, "config set", text=True)
    document = _parse(file)
    table: Any = document
    sections = path.split(".")[:-1]
    for name in (["profiles", profile] if profile else []) + sections:
        if name not in table:
            table[name] = tomlkit.table()
        table = table[name]
        if not isinstance(table, dict | Table):
            raise ConfigError(f"{file}: {name} is not a section")
    table[path.rpartition(".")[2]] = text if leaf.kind in ("money", "secret") else value
    _replace(file, tomlkit.dumps(document))


def _parse(file: Path) -> tomlkit.TOMLDocument:
    if not file.exists():
        return tomlkit.document()
    read_file(file)
    try:
        with file.open(encoding="utf-8", newline="") as text:  # line ends stay as they are
            return tomlkit.parse(text.read())
    except TOMLKitError as error:
        raise ConfigError(f"{file} is not TOML", why=str(error)) from error


def validate(file: Path) -> list[str]:
    """Check a file by itself, with each of its profiles; the profiles' names."""
    base, profiles = split(read_file(file), str(file))
    defaults = {path: leaf.default for path, leaf in leaves().items()}
    for layer in ({}, *profiles.values()):
        values = {**defaults, **base, **layer}
        origins = {
            path: str(file) if path in base or path in layer else "default" for path in values
        }
        check(build(values, origins), origins)
    return list(profiles)


def _replace(file: Path, text: str) -> None:
    """Put a checked file in place of the old one, whole or not at all, with its mode."""
    mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".dutchbook-", suffix=".toml")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        fresh.chmod(mode)
        try:
            validate(fresh)
        except ConfigError as error:
            what = error.what.replace(str(fresh), str(file))
            raise ConfigError(
                what, why=error.why, todo=error.todo.replace(name, str(file))
            ) from None
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
