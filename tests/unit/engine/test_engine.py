"""Stories of the engine: what it opens, what it refuses to read, and what it asks for."""

import msgspec
import pytest

from dutchbook.domain.effects import AskCheck, AskSnapshot
from dutchbook.domain.events import (
    ASK,
    BID,
    BookLevels,
    BookSeen,
    CheckFailed,
    FeedDown,
    FeedGap,
    FeedUp,
    OperatorAsked,
    StatusChanged,
)
from dutchbook.domain.step import Closed, Found, Healed, Opened, Passed, Step
from dutchbook.domain.units import MILLI, SECOND, Ns
from unit.engine.story import (
    CENTS,
    KALSHI,
    LOT,
    POLY,
    Story,
    book,
    both,
    effects,
    kalshi,
    market,
    notes,
    poly,
)


def twins(approve: bool = True) -> Story:
    """The same question on both venues, 50 cents each, a spread of two."""
    story = Story()
    story.markets(kalshi("A"), poly("B"))
    story.link("same", "kalshi:A", "polymarket:B", approve=approve)
    story.tell(book("kalshi:A", 49, 51), *both("polymarket:B", 49, 51))
    story.wait(300)
    return story


def test_a_cross_venue_mispricing_opens_once_and_closes() -> None:
    """YES falls to 40 on one venue: NO for 51 beside it pays a dollar for 91 cents."""
    story = twins()
    opened = notes(story.tell(book("kalshi:A", 39, 40)), Opened)
    assert [(note.certificate.kind, note.certificate.capital) for note in opened] == [
        ("cross_venue", 91 * 100 * CENTS)
    ]
    certificate = opened[0].certificate
    assert certificate.proved == 9 * 100 * CENTS
    assert certificate.edge == 90_000
    assert {(leg.instrument, leg.outcome) for leg in certificate.legs} == {
        ("kalshi:A", "yes"),
        ("polymarket:B", "no"),
    }
    assert notes(story.tell(*both("polymarket:B", 50, 52)), Opened) == []
    closed = notes(story.tell(book("kalshi:A", 49, 51)), Closed)
    assert [(note.id, note.why) for note in closed] == [(opened[0].id, "gross")]


def test_an_unapproved_link_is_never_taken() -> None:
    story = twins(approve=False)
    assert notes(story.tell(book("kalshi:A", 9, 10)), Opened) == []
    assert notes(story.wait(3_000), Opened) == []


def test_a_new_version_of_a_link_closes_until_somebody_approves_it() -> None:
    story = twins()
    story.tell(book("kalshi:A", 39, 40))
    name = story.link("same", "kalshi:A", "polymarket:B", approve=False, version=2)
    assert [note.why for note in notes(story.wait(600), Closed)] == ["withdrawn"]
    old = story.tell(OperatorAsked("ann", "approve", (name, "1")))
    assert [note.what for note in notes(old, Found)] == ["refused"]
    story.tell(OperatorAsked("ann", "approve", (name, "2")))
    assert len(notes(story.wait(600), Opened)) == 1


def test_a_gap_makes_every_book_of_the_stream_stale_until_its_snapshot() -> None:
    story = twins()
    story.markets(kalshi("C"))
    story.tell(book("kalshi:C", 10, 20))
    story.tell(FeedGap(KALSHI, "sequence", "sid:1", 5, 7))
    assert notes(story.tell(_delta("kalshi:A", ASK, 40, 50)), Opened) == []
    world = story.engine.world
    assert (world.count.stale_ignored, world.count.gaps_seen, world.count.gaps_recovered) == (
        1,
        1,
        0,
    )
    assert len(notes(story.tell(book("kalshi:A", 39, 40)), Opened)) == 1
    healed = notes(story.tell(book("kalshi:C", 10, 20)), Healed)
    assert [(note.scope, note.gaps) for note in healed] == [("sid:1", 1)]
    assert (world.count.gaps_seen, world.count.gaps_recovered) == (1, 1)


def test_an_open_opportunity_ends_with_its_feed() -> None:
    story = twins()
    story.tell(book("kalshi:A", 39, 40))
    assert [n.why for n in notes(story.tell(FeedDown(KALSHI, "reset")), Closed)] == ["feed_down"]
    story.tell(FeedUp(KALSHI))
    assert len(notes(story.tell(book("kalshi:A", 39, 40)), Opened)) == 1


def test_a_market_that_stopped_trading_is_passed_over_and_said_so() -> None:
    story = twins()
    story.tell(StatusChanged("kalshi:A", "paused"))
    steps = [*story.wait(300), *story.tell(book("kalshi:A", 39, 40)), *story.wait(1_300)]
    assert notes(steps, Opened) == []
    assert ("fresh", "not_open") in {(note.stage, note.reason) for note in notes(steps, Passed)}


