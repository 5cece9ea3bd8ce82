"""P1, P2, P3, P8: wherever the process dies, no order is sent twice and none is lost from view.

Points are enumerated: every write, sync and rename of the record and every message to a venue has
its own. The quick form takes a few spread over four scenarios, the whole one
(DUTCHBOOK_TEST_ALL=1) all points of all.
"""

import os
import random
from pathlib import Path

import pytest

from crash.stage import Stage, problems
from dutchbook.runtime.loop import Loop

ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
FATES = ("fill", "half", "none", "reject", "mute", "mute_half", "lost", "late", "twice")
SCENARIOS = [([one], [two]) for one in FATES for two in ("fill", "half", "mute")]
QUICK = [(["fill"], ["fill"]), (["fill"], ["none"]), (["mute"], ["fill"]), (["half"], ["lost"])]
QUICK_POINTS = 9
KILLS = 500 if ALL else 6
SEEDS = range(20_261_121, 20_261_121 + (20 if ALL else 1))


def whole(root: Path, fates: tuple[list[str], list[str]]) -> int:
    """A life without a crash; it must be sound itself. Returns how many points it has."""
    stage = Stage(root, *fates)
    report, points = stage.live(0, cheap=True)
    assert report is not None and problems(stage, report) == []
    assert report["baskets"], "nothing was traded: the scenario shows nothing"
    return points


def crash(root: Path, fates: tuple[list[str], list[str]], target: int) -> list[str]:
    """Die at a point, start again, tidy up; what is wrong then."""
    stage = Stage(root, *fates)
    report, _ = stage.live(target, cheap=True)
    if report is not None:
        return problems(stage, report)
    report, _ = stage.live(0, cheap=False)
    assert report is not None
    return problems(stage, report)


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("fates", SCENARIOS if ALL else QUICK, ids=lambda f: "-".join(f[0] + f[1]))
def test_every_crash_point(fates, tmp_path, record_property):
    points = whole(tmp_path / "whole", fates)
    tried = range(1, points + 1, 1 if ALL else max(1, points // QUICK_POINTS))
    for target in tried:
        found = crash(tmp_path / f"p{target}", fates, target)
        again = f"tests/crash/test_crash_points.py: crash(dir, {fates}, {target})"
        assert found == [], f"{found}; to see it again: {again}"
    record_property("crash points", len(tried))
    print(f"{len(tried)} of {points} crash points of {fates}")


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("seed", SEEDS)
def test_random_kills(seed, tmp_path, record_property):
    """P1: kills at random points of random scenarios, the seed in the message."""
    rng = random.Random(seed)
    record_property("random kills", KILLS)
    for n in range(KILLS):
        fates = ([rng.choice(FATES)], [rng.choice(FATES)])
        target = rng.randrange(1, 400)
        found = crash(tmp_path / str(n), fates, target)
        assert found == [], f"{found}; crash(dir, {fates}, {target})"


def test_a_second_crash_while_tidying_up_changes_nothing(tmp_path):
    """F6: killed five times in a row during recovery; it converges."""
    fates = (["fill"], ["lost"])
    stage = Stage(tmp_path, *fates)
    report, _ = stage.live(60, cheap=True)
    for target in (20, 35, 50, 65, 80):
        report, _ = stage.live(target, cheap=False)
    report, _ = stage.live(0, cheap=False)
    assert report is not None and problems(stage, report) == []


def test_mut1_a_trader_that_records_after_it_sends_is_caught(tmp_path, monkeypatch):
    """The harness must see what it is for: an order that left before its record was on disk."""

    def commit(self):
        asked, self._asked = self._asked, []
        for effect in asked:
            self.carry(effect)
        self.store.commit()
        self._dirty = False
        self._committed_at = self.clock.mono()

    monkeypatch.setattr(Loop, "_commit", commit)
    fates = (["fill"], ["fill"])
    points = whole(tmp_path / "whole", fates)
    caught = next(
        (t for t in range(points * 3 // 5, points) if crash(tmp_path / str(t), fates, t)), None
    )
    assert caught is not None
    print(f"caught at point {caught} of {points}")
