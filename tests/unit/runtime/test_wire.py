"""The last gate before the wire, and what the engine is told of orders that it held back."""

from pathlib import Path

import pytest

from dutchbook.domain.account_events import CancelFailed, OrderRejected, OrderSent, OrderUnknown
from dutchbook.domain.effects import Alert, AmendOrder, CancelOrder, SubmitOrder, SubmitOrders
from dutchbook.domain.orders import Order
from dutchbook.domain.units import SECOND, Ns, Px, Qty
from dutchbook.runtime.wire import Wire
from dutchbook.runtime.wiregate import KILL_FILE, WireGate
from dutchbook.state.account import Account


def order(name: str, **changes: object) -> Order:
    fields = {
        "id": name, "venue": "kalshi", "account": "us", "key": "kalshi:A", "outcome": "yes",
        "action": "buy", "px": Px(440_000), "qty": Qty(5_000_000), "tif": "ioc",
        "made_at": Ns(1), "purpose": "leg",
    }  # fmt: skip
    return Order(**(fields | changes))  # type: ignore[arg-type]


class Driver:
    def __init__(self) -> None:
        self.done: list[object] = []

    def do(self, effect: object) -> None:
        self.done.append(effect)


class Story:
    def __init__(self, folder: Path) -> None:
        self.now = 0
        self.gate = WireGate(folder, lambda: Ns(self.now))
        self.driver, self.told = Driver(), []
        self.wire = Wire(self.gate, {"kalshi": self.driver}, self.told.append)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_an_order_leaves_once_and_is_said_to_be_leaving(story: Story) -> None:
    sent = SubmitOrder(order("a"))
    story.wire.carry(sent)
    assert (story.driver.done, story.told) == ([sent], [OrderSent("a")])


def test_an_id_leaves_twice_only_where_that_is_meant(story: Story) -> None:
    """I10: orders on the wire never outnumber what was decided."""
    story.wire.carry(SubmitOrder(order("a")))
    story.wire.carry(SubmitOrder(order("a")))
    story.wire.carry(SubmitOrders("kalshi", (order("b"), order("a"))))
    again = SubmitOrder(order("a"), again=True)
    story.wire.carry(again)
    assert [type(effect) for effect in story.driver.done] == [SubmitOrder, SubmitOrder]
    assert story.driver.done[1] is again
    why = "this id was sent before"
    assert story.told == [
        OrderSent("a"), OrderUnknown("a", f"not sent again: {why}"),
        OrderRejected("b", "not_sent", why), OrderUnknown("a", f"not sent again: {why}"),
        OrderSent("a"),
    ]  # fmt: skip


def test_what_is_held_back_the_second_time_is_no_refusal_of_the_first(story: Story) -> None:
    """It may rest at the venue: given up here, it would be in no limit any more."""
    account = Account()
    sent = SubmitOrder(order("a"))
    account.record(sent, Ns(1))
    for effect in (sent, sent):
        story.wire.carry(effect)
    for at, event in enumerate(story.told, 2):
        assert account.apply(event, Ns(at), at) == []
    assert (account.orders["a"].state, account.reserved("kalshi")) == ("unknown", 2_200_000)


def test_a_sale_that_only_reduces_leaves_after_a_kill_if_it_ends_at_once(
    story: Story, tmp_path: Path
) -> None:
    """As the gate says: a person may sell what is held by hand; nothing of it may rest."""
    (tmp_path / KILL_FILE).write_text("")
    hand = {"purpose": "manual", "action": "sell"}
    story.wire.carry(SubmitOrder(order("a", reduce_only=True, **hand)))
    story.wire.carry(SubmitOrder(order("b", reduce_only=True, **hand | {"tif": "gtc"})))
    story.wire.carry(SubmitOrder(order("c", **hand)))
    story.wire.carry(SubmitOrder(order("d", reduce_only=True, purpose="manual")))
    assert [effect.order.id for effect in story.driver.done] == ["a"]


def test_after_the_kill_file_stands_only_what_reduces_leaves(story: Story, tmp_path: Path) -> None:
    (tmp_path / KILL_FILE).write_text("")
    story.wire.carry(SubmitOrder(order("a")))
    story.wire.carry(SubmitOrder(order("b", purpose="unwind")))
    story.wire.carry(SubmitOrder(order("c", purpose="unwind", action="sell")))
    story.wire.carry(AmendOrder(order("a"), "v1", Px(1), Qty(1)))
    story.wire.carry(CancelOrder(order("a"), "v1", "killed"))
    done = [effect.order.id for effect in story.driver.done]
    assert done == ["c", "a"] and type(story.driver.done[1]) is CancelOrder
    assert story.told == [
        OrderRejected("a", "not_sent", "killed"),
        OrderRejected("b", "not_sent", "killed"),
        OrderSent("c"),
        CancelFailed("a", "killed"),
    ]


def test_a_directory_that_is_gone_counts_as_killed(tmp_path: Path) -> None:
    """I24: what can't be read halts."""
    assert WireGate(tmp_path / "gone", lambda: Ns(0)).killed()
    assert not WireGate(tmp_path, lambda: Ns(0)).killed()


def test_a_process_that_stood_still_sends_nothing_until_it_runs_again(story: Story) -> None:
    """F9: after a stop of a minute every book is old."""
    story.now = 60 * SECOND
    story.wire.carry(SubmitOrder(order("a")))
    assert story.told == [OrderRejected("a", "not_sent", "the process stood still")]
    assert story.gate.beat() == 60 * SECOND
    story.wire.carry(SubmitOrder(order("b")))
    assert [effect.order.id for effect in story.driver.done] == ["b"]


def test_without_a_connection_nothing_leaves_and_alerts_are_kept(story: Story) -> None:
    story.wire.carry(SubmitOrder(order("a", venue="polymarket")))
    story.wire.carry(Alert("critical", "x", "look"))
    assert story.driver.done == []
    assert story.told == [OrderRejected("a", "not_sent", "its venue is not connected")]
    assert [alert.text for alert in story.wire.alerts] == ["look"]
