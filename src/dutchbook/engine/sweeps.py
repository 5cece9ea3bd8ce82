"""Sweeps that a person or the schedule asks for, on top of what goes on all the time."""

from typing import Final

from dutchbook.domain.candidate import Candidate
from dutchbook.state.account import Account

SCAN: Final = "scan"
"""Make every basket of the universe anew and put it through the funnel."""
SYNC: Final = "sync"
"""Ask for REST copies of the books that matter now."""
BOOKS_MAX: Final = 40


def wanted(open_: list[Candidate], account: Account | None) -> list[str]:
    """The markets that matter: those held, then those of open opportunities; at most BOOKS_MAX."""
    held = [key for key, _ in account.keys_held()] if account is not None else []
    named = [key for candidate in open_ for key, _ in candidate.legs]
    return list(dict.fromkeys([*held, *named]))[:BOOKS_MAX]
