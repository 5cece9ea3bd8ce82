"""The test that stops a strategy: how often it is wrong, and how soon it is right."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.units import ONE
from dutchbook.strategies.decay import SCALE, STAKES, Decay


def stopped_after(seed: int, win: float, up: int, down: int, most: int) -> int:
    """After how many results of +up or -down the test stops; 0 if it does not."""
    chance, decay = random.Random(seed), Decay()
    for n in range(1, most + 1):
        decay.add(up if chance.random() < win else -down)
        if decay.stopped:
            return n
    return 0


@pytest.mark.parametrize(
    ("win", "up", "down"), [(0.5, 50_000, 50_000), (0.9, 100_000, 900_000), (0.1, 900_000, 100_000)]
)
def test_without_a_loss_it_stops_at_most_in_one_of_twenty(win: float, up: int, down: int) -> None:
    """A strategy that exactly breaks even, looked at after each of 600 results."""
    runs = 400
    wrong = sum(stopped_after(seed, win, up, down, 600) > 0 for seed in range(runs))
    assert wrong <= 0.05 * runs + 2 * np.sqrt(0.05 * 0.95 * runs)


def test_a_loss_is_noticed() -> None:
    """Three cents lost on average, five of spread: well within 300 results, in nearly all runs."""
    found = [stopped_after(seed, 0.2, 50_000, 50_000, 600) for seed in range(60)]
    assert sum(n > 0 for n in found) >= 57
    assert sorted(n or 600 for n in found)[30] < 300


def test_a_gain_is_hardly_ever_taken_for_a_loss() -> None:
    assert sum(stopped_after(seed, 0.7, 50_000, 50_000, 500) > 0 for seed in range(200)) <= 4


@given(st.lists(st.integers(-2 * ONE, 2 * ONE), max_size=60))
def test_whole_numbers_agree_with_real_ones_and_never_stop_sooner(results: list[int]) -> None:
    """The naive twin in floating point: wealth is the same to rounding, and never more."""
    decay, twin = Decay(), np.ones(len(STAKES))
    stakes, over = np.array(STAKES) / ONE, False
    for result in results:
        decay.add(result)
        twin *= 1 - stakes * max(-1.0, min(1.0, result / ONE))
        over = over or bool(twin.mean() >= 20 * (1 - 1e-9))
        assert over or not decay.stopped
    assert decay.count == len(results)
    mine = np.array(decay._wealth) / SCALE
    assert np.all(mine <= twin * (1 + 1e-9))
    assert mine == pytest.approx(twin, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("alpha", [0, ONE, -5])
def test_an_error_rate_lies_between_nothing_and_all(alpha: int) -> None:
    with pytest.raises(ValueError, match="alpha"):
        Decay(alpha)
