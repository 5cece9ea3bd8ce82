"""The strategies that quote: adding one is adding its file and a line here."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from dutchbook.strategies import maker, maker_config
from dutchbook.strategies.base import Quoter


class Kind(NamedTuple):
    """Its parameters, a frozen record with a `budget`, and how it is made from them."""

    config: type[Any]
    build: Callable[[Any], Quoter]


KINDS: Final[dict[str, Kind]] = {"maker": Kind(maker_config.Config, maker.build)}
