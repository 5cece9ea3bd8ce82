"""How things stand, folded from messages: for snapshots where the engine itself is elsewhere."""

from typing import Any

from dutchbook.hub.filters import Compiled
from dutchbook.hub.message import Message


class Mirror:
    """Open opportunities, and the newest of each book."""

    def __init__(self) -> None:
        self._open: dict[str, Message] = {}
        self._books: dict[str, Message] = {}

    def fold(self, messages: list[Message]) -> None:
        for item in messages:
            if item.channel == "books":
                self._books[item.key] = item
            elif item.channel == "opportunities":
                body = item.plain
                if body["what"] == "closed":
                    self._open.pop(body["id"], None)
                else:
                    self._open[body["id"]] = item

    def clear(self) -> None:
        """A run began anew: nothing is open."""
        self._open.clear()
        self._books.clear()

    def snapshot(self, channel: str, compiled: Compiled) -> list[Any] | None:
        """As `Hub` asks for it."""
        rows = {"opportunities": self._open, "books": self._books}.get(channel)
        if rows is None:
            return None
        return [item.plain for item in rows.values() if compiled.test(item.facets)]