def test_the_reason_and_the_numbers_of_a_rejection_are_kept() -> None:
    """One cent of gross edge is less than the two that are asked for."""
    story = twins()
    passed = notes(story.tell(book("kalshi:A", 47, 48)), Passed)
    assert [(note.stage, note.numbers["gross"], note.numbers["short"]) for note in passed] == [
        ("net", CENTS, CENTS)
    ]
    assert story.engine.why()["funnel"]["net"] == 0
    assert story.engine.why()["funnel"]["gross"] == 1


def test_a_bundle_needs_an_exhaustive_event() -> None:
    for exhaustive, count in ((True, 1), (False, 0)):
        story = Story()
        names = ("polymarket:X", "polymarket:Y", "polymarket:Z")
        story.markets(*(poly(name.split(":")[1], "polymarket:e") for name in names))
        story.group("polymarket:e", names, exhaustive)
        story.tell(*(event for name in names for event in both(name, 29, 31)))
        story.wait(1_300)
        opened = notes(story.steps, Opened)
        assert [note.certificate.kind for note in opened] == ["bundle_yes"] * count


def test_a_broken_mirror_is_believed_only_after_the_venue_confirmed_it() -> None:
    """YES for 45 and NO for 50 of one market: the books contradict each other, so ask first."""
    story = Story()
    story.markets(poly("B"))
    story.tell(*both("polymarket:B", 49, 51))
    story.wait(300)
    story.tell(CheckFailed("polymarket:B", "the rolling sample is another story"))
    first = story.tell(book("polymarket:B", 44, 45), book("polymarket:B", 50, 52, token=1))
    steps = [*first, *story.wait(700)]
    assert notes(steps, Opened) == []
    assert effects(steps, AskCheck) == [AskCheck("polymarket", ("polymarket:B",))]
    seen = [
        BookSeen("polymarket:B", 0, [(BID, 44 * CENTS, 100 * LOT), (ASK, 45 * CENTS, 100 * LOT)]),
        BookSeen("polymarket:B", 1, [(BID, 50 * CENTS, 100 * LOT), (ASK, 52 * CENTS, 100 * LOT)]),
    ]
    opened = notes(story.tell(*seen), Opened)
    assert [(o.certificate.kind, o.certificate.capital) for o in opened] == [
        ("complement", 95 * 100 * CENTS)
    ]


def test_between_the_two_halves_of_a_message_a_broken_mirror_is_not_believed() -> None:
    """The offers of YES differ, as the venue confirmed; then one message moves the price by ten
    cents: after its first half YES costs 41 and NO still 51, which nobody ever offered."""
    story = Story()
    story.markets(poly("B"))
    story.tell(*both("polymarket:B", 49, 51))

    def message(was: tuple[int, int, int], now: tuple[int, int, int]) -> list[Step]:
        """Bid of both books and the ask of either: gone there, come here."""
        (bid_was, *asks_were), (bid, *asks) = was, now
        return story.tell(*(
            BookLevels("polymarket:B", token, POLY, False, False, [
                (BID, bid_was * CENTS, 0), (ASK, asks_were[token] * CENTS, 0),
                (BID, bid * CENTS, 100 * LOT), (ASK, asks[token] * CENTS, 100 * LOT),
            ], bid * CENTS, asks[token] * CENTS, at)
            for at in (Ns(story.at),) for token in (0, 1)
        ))  # fmt: skip

    message((48, 51, 51), (49, 51, 52))
    story.wait(300)
    assert story.engine.world.stale("polymarket:B", 0, story.at) == ""
    assert notes(message((49, 51, 52), (39, 41, 42)) + story.wait(300), Opened) == []
    opened = notes(message((39, 41, 42), (59, 55, 62)), Opened)
    assert [one.certificate.capital for one in opened] == [96 * 100 * CENTS], "offered in earnest"


def test_a_book_crossed_for_half_a_second_is_stale() -> None:
    story = Story()
    story.markets(kalshi("A"))
    story.tell(book("kalshi:A", 49, 51))
    story.wait(300)
    assert len(notes(story.tell(book("kalshi:A", 55, 50)), Opened)) == 1
    assert [note.why for note in notes(story.wait(1_000), Closed)] == ["crossed"]


def test_a_silent_stream_is_asked_about_before_its_book_is_used() -> None:
    story = twins()
    story.tell(*both("polymarket:B", 59, 61))
    opened = notes(story.steps, Opened)
    assert len(opened) == 1
    for _ in range(11):
        story.wait(1_000)
        story.tell(*both("polymarket:B", 59, 61))
    assert [note.why for note in notes(story.steps, Closed)] == ["silent"]
    asked = effects(story.steps, AskCheck)
    assert AskCheck("kalshi", ("kalshi:A",)) in asked
    levels = [(BID, 49 * CENTS, 100 * LOT), (ASK, 51 * CENTS, 100 * LOT)]
    assert len(notes(story.tell(BookSeen("kalshi:A", 0, levels)), Opened)) == 1


