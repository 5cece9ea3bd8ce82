"""One client's conversation on the pretend Polymarket's market socket, without a socket."""

from typing import Any, Final

import msgspec

from dutchbook.emulators.polymarket.messages import Published, Shelf
from dutchbook.emulators.wire.outbox import Frame

DUMP_BOOKS: Final = 50
"""Books in one array frame of the first dump."""


class PolymarketSession:
    """`on_text` answers subscriptions, `on_published` tells what changed."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._assets: dict[str, None] = {}
        self._custom = False
        self._opened = False

    def on_text(self, text: str, now: int) -> list[Frame]:
        """Answer the first frame (type market) or a later operation."""
        try:
            command = msgspec.json.decode(text)
        except msgspec.DecodeError:
            return [Frame("INVALID OPERATION")]
        if not isinstance(command, dict):
            return [Frame("INVALID OPERATION")]
        assets = command.get("assets_ids")
        if not isinstance(assets, list) or any(not isinstance(a, str) for a in assets):
            return [Frame("INVALID OPERATION")]
        known = [asset for asset in dict.fromkeys(assets) if asset in self._shelf.assets]
        if "custom_feature_enabled" in command:
            self._custom = command["custom_feature_enabled"] is True
        return self._apply(command, known)

    def on_published(self, news: Published) -> list[Frame]:
        """The frames that one change of the market means for this client."""
        mine = self._assets
        frames: list[Frame] = []
        if news.changes:
            text = news.price_change(mine)
            if text:
                frames.append(Frame(text, "delta", news.hot, news.market))
        frames += [Frame(t, "data", False, news.market) for a, t in news.messages if a in mine]
        if self._custom:
            frames += [Frame(t, "data", False, news.market) for a, t in news.custom if a in mine]
        return frames

    def on_overflow(self, why: str) -> list[str]:
        """There are no last words on this socket."""
        return []

    def _apply(self, command: dict[str, Any], known: list[str]) -> list[Frame]:
        operation = command.get("operation")
        if operation == "unsubscribe":
            for asset in known:
                self._assets.pop(asset, None)
            return []
        kind = str(command.get("type", "")).lower()
        if operation != "subscribe" and kind != "market":
            return [Frame("INVALID OPERATION")]
        self._assets |= dict.fromkeys(known)
        if command.get("initial_dump") is False:
            return []
        books = [self._shelf.book_message(self._shelf.assets[asset]) for asset in known]
        first, self._opened = not self._opened, True
        if not first:
            return [Frame(text, "data") for text in books]
        return [
            Frame("[" + ",".join(books[at : at + DUMP_BOOKS]) + "]", "data")
            for at in range(0, len(books), DUMP_BOOKS)
        ]
