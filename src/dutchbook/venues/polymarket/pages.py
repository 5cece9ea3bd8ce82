"""A list that comes in pages: complete, or refused as a whole."""

from collections.abc import Callable
from typing import Final

from dutchbook.domain.units import Ns
from dutchbook.venues.base import Out
from dutchbook.venues.polymarket.account_wire import Page, read
from dutchbook.venues.polymarket.requests import Answer, Requests
from dutchbook.venues.polymarket.wire import UNREADABLE

FIRST: Final = "MA=="
LAST: Final = ("LTE=", "")
PAGES_MAX: Final = 1_000

Listed = Callable[[list[bytes] | None, str, Ns], list[Out]]
"""Told every row, or None and why the list is not complete."""


class Pages:
    """Reads a list of the CLOB from its first page to its last."""

    def __init__(self, requests: Requests, path: str, query: str, done: Listed) -> None:
        self._requests = requests
        self._path = path
        self._query = f"{query}&" if query else ""
        self._done = done
        self._rows: list[bytes] = []
        self._seen: set[str] = set()

    def start(self) -> list[Out]:
        return [self._ask(FIRST)]

    def _ask(self, cursor: str) -> Out:
        self._seen.add(cursor)
        query = f"{self._query}next_cursor={_quoted(cursor)}"
        return self._requests.ask("GET", self._path, self._page, query=query)

    def _page(self, answer: Answer, now: Ns) -> list[Out]:
        if answer.status != 200:
            return self._done(None, answer.said(), now)
        try:
            page = read(answer.body, Page)
        except UNREADABLE:
            return self._done(None, f"a page of {self._path} that can't be read", now)
        self._rows += [bytes(row) for row in page.data]
        cursor = page.next_cursor
        if cursor in LAST:
            # Of this page or of all of them, it can't be more than there were.
            if page.count is not None and page.count > len(self._rows):
                return self._done(None, f"rows are missing from {self._path}", now)
            return self._done(self._rows, "", now)
        if cursor in self._seen or len(self._seen) >= PAGES_MAX or len(cursor) > 256:
            return self._done(None, f"the pages of {self._path} do not end", now)
        return [self._ask(cursor)]


def _quoted(text: str) -> str:
    """Percent-encode what could end a query."""
    safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    return "".join(c if c in safe else "".join(f"%{b:02X}" for b in c.encode()) for c in text)
