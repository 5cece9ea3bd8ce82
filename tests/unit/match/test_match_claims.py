"""Stories of two titles: one per kind of term, and what must never be called the same."""

import pytest

from dutchbook.match.claim import Claim, claim
from dutchbook.match.terms import Stated, parse

SAME = [
    ("Will Republican win the House race for OH-1?", "Will the GOP win the OH-01 House seat?"),
    ("Will Democratic win the House race for OH-9?", "Will Democrats win the OH-09 House seat?"),
    ("Will the Democratic party win the governorship in Ohio", "Ohio governor: Democrats win?"),
    ("Will Ann Lee be arrested before Jan 2031?", "Will Ann Lee be arrested before 2031?"),
    ("Will Ann Lee be arrested by December 31, 2030?", "Will Ann Lee be arrested before 2031?"),
    ("Will Ann Lee win the 2030 MVP?", "Will Ann Lee win the MVP?"),
    ("Will Team Comet win IEM Oslo?", "Will Comet win IEM Oslo Major 2030?"),
    ("Will Comet qualify for the playoffs at IEM Oslo?", "Will Comet reach the IEM Oslo playoffs?"),
    ("Will Joe Kerr win the French presidential election?", "Will Joseph Kerr win the 2030 "
     "presidential election in France?"),
    ("Will Seattle win the Pro Football Championship?", "Will the Seattle Seahawks win the 2031 "
     "Super Bowl?"),
    ("Will Los Angeles A win the American League Championship?", "Will the Los Angeles Angels win "
     "the ALCS?"),
    ("Will Bjørn Ås be next to leave the cabinet?", "Will Bjorn As be the next person to leave the "
     "cabinet?"),
    ("Will Jun-seo Park win?", "Will Junseo Park win?"),
    ("Will the GOP win the House race for AK-0?", "Will Republicans win the AK-AL House seat?"),
    ("Will the GOP win the Senate in 2030?", "Will Republicans control the U.S. Senate after the "
     "2030 midterm elections?"),
    ("Will Ann Lee be lieutenant governor of Ohio?", "Will Ann Lee be Ohio Lt. Governor?"),
    ("Will Ann Lee leave as chair before 2031?", "Ann Lee out as chair before 2031?"),
    ("Will Ann score a goal in the final?", "Will Ann score 1+ goals in the final?"),
    ("Will Comet be the 2030 F1 Constructors' Champion?", "Will Comet win the F1 Constructors "
     "Championship?"),
    ("Will there be at least 3,000 cases in 2030?", "Will there be 3000 or more cases in 2030?"),
    ("Will BTC be above $60k on July 3, 2030 at 5pm EDT?", "Will the price of Bitcoin be above "
     "$60,000 on Jul 3, 2030 at 17:00 ET?"),
]  # fmt: skip
NOT_SAME: list[tuple[str, str, Claim]] = [
    ("Will Ann win the House race for TX-1?", "Will Ann win the TX-11 House seat?", "different"),
    ("Will Democrats win the TX-01 House seat?", "Will Republicans win the TX-01 House seat?",
     "different"),
    ("Will Democrats win the House in 2030?", "Will Democrats win the Senate?", "different"),
    ("Will Democrats win the House in 2030?", "Will Democrats win the TX-01 House seat?",
     "different"),
    ("Will the Democrats win the governorship", "Will Democrats win the Ohio governorship",
     "unknown"),
    ("Will Ann be governor of Ohio?", "Will Ann be lieutenant governor of Ohio?", "different"),
    ("Will Ann win the first round of the election?", "Will Ann win the election?", "unknown"),
    ("Will Ann be on the ballot in the election?", "Will Ann win the election?", "unknown"),
    ("Will Ann finish first in the primary?", "Will Ann finish 2nd in the primary?", "different"),
    ("Who will win the primary?", "Will Ann Lee win the primary?", "unknown"),
    ("Will 2030 be the hottest year?", "Will 2030 be the second-hottest year?", "unknown"),
    ("Will Ann Lee be arrested in 2030?", "Will Ann Lee be arrested in 2031?", "different"),
    ("Will Ann Lee resign in 2030?", "Will Ann Lee resign by June 30, 2030?", "unknown"),
    ("Will A Lee lead the MLB in runs?", "Will A Lee lead the MLB in triples?", "different"),
    ("Will Italy invade Spain?", "Will Spain invade Italy?", "unknown"),
    ("Will Ann beat Bob?", "Will Bob beat Ann?", "unknown"),
    ("Will Jun-seo Park beat Ann?", "Will Ann beat Junseo Park?", "different"),
    ("Will Joe Kerr beat Ann Fox?", "Will Ann Fox beat Joseph Kerr?", "different"),
    ("Will Los Angeles L win the cup?", "Will Los Angeles win the cup?", "unknown"),
    ("Will Don Roe win?", "Will Don Roe Jr. win?", "unknown"),
    ("Will Al Johnson win?", "Will Al Johnston win?", "different"),
    ("Will England win the Women's World Cup?", "Will England win the World Cup?", "unknown"),
    ("Will New York win the MLB championship?", "Will the New York Mets win the World Series?",
     "unknown"),
    ("Will gold (GC) hit (HIGH) $5,000 in May?", "Will gold (XAUUSD) hit (HIGH) $5,000 in May?",
     "different"),
    ("Will BTC be above $60,000 on July 3 at 5pm EDT?", "Will BTC be above $60,000 on July 3 at "
     "12pm EDT?", "different"),
    ("Will BTC be above $60,000 on July 3?", "Will BTC be above $60,000 on July 4?", "different"),
    ("Will BTC be above $60,000 on July 3?", "Will BTC be above $60,000 on July 3 at 5pm EDT?",
     "unknown"),
    ("Will Ann score 2+ goals?", "Will Ann score 2+ goals + assists?", "unknown"),
    ("Will the Democrats win 210-213 House seats?", "Will the Democrats win 214-217 House seats?",
     "different"),
]  # fmt: skip
IMPLIES = [
    ("Will Ann Lee resign before June 2030?", "Will Ann Lee resign before 2031?"),
    ("Will CPI rise more than 0.6% in May?", "Will CPI rise 0.6% or more in May?"),
    ("Will there be more than 4000 cases in 2030?", "Will there be more than 3000 cases in 2030?"),
    ("Will Oslo be below 10° on May 1?", "Will Oslo be below 20° on May 1?"),
    ("Will the Democrats win 210-213 House seats?", "Will the Democrats win at least 200 seats in "
     "the House?"),
    ("Will Ann win the primary by more than 10%?", "Will Ann win the primary?"),
    ("Will gold hit (HIGH) $6,000 in May?", "Will gold hit (HIGH) $5,000 in May?"),
    ("Will gold hit (LOW) $3,000 in May?", "Will gold hit (LOW) $3,500 in May?"),
    ("Will gold hit (LOW) $3,000 Week of May 4 2030?", "Will gold hit (LOW) $3,000 in May?"),
    ("Gold price on May 31, 2030 at 5:00 PM EDT? - above $5100", "Will gold hit (HIGH) $5,000 in "
     "May?"),
]  # fmt: skip
OPPOSITE = [
    ("Will BTC be above $60,000 on July 3?", "Will BTC be at or below $60,000 on July 3?"),
    ("Will there be at least 5 cuts in 2030?", "Will there be fewer than 5 cuts in 2030?"),
    ("Will Ann Lee resign in 2030?", "Will Ann Lee not resign in 2030?"),
    ("Boston vs Seattle MLB game: Will Boston win?", "Seattle vs. Boston MLB game: Will Seattle "
     "win?"),
]  # fmt: skip


