"""How much a strategy with an opinion wishes for: a part of Kelly's size, and at most the stake."""

from dutchbook.domain.fees import order_total
from dutchbook.domain.units import ONE
from dutchbook.strategies import longshot
from unit.strategies.bench_world import CENTS, FEES, Desk, table


def wished(edge: int, ask: int = 11, **more: object) -> int:
    """Contracts of NO at 100 less the bid that are wished for; 0 for none."""
    desk = Desk(longshot.Longshot(longshot.Config(**more), table(no=edge)))  # type: ignore[arg-type]
    desk.trade(ask, 5_000)
    wishes = desk.book(ask - 1, ask)
    return int(wishes[0].qty) if wishes else 0


def test_the_size_is_a_part_of_kellys_to_the_lot() -> None:
    """NO at 90 cents that wins (0.9 + 0.06 x 0.09/0.109375) of the time: f = (p - c) / (1 - c)."""
    desk = Desk(longshot.Longshot(longshot.Config(stake=1_000 * ONE), table(no=60_000)))
    win = desk.strategy.table.estimate("taker", "no", "Crypto", 90 * CENTS)
    assert win is not None
    each = order_total(FEES, [(90 * CENTS, ONE * ONE)])
    stake = 0.25 * 200 * (win.win * ONE - each) / (ONE * ONE - each)
    expected = stake / (each / ONE / ONE)
    got = wished(60_000, stake=1_000 * ONE) / ONE
    assert expected - 0.02 <= got <= expected


def test_it_grows_with_edge_and_budget_and_ends_at_the_stake() -> None:
    sizes = [wished(edge, stake=1_000 * ONE) for edge in (35_000, 45_000, 60_000)]
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    assert wished(45_000, stake=1_000 * ONE, budget=100 * ONE) < sizes[1]
    assert wished(60_000, stake=5 * ONE) * 90 * CENTS <= 5 * ONE * ONE
    assert wished(60_000, stake=5 * ONE) == 5_550_000


def test_kelly_may_be_left_out() -> None:
    """Then only the stake says how much."""
    alone = wished(45_000, stake=50 * ONE, kelly=0)
    assert alone == 55_550_000 > wished(45_000, stake=50 * ONE)


def test_a_part_that_is_below_the_least_order_is_nothing() -> None:
    assert wished(45_000, budget=ONE // 10) == 0
