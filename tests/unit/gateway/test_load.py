"""How much a gateway takes on: all that it can, and less where refusals cost it time, too."""

from collections import deque

import pytest

from dutchbook.domain.units import SECOND, Ns
from dutchbook.gateway.limits import BEAT, BEATS, BEHIND, LEAST, Load, Rates
from dutchbook.runtime.clock import VirtualClock

RATE = 2_000
Second = tuple[int, int]
"""(answered, refused)."""


class Asked:
    """A gateway that is asked evenly, on a clock of its own."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.shed = 0
        self.load = Load(Rates(self.clock), RATE, self.refused)

    def refused(self) -> None:
        self.shed += 1

    async def second(self, rate: int, *, vital: bool = False) -> Second:
        before, taken = self.shed, 0
        for _ in range(rate):
            await self.clock.advance(Ns(SECOND // rate), settle=0)
            taken += self.load.admits(vital=vital)
        return taken, self.shed - before


@pytest.mark.parametrize(
    ("asked", "answered"),
    # With a refusal at a quarter of an answer: (4 x 2,000 - asked) / 3, and a tenth besides.
    [(1_500, 1_500), (2_000, 2_000), (3_000, 1_867), (5_000, 1_200), (7_500, 367), (20_000, 200)],
)
async def test_the_more_is_refused_the_less_is_answered(asked: int, answered: int) -> None:
    at = Asked()
    for _ in range(3):
        await at.second(asked)  # what came at once is used up
    taken, refused = await at.second(asked)
    assert (taken, refused) == (pytest.approx(answered, abs=12), asked - taken)


async def test_who_asks_how_it_is_has_a_rate_apart() -> None:
    at = Asked()
    for _ in range(3):
        await at.second(7_500)
    assert await at.second(150, vital=True) == (150, 0)


async def test_once_it_is_over_all_is_answered_again() -> None:
    at = Asked()
    for _ in range(5):
        await at.second(20_000)
    await at.clock.advance(Ns(SECOND // 2), settle=0)
    assert await at.second(RATE) == (RATE, 0)


async def test_without_room_nothing_is_taken_and_that_costs_too() -> None:
    at = Asked()
    at.load.waiting = 100_000
    assert await at.second(20_000) == (0, 20_000)
    at.load.waiting = 0
    assert await at.second(RATE) == (pytest.approx(1_500, abs=300), pytest.approx(500, abs=300))
    await at.clock.advance(Ns(SECOND), settle=0)
    assert await at.second(RATE) == (RATE, 0)


class Machine(Asked):
    """It answers `able` a second; its loop comes to each alarm as late as work is undone."""

    def __init__(self, able: int) -> None:
        super().__init__()
        self.able = able
        self.undone = 0.0
        self.lates = deque([0.0], maxlen=BEATS)

    async def beats(self, count: int, asked: int) -> tuple[int, float]:
        """Requests admitted in so many beats, and the most seconds that one of them waits."""
        admitted, most = 0, 0.0
        for _ in range(count):
            taken = await self.beat(asked * BEAT // SECOND)
            admitted += taken
            self.undone = max(0.0, self.undone + taken / self.able - BEAT / SECOND)
            self.lates.append(self.undone)
            self.load.follow(min(self.lates) * SECOND > BEHIND)
            most = max(most, self.undone)
        return admitted, most

    async def beat(self, requests: int) -> int:
        taken = 0
        for _ in range(requests):
            await self.clock.advance(Ns(BEAT // requests), settle=0)
            taken += self.load.admits(vital=False)
        return taken


async def test_a_machine_that_is_too_slow_for_the_rate_answers_soon_what_it_can() -> None:
    at = Machine(able=600)
    await at.beats(250, 1_500)
    for _ in range(10):
        admitted, wait = await at.beats(50, 1_500)
        assert 400 < admitted < 750 and wait < 0.2, "without it: 900 more a second, for ever"
    at.able = 3_000  # the others on it are done
    await at.beats(200, 1_500)
    assert await at.beats(50, 1_500) == (1_500, pytest.approx(0, abs=0.02))


async def test_however_late_the_loop_is_a_tenth_is_answered_and_one_pause_is_nothing() -> None:
    at = Asked()
    for _ in range(1_000):
        at.load.follow(True)
    assert at.load.pace == LEAST
    await at.second(RATE)
    assert (await at.second(RATE))[0] >= RATE * LEAST
    quick = Machine(able=RATE)
    quick.undone = 0.06  # it stood still for three beats
    assert await quick.beats(50, 1_000) == (1_000, pytest.approx(0.06, abs=0.02))
