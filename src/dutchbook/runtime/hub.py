"""The hub of a run: steps become messages behind their commit, are kept, and are told."""

import asyncio
import contextlib
import hmac
import os
import secrets as chance  # noqa: TID251 (a key and a token of this data directory are made here)
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.events import NO, YES, Envelope, SignalArrived
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.step import Step
from dutchbook.domain.units import ONE, Ns, plain
from dutchbook.hub import wire
from dutchbook.hub.core import Hub
from dutchbook.hub.fanout import SOCKET
from dutchbook.hub.feed import FeedServer, Hello
from dutchbook.hub.filters import Compiled, Facets, facets
from dutchbook.hub.flow import Delivered
from dutchbook.hub.history import ROOM, History
from dutchbook.hub.message import Message, Row, message, message_of, row_of
from dutchbook.hub.posting import Seen
from dutchbook.hub.project import Telling
from dutchbook.hub.receipts import FIRST, Signer
from dutchbook.hub.session import Saved, Subject, Want
from dutchbook.hub.switch import Switch
from dutchbook.state.world import World
from dutchbook.storage.messages import MessageLog
from dutchbook.storage.reader import read_account

if TYPE_CHECKING:
    from dutchbook.hub.redis_feed import RedisOut

FOLDER: Final = "hub"
TOKEN: Final = "token"
KEY: Final = "receipts.key"
ADDRESS: Final = "address"
POST_SECONDS: Final = 5.0
LOG_BYTES: Final = 16 << 20


class Files:
    """What the hub keeps beside its messages: saved subscriptions, and who got what when."""

    def __init__(self, root: Path) -> None:
        self._clients = root / "clients.json"
        self._log = root / "deliveries.jsonl"
        self.saved: dict[str, tuple[Saved, ...]] = {}
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            self.saved = msgspec.json.decode(
                self._clients.read_bytes(), type=dict[str, tuple[Saved, ...]]
            )

    def save(self, client_id: str, items: tuple[Saved, ...]) -> None:
        self.saved[client_id] = items
        fresh = self._clients.with_suffix(".tmp")
        fresh.write_bytes(msgspec.json.encode(self.saved))
        os.replace(fresh, self._clients)

    def delivered(self, rows: list[Delivered]) -> None:
        """Append; above 16 MiB the file is put aside as `.1`, over the one before."""
        with contextlib.suppress(OSError):
            if self._log.exists() and self._log.stat().st_size > LOG_BYTES:
                os.replace(self._log, self._log.with_suffix(".jsonl.1"))
        with self._log.open("ab") as file:
            file.write(msgspec.json.Encoder().encode_lines(rows))


