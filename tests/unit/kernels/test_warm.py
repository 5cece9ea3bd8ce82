"""Warming: reports each kernel, fills the cache folder, does without one that can't be written."""

import subprocess
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parents[3] / "src"
PROGRAM = """
import sys
from pathlib import Path
from dutchbook.kernels.warm import warm
steps, said = [], []
count = warm(Path(sys.argv[1]), lambda *step: steps.append(step), said.append)
assert steps[-1][:2] == (count, count) and len(steps) == count, steps
from dutchbook.kernels.kernel import KERNELS
print(len(said), sum(sum(k.stats.cache_hits.values()) for k, _ in KERNELS), count)
"""


def warmed(folder: Path) -> list[int]:
    """(times it said something, kernels that came from the cache, kernels) of a fresh process."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [int(word) for word in run.stdout.split()]


def test_the_second_start_compiles_nothing(tmp_path):
    said, hits, count = warmed(tmp_path)
    assert (said, hits) == (0, 0)
    assert warmed(tmp_path) == [0, count, count]
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    assert warmed(in_the_way) == [1, 0, count]
