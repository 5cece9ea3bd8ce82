"""How one generated book moves when nobody plants anything: sizes, levels, trades, new fairs."""

from random import Random

from dutchbook.domain.units import ONE, SECOND, Ns
from dutchbook.emulators.market.cluster import Cluster
from dutchbook.emulators.market.grids import index_up, prices
from dutchbook.emulators.market.ladders import Ladders
from dutchbook.emulators.market.shapes import Change, SimMarket, Trade, Update

RATES = ((0.02, 0.15), (0.3, 0.8), (1.0, 2.0), (5.0, 8.0))
"""Updates a second of one market, lowest and highest, by its cluster's heat."""
LOT = 10_000


class Flow:
    """The maker of one market's book. Every offer costs at least the fair value plus `edge`."""

    def __init__(self, market: SimMarket, cluster: Cluster, rng: Random) -> None:
        self.market = market
        self.cluster = cluster
        self.ladders = Ladders(market.key, market.venue == "polymarket")
        low, high = RATES[cluster.heat]
        self.rate = rng.uniform(low, high)
        steps = prices(market.grid)
        fine = market.grid[0].step < 5_000
        self.edge = rng.choice((3_000, 5_000, 8_000) if fine else (4_000, 6_000, 10_000))
        self.depth = rng.randrange(4, 9 if len(cluster.states) > 12 else 14)
        self.stride = 1 if len(steps) < 250 else rng.choice((1, 2, 4))
        self.scale = rng.choice((30, 60, 150, 400))
        self.whole = rng.random() < 0.5
        self.trades = 0
        self._open(rng)

    def _open(self, rng: Random) -> None:
        changes: list[Change] = []
        for outcome in (0, 1):
            for px in self.wanted(outcome):
                self.ladders.put(outcome, px, self.draw(rng), changes)
        self.market.last = self.cluster.fair(self.market.key) // 10_000 * 10_000

    def fair(self, outcome: int) -> int:
        yes = self.cluster.fair(self.market.key)
        return ONE - yes if outcome else yes

    def floor(self, outcome: int) -> int:
        """No offer of the outcome may be cheaper than this."""
        return self.fair(outcome) + self.edge

    def wanted(self, outcome: int) -> tuple[int, ...]:
        """The prices at which this book likes to offer the outcome, best first."""
        steps = prices(self.market.grid)
        first = index_up(self.market.grid, self.floor(outcome))
        return steps[first : first + self.depth * self.stride : self.stride]

    def draw(self, rng: Random) -> int:
        """A size with a heavy tail, in hundredths of a contract, in many books whole ones."""
        size = self.scale * min(rng.paretovariate(1.3), 400.0)
        lots = int(size) * 100 if self.whole or rng.random() < 0.7 else int(size * 100)
        return max(lots, 100) * LOT

    def tick(self, rng: Random, at: Ns) -> Update | None:
        """The next thing that happens in this book; None if nothing does."""
        changes: list[Change] = []
        outcome = rng.randrange(2)
        wanted = self.wanted(outcome)
        dice = rng.random()
        if not wanted:
            return None
        if dice < 0.1:
            trade = self._trade(rng, outcome, changes)
            return Update(self.market.key, at, changes, trade) if trade else None
        if dice < 0.3:
            self._thin_out(rng, outcome, wanted, changes)
        elif dice < 0.5:
            best = next((px for px in wanted if px not in self.ladders.offers(outcome)), wanted[0])
            self.ladders.put(outcome, best, self.draw(rng), changes)
        else:
            self.ladders.put(outcome, rng.choice(wanted), self.draw(rng), changes)
        return Update(self.market.key, at, changes) if changes else None

    def _trade(self, rng: Random, outcome: int, changes: list[Change]) -> Trade | None:
        offers = self.ladders.offers(outcome)
        if not offers:
            return None
        px = min(offers)
        whole = rng.random() < 0.3 and len(offers) > 3
        qty = offers[px] if whole else min(offers[px], (1 + int(rng.expovariate(0.1))) * ONE)
        self.ladders.put(outcome, px, offers[px] - qty, changes)
        self.trades += 1
        self.market.last = ONE - px if outcome else px
        self.market.volume += qty
        return Trade(
            id=f"{rng.getrandbits(128):032x}",
            px=self.market.last,
            qty=qty,
            buy_yes=outcome == 0,
        )

    def _thin_out(
        self, rng: Random, outcome: int, wanted: tuple[int, ...], changes: list[Change]
    ) -> None:
        """Take a level away: one that lies too far out, else one of many."""
        offers = self.ladders.offers(outcome)
        far = [px for px in offers if px > wanted[-1]]
        if far:
            self.ladders.put(outcome, rng.choice(far), 0, changes)
        elif len(offers) > max(3, self.depth // 2):
            self.ladders.put(outcome, rng.choice(sorted(offers)), 0, changes)

    def retreat(self, at: Ns) -> Update | None:
        """After the fair value moved: take away every offer that has become too cheap."""
        changes: list[Change] = []
        for outcome in (0, 1):
            floor = self.floor(outcome)
            for px in [px for px in self.ladders.offers(outcome) if px < floor]:
                self.ladders.put(outcome, px, 0, changes)
        return Update(self.market.key, at, changes) if changes else None

    def refill(self, rng: Random, at: Ns) -> Update | None:
        """Some time after the fair value moved: offer again at the best wanted prices."""
        changes: list[Change] = []
        for outcome in (0, 1):
            offers = self.ladders.offers(outcome)
            for px in self.wanted(outcome)[:2]:
                if px not in offers:
                    self.ladders.put(outcome, px, self.draw(rng), changes)
        return Update(self.market.key, at, changes) if changes else None

    def stir(self, rng: Random, at: Ns, spared: frozenset[tuple[int, int]]) -> Update | None:
        """While the cluster holds a plant: change a size behind the best price, nothing else.

        `spared` are the planted (outcome, px) of this market.
        """
        outcome = rng.randrange(2)
        offers = self.ladders.offers(outcome)
        behind = [px for px in sorted(offers)[1:] if (outcome, px) not in spared]
        if not behind:
            return None
        changes: list[Change] = []
        self.ladders.put(outcome, rng.choice(behind), self.draw(rng), changes)
        return Update(self.market.key, at, changes) if changes else None


def wait(rng: Random, rate: float) -> int:
    """Nanoseconds until the next event of a Poisson process with `rate` per second."""
    return 1 + int(rng.expovariate(rate) * SECOND)
