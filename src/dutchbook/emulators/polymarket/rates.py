"""What one signer may send to the pretend Polymarket: two token buckets, told in headers."""

from typing import Final, Literal, NamedTuple

from dutchbook.domain.units import SECOND, ceil_div
from dutchbook.emulators.wire.limits import TokenBucket
from dutchbook.emulators.wire.rest import Ask, Refusal

Bucket = Literal["order", "cancel"]


class Tier(NamedTuple):
    """A second's tokens, and the most that can be saved."""

    name: str
    order: tuple[int, int]
    cancel: tuple[int, int]


TIERS: Final = (
    Tier("standard", (40, 60), (80, 120)),
    Tier("copper", (60, 90), (120, 180)),
    Tier("bronze", (80, 120), (160, 240)),
    Tier("silver", (200, 300), (400, 600)),
    Tier("gold", (400, 600), (800, 1_200)),
    Tier("platinum", (450, 675), (900, 1_350)),
    Tier("diamond", (525, 787), (1_050, 1_575)),
    Tier("elite", (600, 900), (1_200, 1_800)),
)


class Rates:
    """`warns`: nothing is refused, a header says what would have been."""

    def __init__(self) -> None:
        self.tier = TIERS[0]
        self.warns = False
        self._buckets: dict[tuple[str, Bucket], TokenBucket] = {}

    def change(self, tier: Tier) -> None:
        """Another tier, with full buckets."""
        self.tier = tier
        self._buckets.clear()

    def take(self, signer: str, bucket: Bucket, cost: int, ask: Ask) -> None:
        """Admit a request whole, or raise Refusal 429; the answer's headers tell what is left."""
        tokens = self._bucket(signer, bucket)
        admitted = tokens.take(cost, ask.now)
        self._say(tokens, 0 if admitted else cost, ask)
        if admitted:
            return
        ask.said["Poly-RateLimit-Warning"] = str(self.warns).lower()
        if not self.warns:
            wait = max(1, ceil_div(tokens.wait(cost), SECOND))
            ask.said["Retry-After"] = str(wait)
            raise Refusal(429, {"error": "Too Many Requests"})

    def charge(self, signer: str, bucket: Bucket, cost: int, ask: Ask) -> None:
        """Take what a request turned out to cost, even if that is more than there is."""
        tokens = self._bucket(signer, bucket)
        tokens.charge(cost, ask.now)
        self._say(tokens, 0, ask)

    def _bucket(self, signer: str, bucket: Bucket) -> TokenBucket:
        found = self._buckets.get((signer, bucket))
        if found is None:
            rate = self.tier.order if bucket == "order" else self.tier.cancel
            found = self._buckets[signer, bucket] = TokenBucket(*rate)
        return found

    def _say(self, tokens: TokenBucket, cost: int, ask: Ask) -> None:
        ask.said["Poly-RateLimit-Remaining"] = str(max(0, tokens.left))
        ask.said["Poly-RateLimit-Reset"] = str(ceil_div(ask.now + tokens.wait(cost), SECOND))
        ask.said["Poly-RateLimit-Tier"] = self.tier.name