def test_a_rolling_sample_that_disagrees_three_times_breaks_the_book() -> None:
    story = twins()
    story.tell(CheckFailed("kalshi:A", "429"))
    wrong = BookSeen("kalshi:A", 0, [(BID, 30 * CENTS, LOT)])
    asked = 0
    steps = story.wait(250)
    for _ in range(200):
        due = [effect for effect in effects(steps, AskCheck) if "kalshi:A" in effect.keys]
        asked += len(due)
        steps = story.tell(*[wrong for _ in due], *both("polymarket:B", 49, 51))
        steps += story.tell(_delta("kalshi:A", BID, 10, 1)) + story.wait(250)
        if effects(story.steps, AskSnapshot):
            break
    assert asked == 3
    assert effects(story.steps, AskSnapshot) == [
        AskSnapshot("kalshi", KALSHI, ("kalshi:A",), "asked")
    ]
    assert story.engine.world.count.checks_failed == 1
    assert story.engine.world.stale("kalshi:A", 0, story.at) == "gap"


def test_a_check_without_an_answer_says_nothing() -> None:
    story = twins()
    for _ in range(8):
        for effect in effects(story.wait(1_000), AskCheck):
            story.tell(*(CheckFailed(key, "429") for key in effect.keys))
        story.tell(_delta("kalshi:A", BID, 10, 1), *both("polymarket:B", 49, 51))
    assert story.engine.world.stale("kalshi:A", 0, story.at) == ""
    assert story.engine.world.count.checks_lapsed > 0


def test_the_venue_is_right_about_its_own_best_price() -> None:
    """A claimed top that differs from ours after a change means that we lost a message."""
    story = twins()
    change = BookLevels(
        "polymarket:B",
        0,
        POLY,
        False,
        False,
        [(BID, 30 * CENTS, LOT)],
        bid=48 * CENTS,
        ask=51 * CENTS,
    )
    steps = story.tell(change)
    assert effects(steps, AskSnapshot) == [
        AskSnapshot("polymarket", POLY, ("polymarket:B",), "asked")
    ]
    assert story.engine.world.stale("polymarket:B", 1, story.at) == "gap"
    story.tell(*both("polymarket:B", 49, 51))
    count = story.engine.world.count
    assert (count.gaps_seen, count.gaps_recovered) == (1, 1)
    assert story.engine.world.stale("polymarket:B", 0, story.at) == ""


@pytest.mark.parametrize(
    "event",
    [
        BookLevels("kalshi:NOBODY", 0, KALSHI, True, False, []),
        BookLevels("kalshi:A", 1, KALSHI, True, False, []),
        BookLevels("kalshi:A", 0, "nowhere", True, False, []),
        BookLevels("kalshi:A", 0, KALSHI, False, True, [(BID, 49 * CENTS, -101 * LOT)]),
        BookLevels("kalshi:A", 0, KALSHI, False, True, [(BID, 49 * CENTS + 1, LOT)]),
        StatusChanged("kalshi:NOBODY", "open"),
    ],
)
def test_bad_events_are_counted_and_change_no_book(event: BookLevels) -> None:
    story = twins()
    before = story.engine.world.books.get("kalshi:A", 0).depth(10)
    steps = story.tell(event)
    assert story.engine.world.count.malformed == 1
    assert len(notes(steps, Found)) == 1
    assert story.engine.world.books.get("kalshi:A", 0).depth(10) == before


def test_the_same_story_gives_the_same_digest() -> None:
    from dutchbook.domain.digest import Digest

    hexes = []
    for _ in range(2):
        story = twins()
        story.tell(book("kalshi:A", 39, 40), FeedGap(KALSHI, "sequence", "sid:1", 5, 7))
        story.wait(40_000)
        digest = Digest()
        for step in story.steps:
            digest.add(step)
        hexes.append(digest.hex())
    assert hexes[0] == hexes[1]


def test_a_market_without_opposite_side_offers_nothing() -> None:
    story = Story()
    story.markets(market("kalshi:A"), poly("B"))
    story.link("same", "kalshi:A", "polymarket:B")
    story.tell(book("kalshi:A", 5, 100), *both("polymarket:B", 0, 100))
    assert notes(story.wait(2_000), Opened) == []


def _delta(key: str, side: int, px: int, size: int) -> BookLevels:
    return BookLevels(key, 0, KALSHI, False, True, [(side, px * CENTS, size * LOT)])