def say(a: str, b: str) -> tuple[Claim, str]:
    verdict = claim(Stated(a), Stated(b))
    return verdict.claim, verdict.first


@pytest.mark.parametrize(("a", "b"), SAME)
def test_two_ways_to_say_one_thing(a: str, b: str) -> None:
    assert say(a, b) == ("same", ""), claim(Stated(a), Stated(b)).why
    assert say(b, a) == ("same", "")


@pytest.mark.parametrize(("a", "b", "expected"), NOT_SAME)
def test_what_differs_is_never_the_same(a: str, b: str, expected: Claim) -> None:
    assert say(a, b)[0] == expected, claim(Stated(a), Stated(b)).why
    assert say(b, a)[0] == expected


@pytest.mark.parametrize(("a", "b"), IMPLIES)
def test_the_narrower_claim_implies_the_wider(a: str, b: str) -> None:
    assert say(a, b) == ("implies", "a"), claim(Stated(a), Stated(b)).why
    assert say(b, a) == ("implies", "b")


@pytest.mark.parametrize(("a", "b"), OPPOSITE)
def test_one_is_the_others_no(a: str, b: str) -> None:
    assert say(a, b) == ("opposite", ""), claim(Stated(a), Stated(b)).why
    assert say(b, a) == ("opposite", "")


