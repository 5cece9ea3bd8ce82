"""The pretend exchanges of mode sim, as a child process that never outlives its parent."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from dutchbook.domain.errors import DutchbookError, UsageError
from dutchbook.runtime import cores
from dutchbook.runtime.feeds import Addresses, addresses

START_SECONDS = 60.0
STOP_SECONDS = 10.0
TIER = "premier"
"""Kalshi's rate tier in mode sim: bundles of twenty legs go out at once."""


class Exchange:
    """`dutchbook exchange serve both` on free ports; its first line says where it listens."""

    def __init__(self, process: asyncio.subprocess.Process, addresses: Addresses) -> None:
        self.process = process
        self.addresses = addresses
        self.log: list[str] = []
        self._drain = asyncio.create_task(self._read_log())

    @classmethod
    async def start(cls, data_dir: Path, seed: int, faults: str, plants: Path | None) -> "Exchange":
        """Start it and wait for its addresses; DutchbookError with its own words if it fails."""
        command = [sys.executable, "-m", "dutchbook", "exchange", "serve", "both"]
        command += ["--seed", str(seed), "--port", "0", "--child", "--data-dir", str(data_dir)]
        command += ["--faults", faults, "--tier", TIER]
        if plants is not None:
            command += ["--plants", str(plants)]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is ours alone: we end it when all has been seen
        )
        assert process.stdout is not None and process.stderr is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            found = addresses(line.decode())
        except (TimeoutError, UsageError) as error:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            said = (await process.stderr.read()).decode(errors="replace").strip()
            code = await process.wait()
            problem = DutchbookError("the pretend exchanges did not start", why=_plain(said))
            problem.code = code if 0 < code < 8 else 1
            raise problem from error
        cores.is_elsewhere(process.pid)
        return cls(process, found)

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log = [*self.log[-50:], line.decode(errors="replace").rstrip()]

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    @property
    def last_words(self) -> str:
        """How it ended and what it last said, for an error message."""
        said = f"exit code {self.process.returncode}" if not self.alive else ""
        return "; ".join([said, *self.log[-3:]])

    def send(self, number: signal.Signals) -> None:
        """Signal it; SIGUSR1 asks it to fall quiet: no more updates or faults, answers only."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def stop(self) -> None:
        """Let it write its logs out and end; kill it if it does not."""
        if self.alive:
            self.send(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        self._drain.cancel()


def _plain(said: str) -> str:
    """What a child wrote to standard error, in one line."""
    lines = [line.strip().removeprefix("error: ") for line in said.splitlines()]
    return "; ".join(line for line in lines if line)[-2000:]
