"""Other terminals' door: commands become events and are answered with what their step decided."""

import asyncio
import stat
from pathlib import Path

import pytest

from dutchbook.domain.errors import DutchbookError, NotRunning, UsageError
from dutchbook.domain.events import Envelope, OperatorAsked
from dutchbook.domain.step import Found, Step
from dutchbook.domain.units import Ns
from dutchbook.runtime.control import NAME, Control, Request, ask


class Served:
    def __init__(self, root: Path) -> None:
        self.seen: list[OperatorAsked] = []
        self.control = Control(root, self.put, self.answer)

    def put(self, event: OperatorAsked) -> None:
        self.seen.append(event)
        step = Step(Envelope(7, Ns(1), event), notes=(Found("x", "paused", "by ann"),))
        asyncio.get_running_loop().call_soon(self.control.saw, step)

    def answer(self, name: str, args: tuple[str, ...]) -> object:
        if name != "orders":
            raise UsageError(f"no question {name!r}")
        return [{"id": "a"}]


async def test_a_command_is_an_event_and_its_step_the_answer(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 25)
    deep.mkdir()
    served = Served(deep)
    await served.control.start()
    try:
        mode = stat.S_IMODE((deep / NAME).stat().st_mode)
        reply = await asyncio.to_thread(ask, deep, Request("ann", "pause", ("all",)))
        rows = await asyncio.to_thread(ask, deep, Request(ask="orders"))
        with pytest.raises(DutchbookError, match="no question") as wrong:
            await asyncio.to_thread(ask, deep, Request(ask="secrets"))
    finally:
        await served.control.stop()
    assert mode == 0o600
    assert served.seen == [OperatorAsked("ann", "pause", ("all",))]
    assert reply == {
        "seq": 7, "notes": [["Found", ["Found", "x", "paused", "by ann"]]], "orders": [],
    }  # fmt: skip
    assert rows == {"answer": [{"id": "a"}]} and wrong.value.code == 2


async def test_where_nothing_runs_a_command_says_so(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(NotRunning):
            await asyncio.to_thread(ask, folder, Request(ask="orders"))


async def test_a_line_that_is_no_request_is_refused(tmp_path: Path) -> None:
    served = Served(tmp_path)
    await served.control.start()
    try:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
        writer.write(b'{"shout": 1}\n[]\n')
        lines = [await reader.readline() for _ in range(2)]
        writer.close()
    finally:
        await served.control.stop()
    assert all(b'"ok":false' in line for line in lines) and served.seen == []
