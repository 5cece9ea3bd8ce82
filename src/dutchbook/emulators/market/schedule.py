"""When plants come: an endless schedule by seed, or the one of a plants file, checked first."""

from collections.abc import Mapping
from random import Random

from dutchbook.domain.units import MILLI, ONE, SECOND
from dutchbook.emulators.market.planter import Planter
from dutchbook.emulators.market.plantfile import KINDS, PlantError, PlantSpec
from dutchbook.emulators.market.relations import Basket
from dutchbook.emulators.market.shaping import Wish

MISSES = (
    ("fees", "cross_venue"), ("thin", "bundle_yes"), ("other", "bundle_yes"),
    ("unapproved", "cross_venue"), ("stale", "cross_venue"), ("fees", "complement"),
    ("thin", "implication"), ("unapproved", "implication"), ("fees", "bundle_yes"),
    ("thin", "complement"), ("stale", "bundle_yes"), ("fees", "implication"),
    ("other", "bundle_yes"), ("thin", "cross_venue"), ("stale", "implication"),
)  # fmt: skip


class Deck:
    """Draws cards by seed so that each comes equally often."""

    def __init__(self, cards: tuple[tuple[str, str], ...], rng: Random) -> None:
        self._cards = cards
        self._rng = rng
        self._left: list[tuple[str, str]] = []

    def draw(self) -> tuple[str, str]:
        """(near miss or "", kind)."""
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()


PLANTS = tuple(("", kind) for kind in KINDS)


def wish(miss: str, rng: Random) -> Wish:
    """What a plant of the own schedule shall be worth."""
    size = rng.choice((20, 25, 30, 50, 75, 100, 150, 250)) * ONE
    if rng.random() < 0.2:
        size += rng.randrange(1, 100) * 10_000
    if miss == "fees":
        return Wish(rng.randrange(-8_000, 2_000), size, miss)
    if miss == "thin":
        return Wish(rng.randrange(32_000, 50_000), rng.randrange(100, 300) * 10_000, miss)
    return Wish(rng.randrange(36_000, 60_000), size, miss)


def pause(rng: Random) -> int:
    """Nanoseconds from one plant of the own schedule to the next."""
    return rng.randrange(1_800, 3_200) * MILLI


def lasting(rng: Random) -> int:
    """Nanoseconds that a plant of the own schedule stands."""
    return rng.randrange(3_000, 8_000) * MILLI


def basket_of(spec: PlantSpec, planter: Planter, markets: Mapping[str, object]) -> Basket:
    """The basket whose legs are those of the plant. Raises PlantError if no relation has them."""
    for n, (key, _) in enumerate(spec.legs):
        if key not in markets:
            raise PlantError(spec.id, f"legs[{n}].market", f"unknown market {key}")
    wanted = frozenset(spec.legs)
    for basket in planter.candidates(spec.kind, spec.near_miss or ""):
        if frozenset(basket.legs) == wanted:
            return basket
    what = "no relation of this kind supports these legs"
    if spec.near_miss in ("other", "unapproved", "stale"):
        what = f'no near miss "{spec.near_miss}" is possible on these legs'
    raise PlantError(spec.id, "legs", what)


def check_misses(spec: PlantSpec, planter: Planter) -> None:
    """Refuse a combination of kind, near miss, edge and size that can't be. Raises PlantError."""
    miss = spec.near_miss or ""
    if not planter.candidates(spec.kind, miss):
        raise PlantError(spec.id, "near_miss", f'"{miss}" is not possible for {spec.kind}')
    if miss == "fees" and spec.edge >= 10_000:
        raise PlantError(spec.id, "edge", "one eaten by fees earns less than 0.01")
    if miss == "thin" and spec.size >= 5 * ONE:
        raise PlantError(spec.id, "size", "a thin one is smaller than 5 contracts")
    if miss not in ("fees",) and spec.edge < 30_000:
        raise PlantError(spec.id, "edge", "expected at least 0.03, clear of the threshold")
    if not miss and spec.size < 5 * ONE:
        raise PlantError(spec.id, "size", "expected at least 5 contracts")


def check_overlaps(chosen: list[tuple[PlantSpec, list[str]]]) -> None:
    """Two plants may not stand on related markets at once. Raises PlantError."""
    busy: dict[str, list[PlantSpec]] = {}
    for spec, clusters in chosen:
        for name in clusters:
            for other in busy.setdefault(name, []):
                if (
                    spec.start <= other.start + other.duration
                    and other.start <= spec.start + spec.duration
                ):
                    raise PlantError(
                        spec.id, "start_s", f"stands at the same time as {other.id}, related to it"
                    )
            busy[name].append(spec)


RETRY = SECOND // 4
"""A plant of the file that finds no place tries again so much later."""
