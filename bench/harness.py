"""What every benchmark is given and gives back, and the table of those that there are."""

import gc
import importlib
import os
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from time import process_time
from typing import Any, Final

import msgspec

BENCHES: Final[dict[str, str]] = {
    "message_path": "bench.message_path",
    "engine_message": "bench.engine_message",
    "bulk_replay": "bench.bulk_replay",
    "universe_scan": "bench.universe_scan",
    "optimiser": "bench.optimiser",
    "feed_sustained": "bench.feed_sustained",
    "feed_burst": "bench.feed_burst",
    "start_to_first_opportunity": "bench.start_to_first_opportunity",
    "orders": "bench.orders",
    "backtest": "bench.backtest",
    "hub": "bench.hub",
    "gateway": "bench.gateway",
    "reliability": "bench.reliability.promises",
}
"""Name -> module with `run(context) -> list[Row]`, in the order in which they run."""


class Row(msgspec.Struct):
    """One measured promise. `ratio` is how many times better than `peer`, in the same run.

    `goal` says what `value` or `ratio` must be; None where the figure only informs. `holds` is
    None then too.
    """

    name: str
    value: float
    unit: str
    goal: str | None = None
    holds: bool | None = None
    peer: str | None = None
    ratio: float | None = None


class Context(msgspec.Struct):
    """`say` takes progress lines; `data` is the recorded data, None if absent; `scratch` a folder.

    `quick` measures on a tenth of the work, for a look and for tests: its figures are not for
    quoting.
    """

    say: Callable[[str], None]
    scratch: Path
    data: Path | None = None
    peer_python: Path | None = None
    quick: bool = False

    def size(self, full: int) -> int:
        return full // 10 if self.quick else full


def run(names: list[str], context: Context) -> list[Row]:
    """Run the named benches; their rows in order."""
    rows: list[Row] = []
    for name in names:
        context.say(f"bench: {name} ...")
        rows += importlib.import_module(BENCHES[name]).run(context)
    return rows


@contextmanager
def context(say: Callable[[str], None], peer_python: Path | None, quick: bool) -> Any:
    """A context with a scratch folder of its own, kernels warm, recorded data found."""
    from dutchbook.kernels.warm import warm

    warm()
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    data = Path(os.environ.get("DUTCHBOOK_DATA") or beside)
    with tempfile.TemporaryDirectory(prefix="dutchbook-bench-") as scratch:
        yield Context(say, Path(scratch), data if data.is_dir() else None, peer_python, quick)


def best(work: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """(seconds of the fastest pass, what the last pass gave).

    Processor time, and the fastest: what else the machine does only slows a pass.
    """
    fastest, given = float("inf"), None
    for _ in range(repeats):
        gc.collect()
        started = process_time()
        given = work()
        fastest = min(fastest, process_time() - started)
    return fastest, given
