"""Whatever fills, misses, stops or restarts: a hybrid basket ends even, or says what is left."""

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dutchbook.state.invariants import invariants
from unit.execution.floor import Story

ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
KEYS = (("polymarket:A", "polymarket:B"), ("kalshi:K", "polymarket:B"), ("kalshi:K", "kalshi:L"),
        ("polymarket:A", "kalshi:K", "polymarket:B"))  # fmt: skip
FATES = ["fill", "none", "half", "reject", "mute", "mute_half", "lost", "late", "twice"]


class Hybrid(RuleBasedStateMachine):
    """One basket; everything that can happen to it, in any order."""

    @initialize(
        keys=st.sampled_from(KEYS), style=st.sampled_from(["hybrid", "hybrid", "limit"]),
        end=st.sampled_from(["cancel", "cross"]), post_only=st.booleans(),
        lead=st.sampled_from(["rest", "rest", "mute", "lost", "half", "twice"]),
    )  # fmt: skip
    def begin(self, keys, style, end, post_only, lead):
        self.story = Story(style=style, at_deadline=end, post_only=post_only)
        for venue in self.story.venues.values():
            venue.next.append(lead)
        px = {2: 45, 3: 30}[len(keys)]
        self.story.offer(*((key, px, 20 + 40 * n) for n, key in enumerate(keys)))
        for venue in self.story.venues.values():
            venue.next.clear()

    def resting(self):
        venues = self.story.venues.values()
        return [held.order.id for venue in venues for held in venue.orders.values() if held.left]

    @rule(cents=st.integers(1, 2_500), heard=st.booleans(), n=st.integers(0, 2))
    def hit(self, cents, heard, n):
        """A resting order is filled by any number of lots; the message may be lost."""
        names = self.resting()
        if names:
            name = names[n % len(names)]
            fills = self.story.venue_of(name).hit(name, cents * 10_000, self.story.now)
            if heard:
                self.story.hear(*fills)

    @rule(venue=st.sampled_from(["kalshi", "polymarket"]), fate=st.sampled_from(FATES))
    def next_order(self, venue, fate):
        self.story.venues[venue].next.append(fate)

    @rule(venue=st.sampled_from(["kalshi", "polymarket"]), contracts=st.integers(0, 2_000))
    def next_partial(self, venue, contracts):
        self.story.venues[venue].next.append(contracts * 10_000)

    @rule(millis=st.sampled_from([1, 60, 300, 1_000, 2_500]))
    def wait(self, millis):
        self.story.wait(millis)

    @rule(down=st.sampled_from([0, 100, 3_000]))
    def crash(self, down):
        self.story.crash(down)

    @rule(verb=st.sampled_from(["pause", "halt", "resume"]))
    def stop(self, verb):
        self.story.say(verb, *(["admin", "a reason"] if verb == "resume" else []))

    @rule(deaf=st.booleans())
    def silence(self, deaf):
        for venue in self.story.venues.values():
            venue.deaf = deaf

    @rule(ask=st.integers(20, 60), n=st.integers(0, 2))
    def move(self, ask, n):
        """A book moves."""
        places = list(self.story.view.asks)
        place = places[n % len(places)]
        self.story.view.asks[place] = [(ask, 500)]
        self.story.view.pays[place] = [(ask - 2, 500)]

    @precondition(lambda self: hasattr(self, "story"))
    @invariant()
    def sound(self):
        """Money is conserved, nothing is sent twice, and never more is held than was decided."""
        story = self.story
        assert invariants(story.account) == []
        assert len({order.id for order in story.sent}) == len(story.sent)
        for basket in story.account.baskets.values():
            for leg in basket.begun.legs:
                assert story.account.held(leg.key, leg.outcome) <= basket.begun.qty
        for venue in story.venues.values():
            assert all(count == 1 for count in venue.arrived.values())

    def teardown(self):
        """Venues answer again, then time passes: all is even or told."""
        if not hasattr(self, "story"):
            return
        story = self.story
        for venue in story.venues.values():
            venue.deaf = False
            venue.next.clear()
        story.wait(120_000)
        assert story.wrong() == []


TestHybrid = Hybrid.TestCase
TestHybrid.settings = settings(
    max_examples=2_000 if ALL else 60, stateful_step_count=30 if ALL else 15,
    suppress_health_check=list(HealthCheck), derandomize=not ALL,
)  # fmt: skip
