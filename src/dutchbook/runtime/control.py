"""The door for other terminals: a socket in the data directory that only its owner may open.

One JSON object per line: `{"who", "verb", "args"}`. A command becomes an OperatorAsked event and is
answered with what its step decided; a question (`ask`) is answered from the account as it stands.
"""

import asyncio
import contextlib
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.domain.errors import DutchbookError, NotRunning, Timeout
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import Step
from dutchbook.runtime.wire import orders_of

NAME: Final = "control.sock"
LINE_MAX: Final = 64 * 1024
ANSWER_SECONDS: Final = 5.0


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What another terminal wants; `ask` names a question, `verb` a command."""

    who: str = ""
    verb: str = ""
    args: tuple[str, ...] = ()
    ask: str = ""


class Control:
    """Serves one run. `put` gives the engine an event; `answer` answers a question, at once or
    with a function that is called in a thread."""

    def __init__(
        self,
        root: Path,
        put: Callable[[OperatorAsked], None],
        answer: Callable[[str, tuple[str, ...]], Any],
    ) -> None:
        self._root = root
        self._put = put
        self._answer = answer
        self._waiting: dict[int, asyncio.Future[Step]] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket left behind by a run that was killed is replaced."""
        with contextlib.suppress(FileNotFoundError):
            (self._root / NAME).unlink()
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            mask = os.umask(0o177)
            try:
                # A socket's path is bounded at 108 bytes; through the descriptor it is short.
                self._server = await asyncio.start_unix_server(
                    self._serve, f"/proc/self/fd/{folder}/{NAME}", limit=LINE_MAX
                )
            finally:
                os.umask(mask)
        finally:
            os.close(folder)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        with contextlib.suppress(FileNotFoundError):
            (self._root / NAME).unlink()

    def saw(self, step: Step) -> None:
        """Told every step of a command: its answer goes to whoever asked."""
        future = self._waiting.pop(id(step.envelope.event), None)
        if future is not None and not future.done():
            future.set_result(step)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(msgspec.json.encode(await self._one(line)) + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _one(self, line: bytes) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(line, type=Request)
            if request.ask:
                found = self._answer(request.ask, request.args)
                if callable(found):  # a long reckoning: the engine goes on meanwhile
                    found = await asyncio.to_thread(found)
                if inspect.isawaitable(found):
                    found = await found
                return {"ok": True, "answer": found}
            return {"ok": True, **await self.command(request)}
        except TimeoutError:
            return {"ok": False, "what": "the engine did not answer in time", "code": 5}
        except (msgspec.DecodeError, DutchbookError) as error:
            code = error.code if isinstance(error, DutchbookError) else 2
            return {"ok": False, "what": str(error), "code": code}

    async def command(self, request: Request) -> dict[str, Any]:
        """Have the engine carry out a command: its step's seq, notes, orders. Or TimeoutError."""
        event = OperatorAsked(request.who, request.verb, request.args)
        future: asyncio.Future[Step] = asyncio.get_running_loop().create_future()
        self._waiting[id(event)] = future
        self._put(event)
        async with asyncio.timeout(ANSWER_SECONDS):
            step = await future
        plain = msgspec.to_builtins([(type(note).__name__, note) for note in step.notes])
        orders = [order.id for effect in step.effects for order in orders_of(effect)]
        return {"seq": step.envelope.seq, "notes": plain, "orders": orders}


def ask(root: Path, request: Request, seconds: float = 10.0) -> dict[str, Any]:
    """Put a request to the run in a data directory. Raises NotRunning, Timeout, DutchbookError."""
    import socket

    try:
        folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NotRunning(f"no run in {root}", why=str(error), todo="./dutchbook run") from error
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(seconds)
            sock.connect(f"/proc/self/fd/{folder}/{NAME}")
            sock.sendall(msgspec.json.encode(request) + b"\n")
            data = b""
            while not data.endswith(b"\n"):
                part = sock.recv(LINE_MAX)
                if not part:
                    raise NotRunning(f"the run in {root} ended meanwhile")
                data += part
    except TimeoutError as error:
        raise Timeout(f"the run in {root} did not answer within {seconds:g} s") from error
    except OSError as error:
        raise NotRunning(
            f"no run is going on in {root}", why=str(error), todo="./dutchbook run"
        ) from error
    finally:
        os.close(folder)
    reply: dict[str, Any] = msgspec.json.decode(data)
    if not reply.pop("ok"):
        problem = DutchbookError(str(reply.get("what", "refused")))
        problem.code = int(reply.get("code", 1))
        raise problem
    return reply
