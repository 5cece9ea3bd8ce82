"""Cron strings against a naive twin that looks at every minute; and what a changing clock does."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.units import SECOND, Ns
from dutchbook.schedule.cron import cron
from dutchbook.schedule.when import Once, when

BERLIN = ZoneInfo("Europe/Berlin")


def ns(*parts, zone=UTC):
    return Ns(int(datetime(*parts, tzinfo=zone).timestamp()) * SECOND)


def local(at, zone=BERLIN):
    return datetime.fromtimestamp(at // SECOND, zone).strftime("%d %H:%M %z")


def times(text, start, count, zone=BERLIN):
    found, at = [], start
    for _ in range(count):
        at = when(text).next(at, zone)
        found.append(local(at, zone))
    return found


def naive(text, after):
    """The next minute in UTC at which every field of the string, spelt out, holds."""
    made = cron(text)
    at = datetime.fromtimestamp(after // SECOND, UTC).replace(second=0) + timedelta(minutes=1)
    for _ in range(60 * 24 * 33):
        month_day, week_day = at.day in made.days, at.isoweekday() % 7 in made.weekdays
        on = month_day and week_day if made.any_day or made.any_weekday else month_day or week_day
        if at.minute in made.minutes and at.hour in made.hours and at.month in made.months and on:
            return int(at.timestamp()) * SECOND
        at += timedelta(minutes=1)
    return None


numbers = {"m": st.integers(0, 59), "h": st.integers(0, 23), "d": st.integers(1, 28),
           "w": st.integers(0, 6)}  # fmt: skip


def field(kind):
    one = numbers[kind].map(str)
    step = st.integers(1, 6).map(lambda n: f"*/{n}")
    span = st.tuples(numbers[kind], numbers[kind]).map(lambda t: f"{min(t)}-{max(t)}")
    many = st.lists(one, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), one, step, span, many)


@settings(max_examples=25)
@given(field("m"), field("h"), field("d"), field("w"), st.integers(0, 40_000_000))
def test_the_next_time_is_that_of_the_twin(minute, hour, day, weekday, ago):
    text, after = f"{minute} {hour} {day} * {weekday}", ns(2026, 3, 1) + ago * SECOND
    expected = naive(text, after)
    if expected is not None:
        assert when(text).next(Ns(after), UTC) == expected


def test_names_ranges_and_lists():
    monday = times("30 9 * * mon-wed,FRI", ns(2026, 3, 1), 5, UTC)
    assert monday == [f"{d:02} 09:30 +0000" for d in (2, 3, 4, 6, 9)]
    assert times("0 0 29 feb *", ns(2026, 1, 1), 1, UTC) == ["29 00:00 +0000"]
    assert times("0 12 1 * 7", ns(2026, 3, 1, 12), 2, UTC) == ["08 12:00 +0000", "15 12:00 +0000"]
    assert when("@hourly").next(ns(2026, 3, 1, 5, 5), UTC) == ns(2026, 3, 1, 6)


def test_in_spring_the_missing_hour_is_met_once_at_its_end():
    """Berlin, 29 March 2026: 02:00 to 03:00 does not exist."""
    night = ns(2026, 3, 28, 12)
    assert times("30 2 * * *", night, 2) == ["29 03:00 +0200", "30 02:30 +0200"]
    assert times("15,45 2 * * *", night, 3)[0:2] == ["29 03:00 +0200", "30 02:15 +0200"]
    assert times("0 3 * * *", night, 2) == ["29 03:00 +0200", "30 03:00 +0200"]


def test_in_autumn_the_double_hour_is_met_once():
    """Berlin, 25 October 2026: 02:00 to 03:00 comes twice."""
    night = ns(2026, 10, 24, 12)
    assert times("30 2 * * *", night, 2) == ["25 02:30 +0200", "26 02:30 +0100"]


def test_what_runs_every_hour_or_minute_goes_by_what_passes():
    spring, autumn = ns(2026, 3, 29, 0, 30), ns(2026, 10, 24, 23, 30)
    assert times("0 * * * *", spring, 3) == ["29 03:00 +0200", "29 04:00 +0200", "29 05:00 +0200"]
    hours = times("0 * * * *", autumn, 3)
    assert hours == ["25 02:00 +0200", "25 02:00 +0100", "25 03:00 +0100"]
    gaps = [when("*/30 * * * *").next(Ns(autumn + n * 1_800 * SECOND), BERLIN) for n in range(8)]
    assert [b - a for a, b in pairwise(gaps)] == [1_800 * SECOND] * 7


def test_spans_and_moments():
    assert when("every 5m").next(ns(2026, 3, 1, 0, 7), UTC) == ns(2026, 3, 1, 0, 10)
    assert when("at 09:05").next(ns(2026, 3, 1, 9, 5), UTC) == ns(2026, 3, 2, 9, 5)
    assert Once(ns(2026, 3, 1)).next(ns(2026, 3, 1)) == 0


@pytest.mark.parametrize(
    "text",
    [
        "", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
        "*/0 * * * *", "5-1 * * * *", "a * * * *", "* * * jan-xyz *", "0 0 30 2 *", "every 0s",
        "every 5x", "at 24:00", "* * * * * *", "*/99 * * * *", "١ * * * *", "-1 * * * *",
        "1,,2 * * * *",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_by_name(text):
    with pytest.raises(ConfigError):
        when(text)
