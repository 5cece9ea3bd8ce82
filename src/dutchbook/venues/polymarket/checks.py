"""REST copies of books, asked for to compare with ours; an answer that fails says nothing."""

from typing import Final

import msgspec

from dutchbook.domain.events import BadInput, BookSeen, CheckFailed
from dutchbook.domain.units import MILLI, Ns
from dutchbook.venues.base import Call, Out, Wake
from dutchbook.venues.polymarket.config import Config
from dutchbook.venues.polymarket.ladder import book_hash, levels
from dutchbook.venues.polymarket.numbers import millis
from dutchbook.venues.polymarket.registry import Registry
from dutchbook.venues.polymarket.wire import UNREADABLE, BookBody, no_key_twice

STREAM: Final = "polymarket.clob"
AGAIN: Final = "checks"
_books: Final = msgspec.json.Decoder(list[msgspec.Raw])
_book: Final = msgspec.json.Decoder(BookBody)


def read_book(data: bytes, token: int) -> tuple[BookBody, BookSeen]:
    """A book body as BookSeen in YES terms; one of UNREADABLE if it is unsound."""
    no_key_twice(data)
    body = _book.decode(data)
    digest = book_hash(body)
    if digest and digest != body.hash:
        raise ValueError("hash: it does not agree with the book")
    at = Ns(millis(body.timestamp) * MILLI)
    key = f"polymarket:{body.market[:128]}"
    return body, BookSeen(key, token, levels(body, token), at)


class Checks:
    """Outstanding POST /books calls. After a 429 or a failure it keeps quiet for a while."""

    def __init__(self, config: Config, registry: Registry) -> None:
        self._config = config
        self._registry = registry
        self._calls: dict[str, tuple[str, ...]] = {}
        self._made = 0
        self._failures = 0
        self._quiet = False

    def ask(self, keys: tuple[str, ...]) -> list[Out]:
        out: list[Out] = []
        known = []
        for key in keys:
            listed = self._registry.markets.get(key)
            if listed is None or not all(listed.tokens) or not listed.tokens:
                out.append(CheckFailed(key, "not a market with two tokens"))
            elif self._quiet:
                out.append(CheckFailed(key, "backing off after an error of the venue"))
            else:
                known.append(key)
        per_call = max(1, self._config.books_per_call // 2)
        for start in range(0, len(known), per_call):
            out.append(self._call(tuple(known[start : start + per_call])))
        return out

    def mine(self, call: str) -> bool:
        return call in self._calls

    def on_reply(self, call: str, status: int, body: bytes, now: Ns) -> list[Out]:
        keys = self._calls.pop(call)
        if status != 200:
            failed: list[Out] = [CheckFailed(key, f"HTTP {status}") for key in keys]
            return failed + (self._pause(now) if status == 429 or status >= 500 else [])
        self._failures = 0
        try:
            raws = _books.decode(body)
        except UNREADABLE as error:
            bad = BadInput(STREAM, "books", str(error))
            return [bad, *(CheckFailed(key, "an answer that can't be read") for key in keys)]
        out: list[Out] = []
        missing = {token: key for key in keys for token in self._registry.markets[key].tokens}
        for index, raw in enumerate(raws):
            out += self._seen(bytes(raw), f"books[{index}]", missing)
        out += [
            CheckFailed(key, "absent from the answer") for key in dict.fromkeys(missing.values())
        ]
        return out

    def on_lost(self, call: str, now: Ns) -> list[Out]:
        keys = self._calls.pop(call)
        return [*(CheckFailed(key, "no answer") for key in keys), *self._pause(now)]

    def on_wake(self) -> None:
        self._quiet = False

    def _seen(self, data: bytes, place: str, missing: dict[str, str]) -> list[Out]:
        """One book of the answer; it is struck off `missing` if it is sound and was asked for."""
        try:
            asset = self._registry.assets.get(_book.decode(data).asset_id)
            body, seen = read_book(data, asset.token if asset is not None else 0)
            if asset is None or body.asset_id not in missing or seen.key != asset.key:
                raise ValueError("a book that was not asked for")
        except UNREADABLE as error:
            return [BadInput(STREAM, place, str(error))]
        del missing[body.asset_id]
        return [seen]

    def _call(self, keys: tuple[str, ...]) -> Call:
        self._made += 1
        name = f"books:{self._made}"
        self._calls[name] = keys
        wanted = [
            {"token_id": token} for key in keys for token in self._registry.markets[key].tokens
        ]
        return Call(
            name,
            "POST",
            f"{self._config.clob_url}/books",
            body=msgspec.json.encode(wanted),
            headers={"Content-Type": "application/json"},
            bucket="clob.books",
        )

    def _pause(self, now: Ns) -> list[Out]:
        wait = self._config.back_off_first << min(self._failures, 16)
        self._failures += 1
        self._quiet = True
        return [Wake(AGAIN, Ns(now + min(wait, self._config.back_off_most)))]
