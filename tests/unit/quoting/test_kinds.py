"""Kinds of arbitrage under the manager, and quotes that rest on a linked market's price."""

from typing import Any

import msgspec

from dutchbook.domain.relations import Link
from dutchbook.domain.step import Passed
from dutchbook.domain.units import ONE
from dutchbook.execution.manager import Made, Params
from dutchbook.runtime import capacity
from dutchbook.runtime.bootstrap import builds
from dutchbook.strategies.maker import Maker
from dutchbook.strategies.maker_config import Config
from unit.execution.floor import Story
from unit.execution.test_sharing import bundle, found
from unit.quoting.street import KEY, OTHER, Street


def offered(story: Story, name: str) -> None:
    found(story, bundle(story, name, 20, 50, step=30))


def passed(story: Story) -> list[str]:
    return [note.reason for note in story.notes if isinstance(note, Passed)]


def test_a_kind_that_is_switched_off_is_not_traded_and_comes_back():
    story = Story()
    story.say("strategy", "disable", "bundle_yes")
    offered(story, "a")
    assert (list(story.account.baskets), passed(story)) == ([], ["its kind is switched off"])
    story.crash()
    story.wait(1_000)
    offered(story, "b")
    assert list(story.account.baskets) == [], "the switch holds over a restart"
    story.say("strategy", "enable", "bundle_yes")
    offered(story, "c")
    assert [one.begun.kind for one in story.account.baskets.values()] == ["bundle_yes"]


def test_a_budget_cuts_what_a_kind_may_hold_and_only_it():
    story = Story()
    story.say("strategy", "set", "bundle_yes", '{"budget": 30000000}')
    offered(story, "a")
    [one] = story.account.baskets.values()
    assert 25 * ONE < one.begun.capital <= 30 * ONE
    story.wait(500)
    offered(story, "b")
    assert sum(life.begun.capital for life in story.account.baskets.values()) <= 30 * ONE
    gate = story.trading.trader.desk.gate
    assert gate.budget("bundle_no") == gate.limits.per_strategy > gate.budget("bundle_yes")


def test_a_kind_may_need_more_edge_than_the_others():
    story = Story()
    proof = bundle(story, "a", 20, 50, step=30)
    story.say("strategy", "set", "bundle_yes", f'{{"edge_min": {proof.edge + 1}}}')
    found(story, proof)
    assert passed(story) == ["less edge than its kind needs"]
    story.say("strategy", "set", "bundle_yes", f'{{"edge_min": {proof.edge}}}')
    found(story, proof)
    assert len(story.account.baskets) == 1


def test_the_settings_say_which_kinds_work_and_a_reload_takes_commands_back():
    story = Story()
    manager = story.trading.trader.quoting.manager
    story.say("strategy", "disable", "complement")
    story.say("strategies", '{"off": ["bundle_yes"]}')
    assert not manager.enabled("bundle_yes")
    assert manager.enabled("complement")
    story.say("strategies", '{"off": ["bundles"]}')
    assert not manager.enabled("bundle_yes"), "what can't be changes nothing"
    offered(story, "a")
    assert list(story.account.baskets) == []


def test_capacity_is_size_by_edge():
    """$70 for what pays $100 is an edge of 30 %: it is in every row."""
    story = Story()
    offered(story, "a")
    story.wait(1_000)
    rows = capacity.of_baskets(story.account, "bundle_yes")
    assert [row["edge_min"] for row in rows] == list(capacity.EDGES)
    [one] = story.account.baskets.values()
    assert {(row["asked"], row["filled"]) for row in rows} == {
        (one.begun.capital, one.begun.capital)
    }
    assert capacity.table([(4_000, 10 * ONE, 0), (12_000, 5 * ONE, 5 * ONE)]) == [
        {"edge_min": 0, "orders": 2, "asked": 15 * ONE, "filled": 5 * ONE},
        {"edge_min": 5_000, "orders": 1, "asked": 5 * ONE, "filled": 5 * ONE},
        {"edge_min": 10_000, "orders": 1, "asked": 5 * ONE, "filled": 5 * ONE},
    ]


class Linked(Street):
    """A street on which the maker quotes KEY alone; OTHER is the same market elsewhere."""

    def __init__(self) -> None:
        super().__init__(enabled="maker")

    def start(self, state: bytes) -> None:
        def build(params: Params) -> Made:
            config = msgspec.convert(params, Config)
            maker = Maker(msgspec.structs.replace(config, markets_max=1, rebate=0))
            return Made(maker, config.budget)

        self.kinds: dict[str, Any] = {"maker": build}
        super().start(state)
        link = Link("same", "same", (KEY, OTHER), 1)
        self.books.approved = lambda: [link]  # type: ignore[method-assign]
        self.quoting.index(self.view)


def test_a_move_in_a_linked_market_moves_the_quotes_at_once():
    """Only KEY is quoted. The other goes from 40 to 60 cents: half of that is the fair value's."""
    street = Linked()
    street.move(KEY, 38, 42)
    assert {key for key, watch in street.quoting.watched.items() if watch.names} == {KEY}
    before = {slot: px for _, slot, _, _, px, _ in street.standing()}
    assert set(before) == {"bid", "ask"}
    sent = len(street.sent)
    street.move(OTHER, 58, 62)
    street.wait(100)
    after = {slot: px for _, slot, _, _, px, _ in street.standing()}
    assert after != before
    assert len(street.sent) > sent
    assert all(order.key == KEY for order in street.sent)


def test_every_strategy_of_the_settings_can_be_built():
    assert list(builds()) == [
        "maker", "longshot", "favourite", "overreaction", "recency", "time_decay",
        "complement", "bundle_yes", "bundle_no", "cross_venue", "implication", "combinatorial",
    ]  # fmt: skip
