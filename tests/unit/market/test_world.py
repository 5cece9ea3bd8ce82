"""The generated world holds what it promises: books sound, nothing pays but what was planted."""

import sys
from collections import Counter, deque
from itertools import groupby
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "checker"))

from check_money import ONE, best_net_edge, net_edge

from dutchbook.domain.events import ASK, BID
from dutchbook.domain.instrument import on_grid
from dutchbook.emulators.market import World

SECOND = 1_000_000_000
START = 1_795_000_000 * SECOND


class Watcher:
    """Rebuilds every book from the updates alone and looks for baskets that pay."""

    def __init__(self, world):
        self.world = world
        self.books = {
            (key, token, side): dict(world.ladder(key, token, side))
            for key in world.markets
            for token in (0, 1)
            for side in (BID, ASK)
        }
        self.rows = world.drain_truth()
        self.market = {row["market"]: row for row in self.rows if row["what"] == "market"}
        self.baskets = self.true_baskets()
        self.near = {key: [] for key in world.markets}
        for basket in self.baskets:
            for key in {key for key, _ in basket[0]}:
                self.near[key].append(basket)
        self.live = {}
        self.paused = set()

    def true_baskets(self):
        found = [(((key, 0), (key, 1)), ONE) for key in self.world.markets]
        true = [row for row in self.rows if row["what"] == "relation" and row["true"]]
        whole = {tuple(row["members"]) for row in true if row["kind"] == "exhaustive"}
        for row in true:
            ids = row["members"]
            if row["kind"] == "same":
                a, b = ids
                found += [(((a, 0), (b, 1)), ONE), (((a, 1), (b, 0)), ONE)]
            elif row["kind"] == "opposite":
                a, b = ids
                found += [(((a, 0), (b, 0)), ONE), (((a, 1), (b, 1)), ONE)]
            elif row["kind"] == "implies":
                found.append((((ids[0], 1), (ids[1], 0)), ONE))
            elif row["kind"] == "exclusive" and len(ids) > 1:
                found.append((tuple((key, 1) for key in ids), (len(ids) - 1) * ONE))
                if tuple(ids) in whole:
                    found.append((tuple((key, 0) for key in ids), ONE))
        return found

    def offers(self, key, outcome):
        if key.startswith("polymarket:"):
            return self.books[key, outcome, ASK]
        return {ONE - px: size for px, size in self.books[key, 1 - outcome, BID].items()}

    def edge(self, legs, payout, least):
        return best_net_edge(
            [(self.market[key], self.offers(key, n)) for key, n in legs], payout, least
        )

    def gross(self, legs, payout):
        ladders = [self.offers(key, n) for key, n in legs]
        return payout - sum(map(min, ladders)) if all(ladders) else -ONE

    def apply(self, update):
        for c in update.changes:
            assert c.key == update.key
            levels = self.books[c.key, c.token, c.side]
            assert levels.get(c.px, 0) == c.old != c.new >= 0
            assert c.new % 10_000 == 0 and on_grid(self.world.markets[c.key].grid, c.px)
            if c.new:
                levels[c.px] = c.new
            else:
                del levels[c.px]
            if c.key.startswith("kalshi:"):
                assert c.side == BID
                self.uncrossed(c.key)  # each change is a frame of its own there
        if update.status:
            (self.paused.add if update.status == "paused" else self.paused.discard)(update.key)
        self.uncrossed(update.key)

    def uncrossed(self, key):
        if key.startswith("kalshi:"):
            yes, no = self.books[key, 0, BID], self.books[key, 1, BID]
            assert not yes or not no or max(yes) + max(no) < ONE, key
            return
        for token in (0, 1):
            bids, asks = self.books[key, token, BID], self.books[key, token, ASK]
            assert not bids or not asks or max(bids) < min(asks), key

    def mirrored(self, key):
        for side in (BID, ASK):
            twin = {ONE - px: size for px, size in self.books[key, 1, 1 - side].items()}
            assert self.books[key, 0, side] == twin, key

    def truth(self):
        """The truth lines of what has just been advanced, as (time, what to do)."""
        return [(row.get("start") or row["at"], row) for row in self.world.drain_truth()]

    def turn(self, row):
        if row["what"] == "plant":
            legs = tuple((x["market"], ("yes", "no").index(x["outcome"])) for x in row["legs"])
            self.live[row["id"]] = (row, legs)
        else:
            del self.live[row["id"]]

    def planted(self, legs):
        return any(set(legs) == set(own) for _, own in self.live.values())

    def look(self, keys):
        """Nothing pays on these markets: not even gross, beside a plant not net."""
        shifted = {key for _, legs in self.live.values() for key, _ in legs}
        for key in keys:
            for legs, payout in self.near[key]:
                if self.planted(legs) or self.gross(legs, payout) <= 0:
                    continue
                assert any(k in shifted for k, _ in legs), ("accident", legs)
                assert (self.edge(legs, payout, ONE) or -1) <= 0, ("collateral", legs)

    def judge_live(self):
        """Every plant that stands is worth what it says, every near miss what its name says."""
        for row, legs in self.live.values():
            best = self.edge(legs, row["payout"], 5 * ONE)
            own = [(self.market[key], self.offers(key, n)) for key, n in legs]
            assert net_edge(own, row["payout"], row["size"]) >= row["edge"], row
            if row["near_miss"] in ("fees", "thin"):
                assert best is None or best < 10_000, row
                assert self.gross(legs, row["payout"]) > 0, row
            else:
                assert best >= 30_000, row
            if row["near_miss"] == "stale":
                assert self.paused & {key for key, _ in legs}, row
            if row["near_miss"] is None:
                assert row["edge"] >= 30_000 and row["size"] >= 20 * ONE, row
                assert not self.paused & {key for key, _ in legs}, row
                assert row["collateral"] == []


