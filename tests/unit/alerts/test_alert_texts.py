"""The wording of alerts, letter for letter, and what it makes of hostile words."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dutchbook.alerts import signal_text as seen
from dutchbook.alerts import sms, text
from dutchbook.alerts.text import LegLine, Offer
from dutchbook.alerts.words import clean
from dutchbook.domain.units import DAY, ONE, SECOND


def at(*when):
    return int(datetime(*when, tzinfo=UTC).timestamp()) * SECOND


C = 10_000
NOW = at(2026, 3, 14, 12, 0, 31)
OFFER = Offer(
    "Fed cuts rates in March?",
    (LegLine("kalshi", "no", 44 * C, 180 * ONE, "KXFED-26MAR-C25"),
     LegLine("polymarket", "yes", 515_000, 180 * ONE, "fed-cut-march")),
    180 * ONE, 171_900_000, 2_520_000, 180 * ONE, NOW + 5 * DAY, 970_000, "settlement source",
)  # fmt: skip


def test_an_arbitrage():
    assert text.arbitrage("paper", OFFER, NOW, 40 * SECOND) == (
        "[PAPER] ⚡ Arbitrage  +3.1¢/share net  ($5.58 on 180)\n"
        "Fed cuts rates in March?\n"
        "  Kalshi      BUY NO   44.0¢ ×180   KXFED-26MAR-C25\n"
        "  Polymarket  BUY YES  51.5¢ ×180   fed-cut-march\n"
        "cost $171.90 · fees $2.52 · pays $180 on 19 Mar (5 d, 234 % APR simple)\n"
        "rules match 0.97 – differs: settlement source (tap Why)\n"
        "valid 40 s"
    )
    assert OFFER.capital == 174_420_000


def test_what_became_of_it():
    done = text.executed("@ann", NOW, 180 * ONE, 180 * ONE, 2, 5_410_000, 5_580_000, "a1")
    assert done == (
        "✅ Executed by @ann 12:00:31 – 180/180 both legs, net $5.41 (alerted $5.58). #a1"
    )
    assert text.not_sent(6_000, 31_000) == "⌛ Not sent: edge now 0.6¢ (< 70 % of 3.1¢)."
    short = text.one_leg(2, 60 * ONE, 180 * ONE, 120 * ONE, 53 * C, 2_100_000, "a1")
    assert short == "⚠ Leg 2 filled 60/180. Hedging 120 … done at 53.0¢, net +$2.10. #a1"


def test_signals():
    whale = seen.Whale("0x7a1234567890e1", 14, 2_100_000 * ONE, "yes", 48_200 * ONE, 61 * C, 64 * C,
                       "…", 90 * SECOND, (3, 5))  # fmt: skip
    assert seen.whale(whale) == (
        "🐋 Whale  0x7a…e1 (#14 all-time, +$2.1M) BUY YES $48,200 @ 61→64¢ “…” in 90 s"
        " · 3 of last 5 won"
    )
    when = at(2026, 3, 14, 12, 1, 7)
    assert seen.news("Reuters", when, "…", 3, "…", 34 * C, 41 * C, 5 * C) == (
        "📰 News  Reuters 12:01:07 “…” → 3 markets moved/should move: “…” 34¢ → model 41¢ (±5)"
    )
    when = at(2026, 3, 14, 12, 2)
    filed = seen.filing("8-K", "ACME", "1.01", when, "ACME deal closes by Q2", 57 * C, 6 * C, 23)
    assert filed == (
        "📄 SEC  8-K ACME item 1.01 (12:02) → “ACME deal closes by Q2” 57¢, hist. +6¢/1 h (n=23)"
    )
    game = seen.game("LAL–BOS Q4 3:12 82–80", 710_000, 30_000, "Kalshi", 64 * C, 16_000)
    assert game == (
        "🏀 Sports  LAL–BOS Q4 3:12 82–80: model 71 % ± 3, Kalshi 64¢, fee 1.6¢ → +5.4¢"
    )


def test_stops_feeds_ends_and_days():
    what = text.day_loss(100_400_000, 100 * ONE, "day")
    assert text.halt(what, 7, 4, "/resume or tomorrow 00:00") == (
        "🛑 HALT  day loss −$100.40 ≥ $100 (basis: day). Cancelled 7 orders; 4 positions kept. "
        "Resume: /resume or tomorrow 00:00"
    )
    assert text.feed_down("polymarket ws", 12 * SECOND, 3) == (
        "🔌 Feed  polymarket ws silent 12 s – quotes pulled. Reconnecting (try 3)."
    )
    assert text.feed_back(19 * SECOND, 0) == "✅ back after 19 s, 0 orders affected"
    assert text.resolved("Fed cuts…", "no", 5_410_000, "a1", 0.04) == (
        "🏁 Resolved  “Fed cuts…” = NO. +$5.41 (arb #a1). Brier of our estimate 0.04"
    )
    day = text.Day(NOW, 23_100_000, 1_000 * ONE, 12, 9, 6_200_000, "cross_venue", 18 * ONE,
                   410 * ONE, NOW + 5 * DAY, -2_000)  # fmt: skip
    assert text.daily("paper", day) == (
        "📊 Daily 14 Mar [PAPER]  +$23.10 (+2.3 %)  12 trades, 9 won · fees $6.20 · "
        "best cross_venue +$18 · locked $410 until 19 Mar · drift vs model −0.2¢"
    )


def test_a_text_message():
    assert sms.halt("live", "day", 100_400_000, 7) == (
        "DUTCHBOOK LIVE HALT day -100.40. 7 orders cancelled. Resume in app."
    )


@given(st.text(max_size=400), st.text(max_size=40))
def test_a_text_message_is_160_gsm_characters_whatever_it_says(words, tail):
    made = sms.sms("paper", words, tail)
    assert len(made) <= sms.MOST and sms.gsm(made) == made


@given(st.text(max_size=600))
def test_the_words_of_others_are_one_bounded_line_without_tricks(words):
    made = clean(words)
    assert len(made) <= 200 and "\n" not in made
    assert not any(c in made for c in "\x00\x1b\u202e\u2066\u200f\r\t")
    made.encode("utf-8")


def test_a_megabyte_of_title_is_a_line():
    assert len(clean("A" * 1_000_000)) == 200 and clean("\u202egpj.exe\x1b[31m") == "gpj.exe[31m"


@pytest.mark.parametrize(("n", "word"), [(1, "the leg"), (2, "both legs"), (5, "all 5 legs")])
def test_legs_are_counted_in_words(n, word):
    assert word in text.executed("@a", NOW, ONE, ONE, n, 0, 0, "x")
