"""The scan names exactly what a look at every candidate would, and decides the same Steps."""

import hypothesis.strategies as st
from hypothesis import given, settings
from story import CENTS, KALSHI, LOT, POLY, Story, book, both, effects, kalshi, poly

from dutchbook.domain.digest import canonical
from dutchbook.domain.effects import AskCheck
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    FeedDown,
    FeedGap,
    FeedUp,
    GridChanged,
    StatusChanged,
)
from dutchbook.domain.instrument import MILL
from dutchbook.engine.engine import Engine
from dutchbook.engine.survey import SLICE, Survey
from dutchbook.engine.whynot import RANK
from dutchbook.optimize.walk import gross
from dutchbook.strategies.bundle import Bundle
from dutchbook.strategies.complement import Complement
from dutchbook.strategies.cross_venue import CrossVenue
from dutchbook.strategies.implication import Implication

KEYS = ("kalshi:A", "kalshi:B", "kalshi:C", "polymarket:D", "polymarket:E", "polymarket:F")


class Patient(Engine):
    """The naive twin: looks at every candidate every second."""

    def _survey(self, notes):
        wanted = []
        for candidate in self.candidates.values():
            stale = self.view.why_stale(candidate)
            if not stale:
                self.whynot.reach(candidate.key, RANK["gross"])
            elif stale == "silent" and gross(candidate, self.view) > 0:
                wanted += [leg[0] for leg in candidate.legs]
            self._consider(candidate, notes)
        self.world.checks.ask(list(dict.fromkeys(wanted)), self.view.now)


def whole_house(kind=Engine):
    story = Story(kind([Complement(), Bundle(), CrossVenue(), Implication()]))
    for key in KEYS:
        venue, name = key.split(":")
        story.markets(kalshi(name, "kalshi:EV") if venue == "kalshi" else poly(name))
    story.group("kalshi:EV", KEYS[:3])
    story.group("polymarket:EV", KEYS[3:])
    story.link("same", KEYS[0], KEYS[3])
    story.link("implies", KEYS[1], KEYS[4])
    story.link("opposite", KEYS[2], KEYS[5])
    return story


sides = st.lists(
    st.tuples(st.sampled_from((BID, ASK)), st.integers(1, 99), st.integers(0, 40)),
    max_size=4, unique_by=lambda level: level[:2],
)  # fmt: skip


@st.composite
def happenings(draw):
    """One thing that happens, as (what, ...) so that two engines can be told the same."""
    what = draw(st.sampled_from(("book",) * 10 + ("wait",) * 5 + ("grid", "status", "gap", "drop")))
    key = draw(st.sampled_from(KEYS))
    stream = KALSHI if key.startswith("kalshi") else POLY
    if what == "wait":
        return draw(st.sampled_from((250, 1_000, 1_250, 11_000)))
    if what == "grid":
        return [GridChanged(key, MILL)]
    if what == "status":
        return [StatusChanged(key, draw(st.sampled_from(("open", "paused", "closed"))))]
    if what == "gap":
        return [FeedGap(stream, "seq", key, 1, 2, (key,))]
    if what == "drop":
        return [FeedDown(stream, "cut"), FeedUp(stream)]
    levels = [(side, px * CENTS, size * LOT) for side, px, size in draw(sides)]
    tokens = (0,) if stream == KALSHI else draw(st.sampled_from(((0,), (1,), (0, 1))))
    snapshot = draw(st.integers(0, 3)) > 0
    return [BookLevels(key, token, stream, snapshot, False, levels) for token in tokens]


@settings(max_examples=80)
@given(told=st.lists(happenings(), min_size=5, max_size=40))
def test_the_same_steps_as_a_look_at_everything(told):
    ours, twin = whole_house(), whole_house(Patient)
    for what in told:
        for story in (ours, twin):
            if isinstance(what, int):
                story.wait(what)
            else:
                story.tell(*what)
        engine = ours.engine
        named = Survey(list(engine.candidates.values()), engine.world, engine.whynot.was_fresh).due(
            {}
        )
        assert named == [c for c in engine.candidates.values() if gross(c, engine.view) > 0]
        assert engine._looked.due({}) == named
    assert list(map(canonical, ours.steps)) == list(map(canonical, twin.steps))
    assert ours.engine.why() == twin.engine.why()


def test_a_leg_that_nobody_sells_costs_a_dollar_and_no_more():
    """Three NOs pay $2: with two of them at 30 cents, even $1 for the third leaves 40 cents."""
    story = whole_house()
    story.tell(book("kalshi:A", 70, 100), book("kalshi:B", 70, 100), book("kalshi:C", 0, 20))
    story.wait(250)
    keys = [candidate.key for candidate in story.engine._looked.due({})]
    assert keys == ["bundle_no:kalshi:EV"]
    assert gross(story.engine.candidates[keys[0]], story.engine.view) == 40 * CENTS


def test_warm_ones_are_looked_at_in_the_order_of_the_index():
    story = whole_house()
    story.tell(*both("polymarket:D", 40, 41), book("kalshi:A", 50, 51))
    story.wait(250)
    engine = story.engine
    (paying,) = engine._looked.due({})
    order = list(engine.candidates)
    warm = dict.fromkeys((order[-1], paying.key, order[0]))
    assert [c.key for c in engine._looked.due(warm)] == sorted(warm, key=order.index)


def test_what_pays_on_a_silent_feed_is_asked_about():
    story = whole_house()
    story.tell(*both("polymarket:D", 40, 41), book("kalshi:A", 50, 51))
    story.wait(9_000)
    before = len(effects(story.steps, AskCheck))
    story.wait(3_000)
    asked = [key for ask in effects(story.steps, AskCheck)[before:] for key in ask.keys]
    assert sorted(asked) == ["kalshi:A", "polymarket:D"]


def test_the_funnel_counts_fresh_ones_a_slice_a_second():
    """Markets that cost more than they pay are never considered, yet their freshness is counted."""
    story = Story(Engine([Complement()]))
    names = [f"M{n:04}" for n in range(SLICE + 20)]
    story.markets(*(poly(name) for name in names))
    for name in names[1:]:
        story.tell(*both(f"polymarket:{name}", 40, 60))
    story.wait(300)
    assert story.engine.why()["funnel"]["fresh"] == SLICE - 1
    story.wait(1_000)
    assert story.engine.why()["funnel"]["fresh"] == SLICE + 19
    assert story.engine.why()["funnel"]["gross"] == 0
    story.tell(*both(f"polymarket:{names[0]}", 40, 60))
    story.wait(1_000)
    assert story.engine.why()["funnel"]["fresh"] == SLICE + 20
