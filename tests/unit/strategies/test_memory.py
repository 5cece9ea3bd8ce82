"""A day of a market by quarter hours, against a twin that keeps every trade."""

from bench_world import START
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.domain.units import ONE, Ns, Px, Qty
from dutchbook.strategies.memory import DAY_STEPS, STEP, Memory

trades = st.lists(
    st.tuples(st.integers(0, 5 * 3_600), st.integers(1, 99), st.integers(1, 500), st.booleans()),
    min_size=1, max_size=60,
)  # fmt: skip


@given(trades, st.integers(1, 30 * 3_600))
def test_it_agrees_with_keeping_everything(story, span) -> None:  # type: ignore[no-untyped-def]
    memory, kept, now = Memory(START), [], START
    for wait, cents, contracts, buy_yes in story:
        now = Ns(now + wait * 10**9)
        px, qty = Px(cents * 10_000), Qty(contracts * ONE)
        memory.traded(now, px, qty, buy_yes)
        kept.append((now // STEP, (px if buy_yes else ONE - px) * contracts, px, buy_yes))
        step = now // STEP
        day = [one for one in kept if one[0] > step - DAY_STEPS]
        assert memory.volume(now) == sum(one[1] for one in day)
        hour = [one for one in kept if one[0] > step - 4]
        spent, yes, _ = memory.last_hour(now)
        assert spent == sum(one[1] for one in hour)
        assert yes == sum(one[1] for one in hour if one[3])
        assert len(memory._buckets) <= DAY_STEPS + 1
    ago = span * 10**9
    before = [one[2] for one in kept if one[0] <= now // STEP - -(-ago // STEP)]
    if ago <= 20 * 3_600 * 10**9:
        known = bool(before) and now - START >= ago
        assert memory.move(now, Ns(ago)) == (kept[-1][2] - before[-1] if known else None)


@given(st.lists(st.integers(0, 400), min_size=24, max_size=24), st.integers(0, 4 * ONE))
def test_a_spike_is_what_the_formula_says(hours: list[int], z: int) -> None:
    """Mean and deviation of 23 hours in real numbers, save where rounding could decide."""
    now = Ns((START // STEP // 4 * 4 + 3) * STEP)
    memory = Memory(Ns(now - DAY_STEPS * STEP))
    for hour, dollars in reversed(list(enumerate(hours))):
        at = Ns(now - hour * 4 * STEP)
        memory.traded(at, Px(500_000), Qty(2 * dollars * ONE), True)
    first, rest = hours[0], hours[1:]
    mean = sum(rest) / 23
    deviation = (sum((one - mean) ** 2 for one in rest) / 23) ** 0.5
    gap = first - mean - z / ONE * deviation
    if abs(gap) > 1e-6:
        assert memory.spike(now, z) == (gap > 0 and first > mean)
