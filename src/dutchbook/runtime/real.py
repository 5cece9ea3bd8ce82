"""Modes paper and live: the venues' real streams; the orders go to paper, or to the venues."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dutchbook.domain.events import Event
from dutchbook.domain.step import Step
from dutchbook.runtime import kernels
from dutchbook.runtime.bootstrap import House
from dutchbook.runtime.feeds import Addresses
from dutchbook.runtime.links import read_links
from dutchbook.runtime.live import Live
from dutchbook.runtime.reckoning import trading_summary
from dutchbook.runtime.settings import Settings
from dutchbook.storage import lock


async def real(
    settings: Settings,
    seconds: float | None,
    *,
    watch: Callable[[Live, Step], None],
    ready: Callable[[Live], None] = lambda live: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Run mode paper or live and return its summary; each fill is counted under its grade.

    Raises ConfigError before anything is opened, and what the venues' keys and addresses raise.
    """
    data_dir = Path(settings.data_path())
    links = _links(settings)
    lock.check(data_dir)
    await asyncio.to_thread(kernels.ready, say)
    live = Live(House(settings, Addresses(), real=True), watch)
    ready(live)
    await live.go(seconds, links)
    return {
        "mode": settings.mode,
        "run": live.run,
        "venues": list(live.drivers),
        "markets": len(live.engine.world.instruments),
        **live.counts,
        "opportunities": live.engine.opened_in_run,
        **trading_summary(live),
        "grades": grades(live),
        "journal_seq": live.store.seq,
        "first_seq": live.first_seq,
        "digest": live.loop.digest.hex(),
        "ended": live.why,
    }


def grades(live: Live) -> dict[str, int]:
    """How sure the fills of this run are: evidence -> how many."""
    trading = live.engine.trading
    if trading is None:
        return {}
    mine = (
        life
        for life in trading.account.orders.values()
        if life.order.id.startswith(trading.account.epoch)
    )
    return dict(sorted(Counter(fill.grade for life in mine for fill in life.fills).items()))


def _links(settings: Settings) -> list[Event]:
    if not settings.links.file:
        return []
    return read_links(Path(settings.links.file).expanduser(), "links file")
