"""How the gateway's process reaches the run: through its control socket and its step socket."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import DutchbookError, NotRunning, Timeout, UsageError
from dutchbook.domain.units import micros
from dutchbook.gateway.ports import Told
from dutchbook.gateway.readmodel import ReadModel
from dutchbook.gateway.told import FRAME_MAX, unframe
from dutchbook.runtime import config_file, control, publish
from dutchbook.runtime.layers import Loaded, reloaded
from dutchbook.runtime.leaves import find, get, leaves, shown
from dutchbook.runtime.strategies import reload_of
from dutchbook.runtime.wiregate import KILL_FILE, not_killed, put_kill_file

AGAIN: Final = 0.5
PATIENCE: Final = 8.0
_log = logging.getLogger(__name__)


class Follower:
    """Keeps a read model up with a run; comes again when the run ends or another begins."""

    def __init__(self, root: Path, model: ReadModel) -> None:
        self._root = root
        self._model = model

    async def go(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._follow()
            except (OSError, asyncio.IncompleteReadError, msgspec.DecodeError, ValueError) as error:
                if isinstance(error, msgspec.DecodeError | ValueError):
                    _log.error("the run says what this gateway does not understand: %s", error)
            self._model.lost()
            await asyncio.sleep(AGAIN)

    async def _follow(self) -> None:
        reader, writer = await opened(self._root, publish.NAME)
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                if size > FRAME_MAX:
                    raise ValueError(f"a frame of {size} bytes")
                self._model.hear(unframe(await reader.readexactly(size)))
        finally:
            writer.close()


async def opened(root: Path, name: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to a socket in a data directory, however long its path."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return await asyncio.open_unix_connection(
            f"/proc/self/fd/{folder}/{name}", limit=4 * FRAME_MAX
        )
    finally:
        os.close(folder)


class RunPort:
    """Implements `gateway.ports.Run` for the run in a data directory."""

    def __init__(self, root: Path, loaded: Loaded | None = None) -> None:
        self._root = root
        self._loaded = loaded

    async def command(self, who: str, verb: str, args: tuple[str, ...]) -> Told:
        reply = await self._put(control.Request(who, verb, args))
        notes = tuple((name, list(note)) for name, note in reply["notes"])
        return Told(reply["seq"], notes, tuple(reply["orders"]))

    async def ask(self, question: str, args: tuple[str, ...] = (), *, seconds: float = 0) -> Any:
        """`seconds`: how long the answer may take; 0: as long as any."""
        request = control.Request(args=args, ask=question)
        return (await self._put(request, seconds or PATIENCE))["answer"]

    async def kill(self, who: str, *, flatten: bool) -> Told | None:
        """The kill file first: it stops the wire, whatever becomes of the command."""
        missing = await asyncio.to_thread(put_kill_file, self._root, who)
        try:
            return await self.command(who, "kill", ("flatten",) if flatten else ())
        except Timeout as error:
            if missing:
                raise
            raise Timeout(f"no new order leaves, but {error.what}", todo=error.todo) from error
        except NotRunning as error:
            if missing:
                raise not_killed(missing) from error
            return None

    async def clear_kill(self, who: str, reason: str) -> Told:
        told = await self.command(who, "clear_kill", ("admin", reason))
        # Only now: a file that is gone can't stop the wire, whatever the engine answered.
        if not any(name == "Refused" for name, _ in told.notes):
            await asyncio.to_thread((self._root / KILL_FILE).unlink, missing_ok=True)
        return told

    async def reload(self, who: str) -> dict[str, list[str]]:
        before = self._known()
        fresh = await asyncio.to_thread(reloaded, before.file, before)
        changed = [
            path
            for path, leaf in leaves().items()
            if leaf.kind != "secret" and get(before.settings, path) != get(fresh.settings, path)
        ]
        said = [f"{path} = {shown(find(path, ''), get(fresh.settings, path))}" for path in changed]
        event = reload_of(fresh.settings, who)
        await self.command(event.who, event.verb, event.args)
        later = [path for path in changed if not path.startswith("strategies.")]
        return {"changed": said, "restart": later}

    async def raise_limit(self, path: str, value: str) -> str:
        before = self._known()
        leaf = find(path, "raise_limit")
        if leaf.kind != "money" or not path.startswith(("risk.", "arbitrage.capital")):
            raise UsageError(f"{path} is no limit in money", todo="name one under risk.")
        if before.file is None:
            raise UsageError("there is no settings file", todo="dutchbook config init")
        now = get(before.settings, path)
        try:
            raised = micros(value) > now
        except ValueError as error:
            raise UsageError(f"{path}: {error}", todo="write 75 or 75.50") from error
        if not raised:
            raise UsageError(f"{path} is {shown(leaf, now)} already", todo="lowering needs no two")
        await asyncio.to_thread(config_file.set_value, before.file, path, value)
        return str(shown(leaf, now))

    def _known(self) -> Loaded:
        if self._loaded is None:
            raise UsageError("this gateway was not given the settings", todo="restart the run")
        return self._loaded

    async def _put(self, request: control.Request, seconds: float = PATIENCE) -> dict[str, Any]:
        """Raises NotRunning where it surely did not arrive, Timeout where nobody knows."""
        try:
            reader, writer = await opened(self._root, control.NAME)
        except OSError as error:
            raise NotRunning("no run is going on", todo="dutchbook run") from error
        try:
            async with asyncio.timeout(seconds):
                writer.write(msgspec.json.encode(request) + b"\n")
                await writer.drain()
                line = await reader.readline()
        except (TimeoutError, OSError) as error:
            raise Timeout("the run did not answer in time", todo="look at orders") from error
        finally:
            writer.close()
        if not line.endswith(b"\n"):
            raise Timeout("the run ended before it answered", todo="look at orders")
        reply: dict[str, Any] = msgspec.json.decode(line)
        if reply.pop("ok"):
            return reply
        code, what = int(reply.get("code", 1)), str(reply.get("what", "refused"))
        kinds: dict[int, type[DutchbookError]] = {2: UsageError, 5: Timeout}
        raise kinds.get(code, DutchbookError)(what)
