"""The single values of the settings tree: their paths, and what text each of them accepts."""

import difflib
import re
import types
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import micros, plain
from dutchbook.runtime.settings import Settings

Tree = dict[str, Any]
_KINDS: Final[dict[Any, str]] = {
    int: "int", bool: "bool", str: "str", Secret | None: "secret", tuple[int, ...]: "ints",
    tuple[str, ...]: "texts",
}  # fmt: skip
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)


class Number(str):
    """A TOML number with a point or exponent, as it was written: never a float."""

    __slots__ = ()


class Leaf(msgspec.Struct, frozen=True):
    """One setting. `kind`: money, int, bool, str, secret, choice, ints or texts (lists)."""

    path: str
    kind: str
    default: Any
    help: str
    choices: tuple[str, ...] = ()


@cache
def leaves() -> dict[str, Leaf]:
    """Every setting by its dotted path, in the order of the tree."""
    return {leaf.path: leaf for leaf in _walk(Settings, Settings(), "")}


def _walk(section: type[msgspec.Struct], default: Any, prefix: str) -> Iterable[Leaf]:
    hints = get_type_hints(section, include_extras=True)
    for field in msgspec.structs.fields(section):
        kind = hints[field.name]
        path, value = prefix + field.name, getattr(default, field.name)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from _walk(kind, value, path + ".")
        else:
            yield _leaf(path, kind, value)


def _leaf(path: str, annotated: Any, default: Any) -> Leaf:
    base, metas = annotated, []
    if get_origin(annotated) is Annotated:
        base, *metas = get_args(annotated)
    help_text = next((meta.description for meta in reversed(metas) if meta.description), "")
    if any((meta.extra or {}).get("money") for meta in metas):
        kind = "money"
    elif get_origin(base) is Literal:
        return Leaf(path, "choice", default, help_text, get_args(base))
    else:
        kind = _KINDS[base]
    return Leaf(path, kind, default, help_text)


def find(path: str, where: str) -> Leaf:
    """The setting at a path, or a ConfigError that names the nearest ones."""
    leaf = leaves().get(path)
    if leaf is None:
        raise unknown(path, where)
    return leaf


def unknown(path: str, where: str) -> ConfigError:
    """The error for a key that does not exist."""
    known = list(leaves())
    last = path.rpartition(".")[2]
    near = difflib.get_close_matches(path, known, 1, 0.6) or [
        name for name in known if name.rpartition(".")[2] == last
    ]
    if not near:
        ends = {name.rpartition(".")[2]: name for name in known}
        near = [ends[end] for end in difflib.get_close_matches(last, list(ends), 1, 0.6)]
    todo = f"did you mean {near[0]}?" if near else "dutchbook config show lists them all"
    return ConfigError(f"{where}: unknown setting {path}", todo=todo)


def flat(tree: Tree, where: str, prefix: str = "") -> dict[str, Any]:
    """A tree of tables as dotted paths; every path is a setting that exists."""
    out: dict[str, Any] = {}
    for name, value in tree.items():
        path = prefix + str(name)
        if path in leaves():
            out[path] = value
        elif not any(known.startswith(path + ".") for known in leaves()):
            raise unknown(_first(path, value), where)
        elif isinstance(value, dict):
            out |= flat(value, where, path + ".")
        else:
            raise ConfigError(f"{where}: {path} is a section, not a value")
    return out


def _first(path: str, value: Any) -> str:
    """The first key inside an unknown section: it says more about what was meant."""
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        path = f"{path}.{name}"
    return path


def read(leaf: Leaf, value: Any, where: str, *, text: bool = False) -> Any:
    """The value of a setting from TOML, or from text (environment, command line).

    Raises ConfigError; the value of a secret is not repeated in it.
    """
    ok: Any = None
    if leaf.kind == "money" and isinstance(value, int | str) and not isinstance(value, bool):
        ok = _money(str(value))
    elif leaf.kind == "int":
        ok = _whole(value, text)
    elif leaf.kind == "bool":
        ok = {"true": True, "false": False}.get(value) if text else value
        ok = ok if isinstance(ok, bool) else None
    elif leaf.kind in ("ints", "texts"):
        ok = _list(leaf.kind, value, text)
    elif isinstance(value, str) and not isinstance(value, Number):
        ok = value
        if leaf.kind == "secret":
            return Secret(value)
        if leaf.kind == "choice":
            ok = value if value in leaf.choices else None
    if ok is None:
        shown = "" if leaf.kind == "secret" else f", not {str(value)[:60]!r}"
        raise ConfigError(
            f"{where}: {leaf.path} must be {_wanted(leaf)}{shown}",
            why=leaf.help,
            todo=_near(leaf, value),
        )
    return ok


def _money(text: str) -> int | None:
    try:
        return micros(text)
    except ValueError:
        return None


def _list(kind: str, value: Any, text: bool) -> tuple[Any, ...] | None:
    """A list as TOML has it, or its parts with commas between."""
    if text:
        value = [part.strip() for part in str(value).split(",") if part.strip()]
    if not isinstance(value, list):
        return None
    if kind == "texts":
        fine = all(isinstance(one, str) and not isinstance(one, Number) for one in value)
        return tuple(value) if fine else None
    found = [_whole(one, text) for one in value]
    return None if None in found else tuple(found)


def _whole(value: Any, text: bool) -> int | None:
    if text and _WHOLE.fullmatch(value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _wanted(leaf: Leaf) -> str:
    return {
        "money": 'a plain decimal with at most 6 places, such as "0.02"',
        "int": "a whole number",
        "bool": "true or false",
        "str": "text",
        "secret": "text",
        "ints": "a list of whole numbers",
        "texts": "a list of texts",
        "choice": f"one of {', '.join(leaf.choices)}",
    }[leaf.kind]


def _near(leaf: Leaf, value: Any) -> str:
    near = difflib.get_close_matches(str(value), leaf.choices, 1, 0.5)
    return f"did you mean {near[0]}?" if near else ""


def shown(leaf: Leaf, value: Any) -> Any:
    """A value as it may be printed: money as a decimal, a secret as *** where it is set."""
    if leaf.kind == "money":
        return plain(value)
    if leaf.kind == "secret":
        return str(value) if value else ""
    if leaf.kind in ("ints", "texts"):
        return list(value)
    return value


def get(settings: Settings, path: str) -> Any:
    """The value at a dotted path."""
    value: Any = settings
    for name in path.split("."):
        value = getattr(value, name)
    return value


def nested(values: types.MappingProxyType[str, Any] | dict[str, Any]) -> Tree:
    """Dotted paths as a tree."""
    tree: Tree = {}
    for path, value in values.items():
        *sections, name = path.split(".")
        table = tree
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return tree
