"""P1, P2, P3 for legs that rest: dying while an order is in the book loses and doubles nothing."""

import os

import msgspec
import pytest

from crash import stage
from crash.test_crash_points import crash, whole
from dutchbook.runtime.settings import Settings

ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
FATES = [(["half"], ["fill"]), (["none"], ["half"]), (["mute"], ["fill"]), (["half"], ["none"])]
POINTS = 6


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("style", ["limit", "hybrid"])
@pytest.mark.parametrize("fates", FATES if ALL else FATES[:2], ids=lambda f: "-".join(f[0] + f[1]))
def test_crash_points_while_legs_rest(style, fates, tmp_path, monkeypatch):
    plain = {"execution": {"queue_bound_ms": 2_000, "style": style, "rest_ms": 500}}
    monkeypatch.setattr(stage, "settings", lambda: msgspec.convert(plain, Settings))
    points = whole(tmp_path / "whole", fates)
    for target in range(1, points + 1, 1 if ALL else max(1, points // POINTS)):
        found = crash(tmp_path / f"p{target}", fates, target)
        assert found == [], f"{found} at point {target} of {points}"
