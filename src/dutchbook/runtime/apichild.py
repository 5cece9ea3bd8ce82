"""The gateway beside a run: a child process that never outlives it, and never stops it either."""

import asyncio
import contextlib
import logging
import sys
import time  # noqa: TID251 (how long a process lived is no engine's time)
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.runtime.settings import Settings

WAITS: Final = (0.5, 1.0, 5.0, 30.0)
"""Seconds before it is started again, the first time, the second, ..."""
STEADY_SECONDS: Final = 60.0
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 6.0
_log = logging.getLogger(__name__)


class ApiChild:
    """`say` is told where it listens, or why it does not: trading goes on either way."""

    def __init__(self, settings: Settings, file: Path | None, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._file = file
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._last: deque[str] = deque(maxlen=20)
        self.address = ""

    async def keep(self) -> None:
        """Start it, and again whenever it ends by itself, later each time; until cancelled.

        One that can't listen is tried again a few times: where the run before was killed, its
        gateway has the port for some seconds more. What is in its way then stays there.
        """
        waits = iter(WAITS)
        while True:
            if why := await self._start():
                wait = next(waits, 0.0)
                then = f"again in {wait:g} s" if wait else "the run goes on without it"
                self._say(f"no gateway: {why}; {then}")
                if not wait:
                    return
                await asyncio.sleep(wait)
                continue
            began, process = time.monotonic(), self._process
            assert process is not None
            reading = asyncio.create_task(self._read(process), name="gateway's words")
            code = await process.wait()
            await reading
            if time.monotonic() - began > STEADY_SECONDS:
                waits = iter(WAITS)
            wait = next(waits, WAITS[-1])
            self._say(f"the gateway ended ({code}){self._said()}; again in {wait:g} s")
            await asyncio.sleep(wait)

    async def _start(self) -> str:
        """Start it and wait for its first line: why it does not listen, "" if it does."""
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "dutchbook", "run", "--role", "gateway", "--child",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            assert self._process.stdin is not None and self._process.stdout is not None
            told = {
                "file": str(self._file or ""), "data_dir": self._settings.data_path(),
                "mode": self._settings.mode,
                "api": msgspec.to_builtins(self._settings.api),
                "storage": msgspec.to_builtins(self._settings.storage),
            }  # fmt: skip
            self._process.stdin.write(msgspec.json.encode(told) + b"\n")
            await self._process.stdin.drain()
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
            self._told(msgspec.json.decode(line))
            return ""
        except (OSError, TimeoutError, msgspec.DecodeError) as error:
            why = await self._why(error)
            await self.stop()
            return why

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Its standard error, of which the last lines are kept: a full pipe would stop it."""
        assert process.stderr is not None
        while part := await process.stderr.read(4_096):
            self._last.extend(part.decode(errors="replace").splitlines())

    def _said(self) -> str:
        last = next((line.strip() for line in reversed(self._last) if line.strip()), "")
        self._last.clear()
        return f": {last[:200]}" if last else ""

    def _told(self, first: dict[str, Any]) -> None:
        self.address = first["api"]
        self._say(f"gateway   {self.address}/api/v1")
        if first["first_run"]:
            self._say(f"  nobody can sign in yet; one-time token: {first['first_run']}")

    async def _why(self, error: Exception) -> str:
        if self._process is None or self._process.stderr is None:
            return str(error)
        with contextlib.suppress(TimeoutError):
            said = await asyncio.wait_for(self._process.stderr.read(4_096), 2)
            lines = [line.strip() for line in said.decode(errors="replace").splitlines()]
            return " ".join(line.removeprefix("error: ") for line in lines if line)[:400]
        return str(error) or "it did not answer in time"

    async def stop(self) -> None:
        """Close its standard input, which ends it; kill it if that does not."""
        process = self._process
        if process is None:
            return
        self._process = None
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            _log.warning("the gateway did not end; it is killed")
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
