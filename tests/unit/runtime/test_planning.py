"""The optimiser beside the engine: at once, in a process, and when that process dies or hangs."""

import asyncio
import os
import signal

import msgspec
import pytest
import uvloop

from dutchbook.domain.plans import PlanReady
from dutchbook.optimize.planner import Planner
from dutchbook.runtime.planning import Planning
from unit.optimize.test_planner import wheel


async def told(heard, count):
    async with asyncio.timeout(30):
        while len(heard) < count:
            await asyncio.sleep(0.01)


def numbered(number):
    return msgspec.structs.replace(wheel(), number=number)


def test_a_small_question_is_answered_at_once():
    heard = []
    Planning(12, 5.0, heard.append).carry(wheel())
    assert heard == [Planner().solve(wheel())] and heard[0].shapes


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_worker_answers_in_order_and_its_death_is_answered_too(loop):
    """Killed between two questions: the one after it is told why, the next goes to a new worker."""

    async def story():
        heard: list[PlanReady] = []
        desk = Planning(0, 90.0, heard.append)
        desk.carry(numbered(1))
        desk.carry(numbered(2))
        await told(heard, 2)
        first = desk.pid
        assert first > 0, heard  # 0 would mean this very process and its group
        assert os.getpgid(first) == first, "Ctrl-C is not for it, not even while it begins"
        os.kill(first, signal.SIGKILL)
        await asyncio.sleep(0.1)
        desk.carry(numbered(3))
        desk.carry(numbered(4))
        await told(heard, 4)
        again, died = desk.pid, desk.died
        await desk.stop()
        return heard, first, again, died

    with asyncio.Runner(loop_factory=loop) as runner:
        heard, first, again, died = runner.run(story())
    assert [one.number for one in heard] == [1, 2, 3, 4]
    assert [bool(one.shapes) for one in heard] == [True, True, False, True]
    assert "the worker ended" in heard[2].why and died == 1 and again not in (0, first)
    assert heard[3] == msgspec.structs.replace(Planner().solve(wheel()), number=4)


def test_a_worker_that_hangs_is_ended():
    async def story():
        heard: list[PlanReady] = []
        desk = Planning(0, 90.0, heard.append)
        desk.carry(numbered(1))
        await told(heard, 1)
        assert heard[0].why == "" and desk.pid > 0  # 0 would mean this very process and its group
        os.kill(desk.pid, signal.SIGSTOP)
        desk.wait_s = 0.3
        desk.carry(numbered(2))
        await told(heard, 2)
        await desk.stop()
        return heard, desk.died

    heard, died = asyncio.run(story())
    assert heard[1] == PlanReady("s", 2, why="the worker took too long") and died == 1


def test_a_worker_that_never_answers_is_not_started_again_at_once(monkeypatch):
    """A broken installation: every question is answered, and few processes are started."""
    monkeypatch.setattr("sys.executable", "/bin/false")

    async def story():
        heard: list[PlanReady] = []
        desk = Planning(0, 30.0, heard.append)
        for number in range(50):
            desk.carry(numbered(number))
        await told(heard, 50)
        died = desk.died
        await desk.stop()
        return heard, died

    heard, died = asyncio.run(story())
    assert died == 1 and [one.number for one in heard] == list(range(50))
    assert "the worker ended" in heard[0].why and "the next in 1 s" in heard[49].why
