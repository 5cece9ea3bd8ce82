"""Filters: read once with bounds, brought to one form, compiled to one function of a message."""

import hashlib
from collections.abc import Callable
from typing import Any, Final

import msgspec

from dutchbook.domain.units import ONE, micros

DEPTH_MAX: Final = 6
NODES_MAX: Final = 64
ITEMS_MAX: Final = 200
TEXT_MAX: Final = 100

Number = str | int | float


class Filter(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"and_": "and", "or_": "or", "not_": "not"},
):
    """All conditions that are given must hold; of a list, one of its items.

    Shares and money are decimals ("0.7", or 0.7 as a JSON number); `max_lockup` is seconds.
    `tickers` name a market with or without its venue. `keywords` are found anywhere in the title,
    whatever their case. A message that does not tell a figure fails a condition on it.
    """

    min_confidence: Number | None = None
    min_edge: Number | None = None
    max_lockup: int | None = None
    kinds: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    and_: tuple["Filter", ...] = ()
    or_: tuple["Filter", ...] = ()
    not_: "Filter | None" = None


class Facets(msgspec.Struct, frozen=True, array_like=True):
    """What filters look at. Millionths; lockup in seconds; -1 where a figure is not told.

    `names` are the markets, each with and without its venue. All text is in lower case.
    """

    kind: str = ""
    venues: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    text: str = ""
    confidence: int = -1
    edge: int = -1
    lockup: int = -1


class FilterError(Exception):
    """A filter that is beyond the limits, or has a number that is none."""


Test = Callable[[Facets], bool]
_FIGURES: Final = {"min_confidence": (0, 1), "min_edge": (-1_000, 1_000)}
"""Shares, and between what they lie: beyond it nothing, or everything, would pass unseen."""
_LISTS: Final = ("kinds", "venues", "categories", "tickers", "keywords")


class Compiled:
    """A filter in its one form: `key` is equal for equal filters, `test` judges a message."""

    __slots__ = ("key", "name", "test")

    def __init__(self, key: str, test: Test) -> None:
        self.key = key
        self.test = test
        self.name = hashlib.blake2b(key.encode(), digest_size=6).hexdigest()


def facets(
    kind: str = "", *, venues: tuple[str, ...] = (), categories: tuple[str, ...] = (),
    markets: tuple[str, ...] = (), text: str = "", confidence: int = -1, edge: int = -1,
    lockup: int = -1,
) -> Facets:  # fmt: skip
    """Facets in lower case; venues are those named and those of the markets."""
    keys = tuple(market.lower() for market in markets)
    parts = [key.partition(":") for key in keys]
    names = (*keys, *(symbol for _, _, symbol in parts if symbol))
    of_markets = (venue for venue, _, symbol in parts if symbol)
    every = dict.fromkeys((*(venue.lower() for venue in venues), *of_markets))
    return Facets(
        kind.lower(), tuple(every), tuple(c.lower() for c in categories if c),
        tuple(dict.fromkeys(names)), text.lower(), confidence, edge, lockup,
    )  # fmt: skip


def compile_filter(given: Filter) -> Compiled:
    """The filter as one function. Raises FilterError, naming the limit or the number."""
    plain = _normal(given, 1, [0])
    key = msgspec.json.encode(plain).decode()
    return Compiled(key, _test(plain))


def _normal(given: Filter, depth: int, nodes: list[int]) -> dict[str, Any]:
    """Numbers in millionths, lists lower-case, sorted and without repeats: equal means equal."""
    nodes[0] += 1
    if depth > DEPTH_MAX:
        raise FilterError(f"filters may be {DEPTH_MAX} deep")
    if nodes[0] > NODES_MAX:
        raise FilterError(f"a filter may have {NODES_MAX} parts")
    plain: dict[str, Any] = {}
    for name in _FIGURES:
        value = getattr(given, name)
        if value is not None:
            plain[name] = _share(name, value)
    if given.max_lockup is not None:
        if not 0 <= given.max_lockup < 2**53:
            raise FilterError("max_lockup must be seconds, 0 or more")
        plain["max_lockup"] = given.max_lockup
    for name in _LISTS:
        items = getattr(given, name)
        if items:
            plain[name] = _items(name, items)
    for name in ("and", "or"):
        parts = getattr(given, name + "_")
        if parts:
            made = [_normal(part, depth + 1, nodes) for part in parts]
            plain[name] = sorted(made, key=msgspec.json.encode)
    if given.not_ is not None:
        plain["not"] = _normal(given.not_, depth + 1, nodes)
    return plain


def _share(name: str, value: Number) -> int:
    try:
        found = micros(value if isinstance(value, str) else repr(value))
    except ValueError as error:
        raise FilterError(f"{name}: {error}") from None
    least, most = _FIGURES[name]
    if not least * ONE <= found <= most * ONE:
        raise FilterError(f"{name} must lie between {least} and {most}")
    return found


def _items(name: str, items: tuple[str, ...]) -> list[str]:
    if len(items) > ITEMS_MAX:
        raise FilterError(f"{name} may have {ITEMS_MAX} items")
    if any(not 0 < len(item) <= TEXT_MAX for item in items):
        raise FilterError(f"{name}: an item has 1 to {TEXT_MAX} characters")
    return sorted({item.lower() for item in items})


def _test(plain: dict[str, Any]) -> Test:
    tests = [_MAKE[name](value) for name, value in plain.items()]
    if not tests:
        return lambda facets: True
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda facets: first(facets) and second(facets)
    return lambda facets: all(test(facets) for test in tests)


def _or(parts: list[dict[str, Any]]) -> Test:
    tests = [_test(part) for part in parts]
    return lambda facets: any(test(facets) for test in tests)


def _and(parts: list[dict[str, Any]]) -> Test:
    tests = [_test(part) for part in parts]
    return lambda facets: all(test(facets) for test in tests)


def _not(part: dict[str, Any]) -> Test:
    test = _test(part)
    return lambda facets: not test(facets)


def _kinds(items: list[str]) -> Test:
    wanted = frozenset(items)
    return lambda facets: facets.kind in wanted


def _venues(items: list[str]) -> Test:
    wanted = frozenset(items)
    return lambda facets: not wanted.isdisjoint(facets.venues)


def _categories(items: list[str]) -> Test:
    wanted = frozenset(items)
    return lambda facets: not wanted.isdisjoint(facets.categories)


def _tickers(items: list[str]) -> Test:
    wanted = frozenset(items)
    return lambda facets: not wanted.isdisjoint(facets.names)


def _keywords(items: list[str]) -> Test:
    wanted = tuple(items)
    return lambda facets: any(word in facets.text for word in wanted)


def _confidence(least: int) -> Test:
    return lambda facets: facets.confidence >= least and facets.confidence != -1


def _edge(least: int) -> Test:
    return lambda facets: facets.edge >= least and facets.edge != -1


def _lockup(most: int) -> Test:
    return lambda facets: 0 <= facets.lockup <= most


_MAKE: Final[dict[str, Callable[[Any], Test]]] = {
    "min_confidence": _confidence,
    "min_edge": _edge,
    "max_lockup": _lockup,
    "kinds": _kinds,
    "venues": _venues,
    "categories": _categories,
    "tickers": _tickers,
    "keywords": _keywords,
    "and": _and,
    "or": _or,
    "not": _not,
}
