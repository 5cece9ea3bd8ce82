"""Asking for whole books again, by unsubscribing and subscribing, without ever causing a storm."""

from collections.abc import Iterable
from typing import Final

import msgspec

from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.venues.base import Out, Send, Wake

PAUSE: Final = 250 * MILLI
"""Between two requests for the same book."""
PATIENCE: Final = 3 * SECOND
"""How long a request may go unanswered before it is repeated; doubled each time."""
PATIENCE_MOST: Final = 60 * SECOND


class _Ask:
    __slots__ = ("again", "at", "open", "tries")

    def __init__(self) -> None:
        self.at = 0
        self.open = False
        self.again = False
        self.tries = 0

    def due(self) -> int:
        """When to send next; 0 if there is nothing to send."""
        repeat = self.at + PAUSE if self.again else 0
        if not self.open:
            return repeat
        late = self.at + min(PATIENCE << min(self.tries, 8), PATIENCE_MOST)
        return min(repeat, late) if repeat else late


class Resync:
    """One socket's outstanding requests, per token."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.token = f"resync:{stream}"
        self._asks: dict[str, _Ask] = {}
        self._wake = 0

    def opened(self, tokens: Iterable[str], now: Ns) -> list[Out]:
        """The first subscription of a connection: every book is to come."""
        self._asks.clear()
        self._wake = 0
        for token in tokens:
            self._sent(token, now)
        first = {"type": "market", "assets_ids": list(self._asks), "custom_feature_enabled": True}
        return [self._send(first), *self._arm()]

    def subscribe(self, tokens: Iterable[str], now: Ns) -> list[Out]:
        """Further tokens on an open connection."""
        chosen = list(tokens)
        for token in chosen:
            self._sent(token, now)
        return [self._operation("subscribe", chosen), *self._arm()]

    def demand(self, tokens: Iterable[str], now: Ns) -> list[Out]:
        """These books are needed whole. At most one request per book is under way."""
        chosen = []
        for token in tokens:
            ask = self._asks.setdefault(token, _Ask())
            if not ask.open and now - ask.at >= PAUSE:
                chosen.append(token)
            else:
                ask.again = True
        return [*self._ask(chosen, now), *self._arm()]

    def seen(self, token: str) -> None:
        """A whole book came; whatever was asked of it is answered."""
        ask = self._asks.get(token)
        if ask is not None:
            ask.open = ask.again = False
            ask.tries = 0

    def wake(self, now: Ns) -> list[Out]:
        self._wake = 0
        due = [token for token, ask in self._asks.items() if 0 < ask.due() <= now]
        return [*self._ask(due, now), *self._arm()]

    def closed(self) -> None:
        """The connection is gone, and every request with it."""
        self._asks.clear()
        self._wake = 0

    def _ask(self, tokens: list[str], now: Ns) -> list[Out]:
        if not tokens:
            return []
        for token in tokens:
            self._sent(token, now)
        return [self._operation("unsubscribe", tokens), self._operation("subscribe", tokens)]

    def _sent(self, token: str, now: Ns) -> None:
        ask = self._asks.setdefault(token, _Ask())
        ask.tries = ask.tries + 1 if ask.open else 0
        ask.at, ask.open, ask.again = now, True, False

    def _arm(self) -> list[Out]:
        due = min((at for ask in self._asks.values() if (at := ask.due())), default=0)
        if not due or (self._wake and self._wake <= due):
            return []
        self._wake = due
        return [Wake(self.token, Ns(due))]

    def _operation(self, operation: str, tokens: list[str]) -> Send:
        body: dict[str, object] = {"operation": operation, "assets_ids": tokens}
        if operation == "subscribe":
            body["custom_feature_enabled"] = True
        return self._send(body)

    def _send(self, body: dict[str, object]) -> Send:
        return Send(self.stream, msgspec.json.encode(body))
