"""What a strategy remembers of a market's day: volume, direction and price by quarter hours."""

from typing import Final

import msgspec

from dutchbook.domain.units import ONE, SECOND, Ns, Px, Qty, Usd, ceil_div

STEP: Final = 900 * SECOND
DAY_STEPS: Final = 96
HOUR_STEPS: Final = 4


class Bucket(msgspec.Struct, gc=False):
    """A quarter of an hour: dollars that takers paid, for YES and in all; last price of YES."""

    step: int
    spent: int = 0
    yes: int = 0
    px: int = -1


class Memory:
    """At most a day of one market, oldest first; quiet quarters take no room."""

    def __init__(self, now: Ns) -> None:
        self.since = now
        self._buckets: list[Bucket] = []

    def _at(self, now: Ns) -> Bucket:
        step = now // STEP
        buckets = self._buckets
        if not buckets or buckets[-1].step != step:
            buckets.append(Bucket(step, px=buckets[-1].px if buckets else -1))
            while len(buckets) > 1 and buckets[1].step <= step - DAY_STEPS:
                del buckets[0]  # the last one before the day says at what price it began
        return buckets[-1]

    def traded(self, now: Ns, px: Px, qty: Qty, buy_yes: bool) -> None:
        """A trade at a price in YES terms."""
        bucket = self._at(now)
        paid = (px if buy_yes else ONE - px) * qty // ONE
        bucket.spent += paid
        bucket.yes += paid if buy_yes else 0
        bucket.px = px

    def seen(self, now: Ns, px: int) -> None:
        """The middle of the book."""
        self._at(now).px = px

    def volume(self, now: Ns) -> Usd:
        """Dollars traded in the last 24 h, as far as we were there to see."""
        return Usd(sum(one.spent for one in self._within(now, DAY_STEPS)))

    def move(self, now: Ns, span: Ns) -> int | None:
        """Price now less the price `span` ago; None where that is not known."""
        then = now // STEP - ceil_div(span, STEP)
        before = [one.px for one in self._buckets if one.step <= then and one.px >= 0]
        if not before or now - self.since < span:
            return None
        return self._buckets[-1].px - before[-1]

    def last_hour(self, now: Ns) -> tuple[int, int, int]:
        """(dollars, of them for YES, price move) of the last hour, this quarter included."""
        hour = self._within(now, HOUR_STEPS)
        earlier = [one.px for one in self._buckets if one.step <= now // STEP - HOUR_STEPS]
        start = next((px for px in reversed(earlier) if px >= 0), -1)
        move = self._buckets[-1].px - start if start >= 0 and self._buckets else 0
        return sum(one.spent for one in hour), sum(one.yes for one in hour), move

    def spike(self, now: Ns, z: int) -> bool:
        """Whether the last hour's volume lies more than `z` (millionths) deviations above its own.

        Mean and deviation of the 23 hours before it, in whole numbers: with sums s and q of n
        hours, (v - s/n)^2 > z^2 (q/n - (s/n)^2) is (n v - s)^2 > z^2 (n q - s^2). False before
        there was a day to compare with.
        """
        if now - self.since < DAY_STEPS * STEP:
            return False
        step, hours = now // STEP, [0] * 24
        for one in self._within(now, DAY_STEPS):
            hours[(step - one.step) // HOUR_STEPS] += one.spent
        v, rest = hours[0], hours[1:]
        n, s, q = len(rest), sum(rest), sum(hour * hour for hour in rest)
        above = n * v - s
        return above > 0 and above * above * ONE * ONE > z * z * (n * q - s * s)

    def _within(self, now: Ns, steps: int) -> list[Bucket]:
        return [one for one in self._buckets if one.step > now // STEP - steps]
