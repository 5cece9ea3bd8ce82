"""Copies of books over REST, to compare with ours; an answer that fails says nothing of a book."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BookSeen, CheckFailed
from dutchbook.domain.units import Ns
from dutchbook.venues.base import Out
from dutchbook.venues.kalshi.asker import Asker, Job, safe
from dutchbook.venues.kalshi.errors import BROKEN, bad, broken
from dutchbook.venues.kalshi.frames import key_of, levels_of
from dutchbook.venues.kalshi.wire import Levels


class Sides(msgspec.Struct):
    yes_dollars: Levels | None = None
    no_dollars: Levels | None = None


class OneBook(msgspec.Struct):
    orderbook_fp: Sides


class NamedBook(msgspec.Struct):
    ticker: Annotated[str, Meta(min_length=1, max_length=200)]
    orderbook_fp: Sides


class ManyBooks(msgspec.Struct):
    orderbooks: list[msgspec.Raw]


def check(asker: Asker, tickers: list[str], per_call: int, now: Ns) -> list[Out]:
    """Ask for these books: one by its path, several in one question."""
    out: list[Out] = []
    for n in range(0, len(tickers), per_call):
        some = tuple(tickers[n : n + per_call])
        if len(some) == 1:
            job = Job("book", f"/markets/{safe(some[0])}/orderbook", about=some)
        else:
            query = (("tickers", ",".join(some)),)
            job = Job("books", "/markets/orderbooks", query, some)
        out.append(asker.ask(job, now))
    return out


def failed(job: Job, why: str) -> list[Out]:
    """No answer for any of the books of a question."""
    return [CheckFailed(key_of(name), why) for name in job.about]


def answer(job: Job, body: bytes, stream: str) -> list[Out]:
    """The books of a 200; a bad one is counted and failed, the others stand."""
    try:
        if job.kind == "book":
            return [one_book(body, job.about[0])]
        raws = msgspec.json.decode(body, type=ManyBooks).orderbooks
    except BROKEN as error:
        return [bad(stream, broken(error, body)), *failed(job, "malformed")]
    except RemoteProtocolError as error:
        return [bad(stream, error), *failed(job, "malformed")]
    out: list[Out] = []
    left = dict.fromkeys(job.about)
    for n, raw in enumerate(raws):
        try:
            book = named_book(raw, f"orderbooks[{n}]")
        except RemoteProtocolError as error:
            out.append(bad(stream, error))
            continue
        name = book.key.removeprefix("kalshi:")
        if name in left:
            del left[name]
            out.append(book)
    return out + [CheckFailed(key_of(name), "not in the answer") for name in left]


def one_book(body: bytes | msgspec.Raw, ticker: str) -> BookSeen:
    """A book whose market only the question named. Raises RemoteProtocolError."""
    try:
        sides = msgspec.json.decode(body, type=OneBook).orderbook_fp
    except BROKEN as error:
        raise broken(error, body) from None
    return _seen(sides, ticker, "orderbook_fp")


def named_book(body: bytes | msgspec.Raw, path: str) -> BookSeen:
    """A book that names its market. Raises RemoteProtocolError."""
    try:
        book = msgspec.json.decode(body, type=NamedBook)
    except BROKEN as error:
        raise broken(error, body, path) from None
    return _seen(book.orderbook_fp, book.ticker, f"{path}.orderbook_fp" if path else "orderbook_fp")


def _seen(sides: Sides, ticker: str, path: str) -> BookSeen:
    paths = (f"{path}.yes_dollars", f"{path}.no_dollars")
    levels = levels_of(sides.yes_dollars or [], sides.no_dollars or [], paths, ticker)
    return BookSeen(key_of(ticker), 0, levels)
