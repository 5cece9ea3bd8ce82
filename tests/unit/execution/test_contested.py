"""Offers are there once: baskets that want the same ones go one after the other, and a basket of
many legs that falls short is repaired as a whole."""

from dutchbook.domain.step import Passed
from dutchbook.domain.units import ONE
from unit.execution.floor import Story

LEGS = [f"polymarket:{name}" for name in "ABCDEFGHJK"]


def test_two_baskets_do_not_count_on_the_same_offers():
    """A, B and C are being bought when A and B alone are found to pay, too: A is there once."""
    story = Story()
    story.venues["polymarket"].next.extend(["mute"] * 3)
    story.offer(("polymarket:A", 30, 100), ("polymarket:B", 30, 100), ("polymarket:C", 30, 100))
    story.offer(("polymarket:A", 30, 100), ("polymarket:B", 30, 100))
    assert [order[1] for order in story.orders()] == ["A", "B", "C"]
    why = [note.reason for note in story.notes if isinstance(note, Passed)]
    assert why == ["another basket takes the same offers"]
    story.wait(2_000)
    assert story.stages()[0][0] == "done"
    story.offer(("polymarket:A", 30, 100), ("polymarket:B", 30, 100))
    story.wait(2_000)
    assert [stage for stage, _ in story.stages()] == ["done", "done"]
    assert story.wrong() == []


def test_just_after_a_basket_the_book_may_still_show_what_it_took():
    story = Story()
    story.offer(("polymarket:A", 30, 100), ("polymarket:B", 30, 100), ("polymarket:C", 30, 100))
    assert story.stages() == [("done", "")]
    story.offer(("polymarket:A", 30, 100), ("polymarket:B", 30, 100))
    assert len(story.stages()) == 1
    story.wait(250)
    story.offer(("polymarket:A", 30, 100), ("polymarket:B", 30, 100))
    assert len(story.stages()) == 2
    assert story.wrong() == []


def test_a_book_that_has_not_changed_still_shows_what_was_taken():
    """In paper nobody takes the offers out of the book: they are bought once all the same."""
    story = Story(shown_ms=600_000)
    a, b = ("polymarket:A", 30, 100), ("polymarket:B", 30, 100)
    story.offer(a, b, ("polymarket:C", 30, 100))
    assert story.stages() == [("done", "")]
    story.wait(60_000)
    story.offer(a, b, anew=False)
    assert len(story.stages()) == 1, "the same books, a minute later"
    story.offer(a, b)
    assert len(story.stages()) == 2, "somebody offered anew"
    assert story.wrong() == []


def test_ten_legs_half_of_them_short_are_one_repair():
    """Eight legs came half; the first try to buy the rest finds nothing. That is one repair of
    six, not eight: it goes on, and ends with equal shares."""
    story = Story()
    venue = story.venues["polymarket"]
    venue.next.extend([50 * ONE] * 8 + ["fill"] * 2 + ["reject"] * 8)
    story.offer(*((key, 9, 100) for key in LEGS))
    story.wait(3_000)
    assert [stage for stage, _ in story.stages()] == ["done"]
    assert story.wrong() == []