def test_a_stream_that_is_late_opens_nothing_until_it_has_caught_up() -> None:
    """What was made at the venue over a second ago is over, or taken: nobody acts on it."""
    story = twins()
    cheap = book("kalshi:A", 39, 40, venue_at=Ns(story.at - 9 * SECOND))
    assert len(notes(story.tell(cheap), Opened)) == 1, "a whole book's time is its last change's"
    far = _delta("kalshi:A", BID, 10, 1)
    steps = story.tell(msgspec.structs.replace(far, venue_at=Ns(story.at - 1_100 * MILLI)))
    assert story.engine.world.stale("kalshi:A", 0, story.at) == "late"
    [closed] = notes(steps + story.wait(300), Closed)
    assert closed.why == "late"
    assert notes(story.tell(*both("polymarket:B", 49, 51)), Opened) == []
    steps = story.tell(msgspec.structs.replace(far, venue_at=Ns(story.at - 900 * MILLI)))
    assert len(notes(steps + story.wait(300), Opened)) == 1
    story.tell(msgspec.structs.replace(far, venue_at=Ns(story.at - 5 * SECOND)))
    story.tell(FeedDown(KALSHI, "reset"), FeedUp(KALSHI), book("kalshi:A", 39, 40))
    assert story.engine.world.stale("kalshi:A", 0, story.at) == "", "another connection"


def test_after_the_machine_stood_still_a_book_waits_for_what_is_unread() -> None:
    """Kalshi's last change was 0.4 s old when it came; then nothing ran for 0.7 s, and
    Polymarket's price comes first: what Kalshi has told since may be 1.1 s old."""
    story = twins()
    far = _delta("kalshi:A", BID, 10, 1)
    story.tell(msgspec.structs.replace(far, venue_at=Ns(story.at - 400 * MILLI)))
    story.at = Ns(story.at + 700 * MILLI)
    cheap = both("polymarket:B", 39, 40)
    assert notes(story.tell(*cheap), Opened) == []
    assert story.engine.world.stale("kalshi:A", 0, story.at) == "late"
    steps = story.tell(msgspec.structs.replace(far, venue_at=Ns(story.at - 900 * MILLI)))
    assert len(notes(steps + story.wait(1), Opened)) == 1, "it has been read: that is its age"
    story.wait(10)
    assert story.engine.world.stale("kalshi:A", 0, story.at) == "late", "not all may be read yet"
    story.tell(*cheap)
    story.wait(60)
    story.tell(*cheap)
    assert story.engine.world.stale("kalshi:A", 0, story.at) == "", "0.9 s and a moment"


def test_a_stream_that_stays_down_is_replaced_by_rest_copies_for_a_while() -> None:
    """After five seconds REST is asked; its copy counts for ten; the stream's snapshot ends it."""
    story = twins()
    story.tell(FeedDown(KALSHI, "reset"))
    steps = story.wait(4_900)
    assert AskCheck("kalshi", ("kalshi:A",)) not in effects(steps, AskCheck)
    assert AskCheck("kalshi", ("kalshi:A",)) in effects(story.wait(600), AskCheck)
    copy = BookSeen("kalshi:A", 0, [(BID, 39 * CENTS, 100 * LOT), (ASK, 40 * CENTS, 100 * LOT)])
    story.tell(*both("polymarket:B", 49, 51))
    opened = notes(story.tell(copy), Opened)
    assert [note.certificate.capital for note in opened] == [91 * 100 * CENTS]
    for _ in range(3):
        story.wait(4_000)
        story.tell(*both("polymarket:B", 49, 51))
    assert [note.why for note in notes(story.steps, Closed)] == ["feed_down"]
    story.tell(copy, FeedUp(KALSHI))
    assert story.engine.world.stale("kalshi:A", 0, story.at) == "gap"
    story.tell(book("kalshi:A", 49, 51))
    assert story.engine.world.stale("kalshi:A", 0, story.at) == ""
    assert story.engine.world.count.polled == 2


def test_after_a_sample_that_disagreed_a_stream_is_trusted_only_when_one_agrees() -> None:
    story = twins()
    world = story.engine.world
    story.tell(CheckFailed("kalshi:A", "429"))
    wrong = BookSeen("kalshi:A", 0, [(BID, 30 * CENTS, LOT)])
    for _ in range(200):
        check = world.checks.open.get(("kalshi:A", 0))
        if check is not None and check.answer is None:
            story.tell(wrong)
        story.tell(_delta("kalshi:A", BID, 10, 1), *both("polymarket:B", 49, 51))
        story.wait(500)
        if world.count.checks_failed:
            break
    story.tell(book("kalshi:A", 49, 51))
    assert world.stale("kalshi:A", 0, story.at) == "sample_disagreed"
    world.checks.ask(["kalshi:A"], story.at)
    levels = [(BID, 49 * CENTS, 100 * LOT), (ASK, 51 * CENTS, 100 * LOT)]
    story.tell(BookSeen("kalshi:A", 0, levels))
    assert world.stale("kalshi:A", 0, story.at) == ""