@pytest.mark.parametrize("seed", range(5))
def test_nothing_pays_but_what_was_planted(seed):
    """Forty virtual seconds, after every update by brute force over every true relation."""
    world = World(seed, START)
    watch = Watcher(world)
    watch.look(world.markets)
    for step in range(40 * 4):
        updates = world.advance(START + step * SECOND // 4)
        turns = watch.truth()
        for at, moment in groupby(updates, key=lambda update: update.at):
            while turns and turns[0][0] <= at:
                watch.turn(turns.pop(0)[1])
            keys = set()
            for update in moment:
                watch.apply(update)
                keys.add(update.key)
            watch.look(keys)
        if step % 2 == 0:
            watch.judge_live()
    assert all(
        watch.books[key, token, side] == world.ladder(key, token, side)
        for key in world.markets
        for token in (0, 1)
        for side in (BID, ASK)
    )
    broken = {
        k for row, legs in watch.live.values() if row["kind"] == "complement" for k, _ in legs
    }
    for key in world.markets:
        if key.startswith("polymarket:") and key not in broken:
            watch.mirrored(key)


@pytest.mark.parametrize("seed", [3, 11])
def test_the_rates_are_as_promised(seed):
    """Two virtual minutes: updates, plants of every kind, near misses with every reason."""
    world = World(seed, START)
    count = sum(len(world.advance(START + s * SECOND)) for s in range(1, 121))
    assert 300 * 120 < count < 600 * 120
    plants = [row for row in world.drain_truth() if row["what"] == "plant"]
    true = Counter(row["kind"] for row in plants if row["near_miss"] is None)
    assert 40 <= sum(true.values()) <= 65
    assert set(true) == {"complement", "bundle_yes", "bundle_no", "cross_venue", "implication"}
    assert min(true.values()) >= 6
    missed = Counter(row["near_miss"] for row in plants if row["near_miss"])
    assert set(missed) == {"fees", "other", "unapproved", "thin", "stale"}
    venues = Counter(
        frozenset(leg["market"].partition(":")[0] for leg in row["legs"])
        for row in plants
        if row["near_miss"] is None
    )
    assert len(venues) == 3


def test_how_often_it_is_asked_does_not_matter():
    """A seed gives the same world in one leap or in many steps; another gives another."""
    leap, steps, other = World(5, START), World(5, START), World(6, START)
    small = []
    for tenth in range(1, 301):
        small += steps.advance(START + tenth * SECOND // 10)
    assert leap.advance(START + 30 * SECOND) == small
    assert leap.drain_truth() == steps.drain_truth()
    assert other.advance(START + 30 * SECOND) != small


def test_the_catalogue_has_what_the_venues_have():
    """Enough markets, all event sizes, several grids, fee kinds and an open Other or two."""
    world = World(1, START)
    assert len(world.markets) >= 430
    sizes = {len(event.members) for event in world.events.values() if event.exclusive}
    assert {2, 3, 4, 5, 40} <= sizes
    assert {m.tick for m in world.markets.values() if m.tokens[0]} == {1000, 2500, 5000, 10000}
    assert {m.structure for m in world.markets.values()} == {
        "", "linear_cent", "deci_cent", "tapered_deci_cent",
    }  # fmt: skip
    assert {s.fee_type for s in world.series.values()} == {
        "quadratic", "quadratic_with_maker_fees",
    }  # fmt: skip
    assert {s.fee_multiplier for s in world.series.values()} == {500_000, 1_000_000}
    assert {0, 40_000, 50_000, 70_000} == {
        m.fees.taker for m in world.markets.values() if m.venue == "polymarket"
    }
    assert any(event.augmented for event in world.events.values())
    assert any(m.other for m in world.markets.values())
    spans = [(m.closes - START) // (86_400 * SECOND) for m in world.markets.values()]
    assert min(spans) <= 2 and max(spans) >= 200
    assert len({m.symbol for m in world.markets.values()}) == len(world.markets)
    decoys = [link for link in world.links() if not link["approved"]]
    assert {link["kind"] for link in decoys} == {"same", "implies"} and len(decoys) >= 12


@pytest.mark.parametrize("seed", [200, 203])
def test_a_feed_that_stands_still_shows_nothing_that_is_not_there(seed):
    """Books up to ten seconds old beside new ones: no basket reaches the threshold by that."""
    world = World(seed, START)
    watch = Watcher(world)
    past, plants = deque(maxlen=11), {}
    for second in range(45):
        now = START + second * SECOND
        for update in world.advance(now):
            watch.apply(update)
        for at, row in watch.truth():
            watch.turn(row)
            if row["what"] == "plant":
                plants[row["id"]] = [frozenset(watch.live[row["id"]][1]), 1 << 62]
            else:
                plants[row["id"]][1] = at
        past.append({(k, n): dict(watch.offers(k, n)) for k in world.markets for n in (0, 1)})
        recent = [legs for legs, end in plants.values() if end > now - 11 * SECOND]
        for legs, payout in watch.baskets if second > 11 else ():
            if legs[0][0] == legs[1][0] or frozenset(legs) in recent:
                continue  # both sides of one market come in the same message
            views = [[seen[leg] for seen in (past[0], past[5], past[-1])] for leg in legs]
            oldest = [min((o for o in view if o), key=min, default={}) for view in views]
            if not all(oldest) or payout - sum(map(min, oldest)) < 10_000:
                continue
            ladders = [(watch.market[k], o) for (k, _), o in zip(legs, oldest, strict=True)]
            edge = best_net_edge(ladders, payout, 5 * ONE)
            assert edge is None or edge < 20_000, legs
