"""Many backtests of one tape on the machine's processes, or on a Ray cluster; results in order.

Which worker plays what, and how many there are, changes nothing: every plan brings its seed.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from importlib import import_module
from typing import Any

import msgspec

from dutchbook.backtest.plan import Plan
from dutchbook.backtest.run import play
from dutchbook.backtest.tape import Tape
from dutchbook.domain.errors import DutchbookError, UsageError
from dutchbook.report import daily, stats
from dutchbook.report.record import Record

Tick = Callable[[int, int], None]


class Result(msgspec.Struct, frozen=True):
    """What one variant brought: money in millionths; the digest is that of all its Steps."""

    plan: Plan
    net: int
    fees: int
    trades: int
    fills: int
    drawdown: int
    sharpe: float | None
    digest: str
    nets: tuple[int, ...] = ()
    """Net of each trade, in the order of their beginnings."""


def result_of(plan: Plan, record: Record, digest: str) -> Result:
    """The figures of a record that variants are compared by."""
    points = daily.curve(record)
    worth = [record.meta.capital + daily.equity(point) for point in points]
    return Result(
        plan, sum(trade.net for trade in record.trades), sum(t.fees for t in record.trades),
        len(record.trades), len(record.fills), stats.drawdown(worth)[0] if worth else 0,
        stats.sharpe(daily.Days(record, points).returns), digest,
        tuple(trade.net for trade in record.trades),
    )  # fmt: skip


def one(plan: Plan, tape: Tape) -> Result:
    """Play one variant."""
    played = play(plan, tape)
    return result_of(plan, played.record, played.digest)


def run_all(
    plans: list[Plan], tape: Tape, *, workers: int = 0, cluster: str = "",
    tick: Tick = lambda n, of: None,
) -> list[Result]:  # fmt: skip
    """The results of all plans, in their order.

    `workers`: processes, 0 for one a core, 1 for none but this. `cluster`: address of a Ray
    cluster, or "local" for one on this machine. Raises what the first failing plan raises.
    """
    if cluster:
        found = _on_ray(plans, tape, cluster, tick)
    else:
        count = min(workers or os.cpu_count() or 1, len(plans))
        found = _here(plans, tape, tick) if count <= 1 else _on_pool(plans, tape, count, tick)
    return [found[n] for n in range(len(plans))]


def _here(plans: list[Plan], tape: Tape, tick: Tick) -> dict[int, Result]:
    found: dict[int, Result] = {}
    for n, plan in enumerate(plans):
        tick(n, len(plans))
        found[n] = one(plan, tape)
    tick(len(plans), len(plans))
    return found


_TAPE: Tape | None = None


def _worker(tape: bytes) -> None:
    """A worker reads the tape once. Ctrl-C is the parent's to answer."""
    global _TAPE
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _TAPE = msgspec.msgpack.decode(tape, type=Tape)


def _job(plan: Plan) -> Result:
    assert _TAPE is not None
    return one(plan, _TAPE)


def _on_pool(plans: list[Plan], tape: Tape, count: int, tick: Tick) -> dict[int, Result]:
    packed = msgspec.msgpack.encode(tape)
    context = multiprocessing.get_context("spawn")  # no fork: threads of others may hold locks
    with ProcessPoolExecutor(count, context, _worker, (packed,)) as pool:
        jobs = {pool.submit(_job, plan): n for n, plan in enumerate(plans)}
        try:
            return dict(_as_done(jobs, tick))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _as_done(jobs: dict[Future[Result], int], tick: Tick) -> Iterator[tuple[int, Result]]:
    waiting, total = set(jobs), len(jobs)
    tick(0, total)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        tick(total - len(waiting), total)
        for job in done:
            yield jobs[job], job.result()


def _on_ray(plans: list[Plan], tape: Tape, cluster: str, tick: Tick) -> dict[int, Result]:
    ray: Any
    try:
        ray = import_module("ray")
    except ImportError:
        raise UsageError(
            "--cluster needs Ray, which is not installed", todo="install dutchbook[cluster]"
        ) from None
    began = not ray.is_initialized()
    if began:
        address = None if cluster == "local" else cluster
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise DutchbookError(
                f"no Ray cluster at {cluster}", why=str(error), todo="ray status says more"
            ) from error
    try:
        packed = ray.put(msgspec.msgpack.encode(tape))
        remote = ray.remote(_remote)
        jobs = {remote.remote(msgspec.msgpack.encode(p), packed): n for n, p in enumerate(plans)}
        found: dict[int, Result] = {}
        waiting = list(jobs)
        tick(0, len(plans))
        while waiting:
            done, waiting = ray.wait(waiting, num_returns=1)
            for job in done:
                found[jobs[job]] = msgspec.msgpack.decode(ray.get(job), type=Result)
            tick(len(found), len(plans))
        return found
    finally:
        if began:
            ray.shutdown()


_READ: dict[int, Tape] = {}


def _remote(plan: bytes, tape: bytes) -> bytes:
    """A Ray task: bytes in, bytes out; the tape is read once by each worker."""
    name = hash(tape)
    if name not in _READ:
        _READ.clear()
        _READ[name] = msgspec.msgpack.decode(tape, type=Tape)
    return msgspec.msgpack.encode(one(msgspec.msgpack.decode(plan, type=Plan), _READ[name]))
