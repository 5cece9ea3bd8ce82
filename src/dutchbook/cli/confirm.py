"""The typed word before real money."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dutchbook.runtime.binding import Bound


def confirm_live(accounts: "tuple[Bound, ...]") -> None:
    """Have the accounts typed, or named by DUTCHBOOK_CONFIRM_LIVE. Raises ConfigError."""
    from dutchbook.cli.out import say
    from dutchbook.domain.errors import ConfigError
    from dutchbook.runtime.binding import CONFIRM, named

    want = named(accounts)
    given = os.environ.get(CONFIRM)
    if given is None and sys.stdin.isatty():
        say(f"this is about real money at {want}")
        given = input("type the accounts to go on: ")
    if given != want:
        raise ConfigError(
            "live trading was not confirmed",
            why="the accounts were not named" if given else "nobody confirmed it",
            todo=f"type {want}, or set {CONFIRM}={want}",
        )
