"""Expected log growth maximised over shares of the bankroll, by an interior-point method."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
GAP: Final = 1e-9
"""The duality gap at which the sharpening ends."""
TOLERANCE: Final = 1e-8
"""The growth found is at most this far below the best one: GAP, and what floats lose besides."""
STEP: Final = 20.0
"""By how much the barrier is sharpened each time."""
NEWTON_MAX: Final = 60
FLAT: Final = 1e-8
NOISE: Final = 1e-15
"""Sums of this size that differ by less are equal."""
TINY: Final = 1e-12
RIDGE: Final = 1e-13


class Optimum(NamedTuple):
    """`shares` of the bankroll; `prices` are the shadow prices of each share's bound, and last
    that of the whole bankroll: growth per unit of room."""

    shares: Floats
    prices: Floats


def maximise(returns: Floats, weights: Floats, bounds: Floats) -> Optimum:
    """The shares x that maximise sum_k weights[k] log(1 + returns[k] @ x).

    Under 0 <= x <= bounds (all above 0) and sum(x) <= 1; returns are -1 at least, so that no
    share within these loses more than all. The log barrier is sharpened until the duality gap,
    (number of constraints) / t, is below GAP (Boyd & Vandenberghe 2004, section 11.3); each
    centre is found by Newton steps with backtracking.
    """
    count = len(bounds)
    x = np.minimum(bounds, 1.0 / count) / 2
    sharpness, constraints = 10.0, 2 * count + 1
    while True:
        x = _centre(x, returns, weights, bounds, sharpness)
        if constraints / sharpness < GAP:
            break
        sharpness *= STEP
    prices = np.append(1 / (bounds - x), 1 / (1 - x.sum())) / sharpness
    return Optimum(x, prices)


def _centre(x: Floats, returns: Floats, weights: Floats, bounds: Floats, t: float) -> Floats:
    """The maximum of growth plus barrier / t, from a point inside."""
    value = _value(x, returns, weights, bounds, t)
    for _ in range(NEWTON_MAX):
        wealth, room, left = 1 + returns @ x, bounds - x, 1 - x.sum()
        slope = returns.T @ (weights / wealth) + (1 / x - 1 / room - 1 / left) / t
        bend = (returns.T * (weights / wealth**2)) @ returns
        bend += (np.diag(1 / x**2 + 1 / room**2) + 1 / left**2) / t
        # In units of the room there is, so that shares near a bound don't spoil the rest; the
        # ridge keeps bets that always pay alike apart.
        unit = np.minimum(x, room)
        scaled = bend * unit * unit[:, None]
        scaled += RIDGE * np.diag(scaled).max() * np.eye(len(x))
        step = unit * np.linalg.solve(scaled, unit * slope)
        gain = float(slope @ step)
        if gain * t < FLAT:
            break
        size = 1.0
        while True:
            trial = x + size * step
            found = _value(trial, returns, weights, bounds, t)
            if found >= value + size * gain / 4 - NOISE:
                break
            size /= 2
            if size < TINY:
                return x  # as near as floats go
        x, value = trial, found
    return x


def _value(x: Floats, returns: Floats, weights: Floats, bounds: Floats, t: float) -> float:
    """Growth plus barrier / t; minus infinity outside."""
    wealth, left = 1 + returns @ x, 1 - float(x.sum())
    if left <= 0 or (x <= 0).any() or (x >= bounds).any() or (wealth <= 0).any():
        return -np.inf
    barrier = float(np.log(x).sum() + np.log(bounds - x).sum() + np.log(left))
    return float(weights @ np.log(wealth)) + barrier / t