class RunHub:
    """Made when the store is open; `heed` and `publish` are for the loop.

    `world` gives the market state of the moment; `put` an event to the engine.
    """

    def __init__(
        self, data_dir: Path, seq: int, clock: Callable[[], Ns], world: Callable[[], World],
        put: Callable[[SignalArrived], None], *, books_ms: int = 100, redis: str = "",
    ) -> None:  # fmt: skip
        self.root = data_dir / FOLDER
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.clock = clock
        self._world = world
        self._put = put
        self._books_ms = books_ms
        self.log = MessageLog(self.root, upto=seq)
        self.signer = Signer(_key(self.root / KEY), self._head())
        self.telling = Telling(self.signer, self._market, self._middle)
        self.seen = Seen()
        self.token = _token(self.root / TOKEN)
        files = Files(self.root)
        self.hub = Hub(
            seq, key=self.signer.public, histories=self._histories(), snapshots=self._snapshot
        )
        self.hub.saved = files.saved
        self.switch = Switch(self.hub, clock, self.authenticate, self.read, files)
        self.feed = FeedServer(self.root / SOCKET, self._hello, self._rows, self.post)
        self._begun = chance.token_hex(8)
        self.bus = _bus(redis, self._hello, self._rows) if redis else None
        self._told: list[Message] = []
        self._waiting: dict[tuple[str, str], asyncio.Future[int]] = {}
        self._versions: dict[tuple[str, int], tuple[int, ...]] = {}
        self._seq = seq
        self._polling: asyncio.Task[None] | None = None
        self._missed(data_dir, seq)

    # -- at the start --------------------------------------------------------------------------

    def _head(self) -> str:
        last = self.log.newest_of.get("signals")
        receipt = msgspec.json.decode(last.body)["receipt"] if last is not None else None
        return str(receipt["hash"]) if receipt else FIRST

    def _histories(self) -> dict[str, History]:
        """Memory begins with the newest messages of the store."""
        rows = self.log.newest(ROOM)
        whole = len(rows) == 0 or rows[0].seq <= self.log.floor
        floor = self.log.floor if whole or not rows else rows[0].seq - 1
        made: dict[str, History] = {c: History(floor, self.log.floor) for c in wire.CHANNELS}
        for row in rows:
            made[row.channel].add([message_of(row)])
        return made

    def _missed(self, data_dir: Path, seq: int) -> None:
        """Steps that the journal has and the store of messages does not: told now."""
        for row in self.log.read("signals", 0, 0, 1 << 30):
            self._recall(msgspec.json.decode(row.body))
        for row in self.log.read("fills", 0, 0, 1 << 30):
            self.telling.first(msgspec.json.decode(row.body)["id"])
        for step in read_account(data_dir, self.log.seq):
            if step.seq > seq:
                break
            if step.event is None and not step.notes and not step.effects:
                continue
            envelope = Envelope(step.seq, step.at, step.event)  # type: ignore[arg-type]
            self.heed(Step(envelope, step.effects, step.notes))
        self.publish()

    def _recall(self, body: dict[str, Any]) -> None:
        """What was posted before is known again, and waits for its outcome."""
        if body["type"] == "signal" and body["publisher"] != "engine":
            self.seen.remember(body)
            self.telling.remember(body)
        elif body["type"] == "outcome":
            self.telling.ended(body)

    # -- the loop's ----------------------------------------------------------------------------

    def heed(self, step: Step) -> bool:
        """Make a step's messages; whether there are any."""
        made = self.telling.tell(step)
        self._told += made
        event = step.envelope.event
        if type(event) is SignalArrived:
            self.seen.note(event, step.envelope.seq)
        return bool(made)

    def publish(self) -> None:
        """Keep and tell what was made; its steps are committed."""
        made, self._told = self._told, []
        if not made:
            return
        self.log.append([row_of(item) for item in made])
        self._seq = made[-1].seq
        self.switch.publish(made)
        self.feed.publish(made)
        if self.bus is not None:
            self.bus.publish(made)
        for history in self.hub.histories.values():
            history.oldest = max(history.oldest, self.log.floor)
        for item in made:
            if self._waiting and item.channel == "signals":
                self._answer(item)

    def _answer(self, item: Message) -> None:
        body = item.plain
        future = self._waiting.pop((str(body["publisher"]), str(body["id"])), None)
        if future is not None and not future.done() and body["type"] == "signal":
            future.set_result(item.seq)

    # -- what others ask -----------------------------------------------------------------------

    async def authenticate(self, token: str) -> Subject | None:
        """The token of this data directory: its owner. A gateway brings its own instead."""
        same = hmac.compare_digest(token.encode(), self.token.encode())
        return Subject("owner", publish=True) if same else None

    async def post(self, event: SignalArrived) -> tuple[int, bool]:
        """Number a signal; (seq, whether it had its number already). TimeoutError, BadSignal."""
        known = self.seen.find(event)
        if known is not None:
            return known, True
        name = (event.publisher, event.id)
        future = self._waiting.get(name)
        if future is None:
            future = self._waiting[name] = asyncio.get_running_loop().create_future()
            self._put(event)
        async with asyncio.timeout(POST_SECONDS):
            seq = await asyncio.shield(future)
        self.seen.find(event)  # another one with the same id may have come between
        return seq, False

    async def read(self, want: Want) -> list[Message]:
        """What a resume needs from the store."""
        rows = await asyncio.to_thread(self.log.read, want.channel, *want.position, want.limit)
        return [message_of(row) for row in rows]

    def _hello(self) -> Hello:
        return Hello(max(self.hub.seq, self._seq), self.log.floor, self.signer.public, self._begun)

    def _rows(self, channel: str, seq: int, n: int, limit: int) -> list[Row]:
        return self.log.read(channel, seq, n, limit)

    # -- books ---------------------------------------------------------------------------------

    def _market(self, key: str) -> Instrument | None:
        return self._world().instruments.get(key)

    def _middle(self, key: str) -> int:
        books = self._world().books
        if not books.has(key):
            return -1
        book = books.get(key, YES)
        return (book.bid + book.ask) // 2 if book.bid_qty and book.ask_qty else -1

    def _snapshot(self, channel: str, compiled: Compiled) -> list[Any] | None:
        if channel == "opportunities":
            return [
                msgspec.to_builtins(body)
                for told, body in self.telling.open.values()
                if compiled.test(told)
            ]
        if channel == "books":
            return [item.plain for item in self._books({}) if compiled.test(item.facets)]
        return None

    def _books(self, known: dict[tuple[str, int], tuple[int, ...]]) -> Iterator[Message]:
        """Books whose best prices or sizes are not those known, which are brought up to date."""
        world, at = self._world(), self.clock() // 1_000
        for n, book in enumerate(world.books.all()):
            now = (book.bid, book.bid_qty, book.ask, book.ask_qty)
            name = (book.key, book.token)
            if known.get(name) == now:
                continue
            known[name] = now
            body = wire.Book(
                seq=self._seq, n=n, at=at, market=book.key,
                token="no" if book.token == NO else "yes",
                bid=plain(book.bid) if book.bid_qty else None, bid_size=plain(book.bid_qty),
                ask=plain(book.ask) if book.ask_qty and book.ask < ONE else None,
                ask_size=plain(book.ask_qty),
            )  # fmt: skip
            yield message("books", self._facets(book.key), body, f"{book.key} {book.token}")

    def _facets(self, key: str) -> Facets:
        found = self._world().instruments.get(key)
        if found is None:
            return facets("book", markets=(key,))
        return facets("book", markets=(key,), categories=(found.category,), text=found.title)

    async def _poll(self) -> None:
        """Tell changed books as long as somebody listens; each look tells only the newest."""
        while True:
            await asyncio.sleep(self._books_ms / 1_000)
            if self.hub.groups["books"] or self.feed.wants_books:
                made = list(self._books(self._versions))
                self.switch.publish(made)
                self.feed.publish(made)
            else:
                self._versions.clear()

    # -- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        self.switch.start()
        await self.feed.start()
        if self.bus is not None:
            self.bus.start()
        self._polling = asyncio.create_task(self._poll(), name="books told")

    async def stop(self) -> None:
        """Everybody is told to come back; the files are closed."""
        if self._polling is not None:
            self._polling.cancel()
        await self.feed.stop()
        if self.bus is not None:
            await self.bus.stop()
        await self.switch.stop(wire.ENDING, wire.CLOSES[wire.ENDING])
        self.log.close()


def _bus(
    url: str, hello: Callable[[], Hello], read: Callable[[str, int, int, int], list[Row]]
) -> "RedisOut":
    try:
        from dutchbook.hub.redis_feed import RedisOut
    except ImportError as error:
        raise ConfigError(
            "hub.redis needs the extra `redis`", why=str(error),
            todo="./dutchbook setup --extra redis",
        ) from error  # fmt: skip
    return RedisOut(url, hello, read)


def _key(path: Path) -> bytes:
    """32 secret bytes, made the first time; only the owner may read them."""
    return bytes.fromhex(_private(path, lambda: chance.token_hex(32)))


def _token(path: Path) -> str:
    return _private(path, lambda: chance.token_urlsafe(32))


def _private(path: Path, make: Callable[[], str]) -> str:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(make() + "\n")
    return path.read_text(encoding="ascii").strip()