def test_a_tie_is_possible_so_the_two_are_not_opposite() -> None:
    a = "Boston vs Seattle MLS soccer game: Will Boston win?"
    b = "Boston vs Seattle MLS soccer game: Will Seattle win?"
    assert say(a, b)[0] in ("different", "unknown")


def test_the_strike_day_and_hour_are_read_from_the_ticker() -> None:
    """A title without a level gets it, the day and the hour from the ticker, and says so."""
    terms = parse(Stated("Bitcoin price on Jul 1, 2026?", symbol="KXBTCD-26JUL0104-T58899.99"))
    assert [str(level.value) for level in terms.levels] == ["58899.99"]
    assert (terms.hour, terms.read_from) == ("04:00 ET", ("hour", "level"))


def test_an_outcome_completes_an_open_question() -> None:
    a = Stated("Who will win the 2030 D.C. Democratic Mayoral Primary?", "Kenyan Roe")
    b = Stated("Will Kenyan Roe win the 2030 Democratic D.C. Mayoral Primary?")
    assert claim(a, b).claim == "same"


def test_a_title_beyond_the_bound_is_never_the_same() -> None:
    text = "Will " + "x" * 500 + " win?"
    assert say(text, text)[0] == "unknown"
    assert say("", "")[0] == "unknown"


def test_evidence_names_the_term_and_both_sides() -> None:
    verdict = claim(Stated("Will Ann win in Ohio?"), Stated("Will Ann win in Texas?"))
    assert verdict.why == "place: oh | tx"


@pytest.mark.parametrize(
    ("symbol", "other", "expected"),
    [
        ("KXMLBNLCY-30-ALEE", "Will Ann Lee win the 2030 NL Cy Young?", "same"),
        ("KXMLBNLCY-30-ALEE", "Will Ann Lee win the 2031 NL Cy Young?", "unknown"),
        ("KXMLBNLCY-30-ALEE", "Will Ann Lee win the 2029 NL Cy Young?", "unknown"),
        ("KXMLBNLCY-31JAN05-ALEE", "Will Ann Lee win the NL Cy Young before 2031?", "same"),
        ("KXMLBNLCY-30-ALEE", "Will Ann Lee win the NL Cy Young before 2030?", "same"),
        ("KXMLBNLCY-30-ALEE", "Will Ann Lee win the NL Cy Young before 2034?", "unknown"),
        ("KXMLBNLCY-30-ALEE", "Will Ann Lee win the 2029-30 NL Cy Young?", "same"),
        ("KXMLBNLCY-30-ALEE", "Will Ann Lee win the 2032-33 NL Cy Young?", "unknown"),
        ("", "Will Ann Lee win the 2031 NL Cy Young?", "same"),
        ("", "Will Ann Lee win the 2031 NL Cy Young before 2030?", "unknown"),
    ],
)
def test_a_year_that_a_title_leaves_out_is_that_of_its_ticker(
    symbol: str, other: str, expected: Claim
) -> None:
    """Venues list an award of this year and of the next under the same title."""
    one = Stated("Will Ann Lee win NL Cy Young?", symbol=symbol)
    assert claim(one, Stated(other)).claim == expected
    assert claim(Stated(other), one).claim == expected


def test_one_title_listed_for_two_years_is_two_claims() -> None:
    title = "Will Ann Lee win NL Cy Young?"
    one, two = Stated(title, symbol="KXMLBNLCY-30-ALEE"), Stated(title, symbol="KXMLBNLCY-31-ALEE")
    found = claim(one, two)
    assert (found.claim, found.why) == ("unknown", "time: listed 2030 | listed 2031")
    assert claim(one, one).claim == "same"
