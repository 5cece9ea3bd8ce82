"""Cron strings of five fields: minute, hour, day of the month, month, day of the week.

Each field is a list of values, ranges `a-b`, steps `*/n`, `a-b/n` or `a/n`; months and days of the
week also by their first three letters; 7 is Sunday, as 0 is. As in Vixie's cron, a day is due when
either day field matches, if neither of them is `*`.

A change of the clock: a local time that is left out in spring is met once, at the first moment
after the gap; one that comes twice in autumn is met at its first coming only. Jobs of every hour
or minute (`*` or a step in the hour field) go by what passes in truth: they are neither doubled
into nothing nor left out.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.units import SECOND, Ns

_FIELDS: Final = (
    ("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7),
)  # fmt: skip
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES: Final = {
    "month": {name: n for n, name in enumerate(_MONTHS, 1)},
    "weekday": {name: n for n, name in enumerate(_DAYS)},
}
_ALIASES: Final = {
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}  # fmt: skip
YEARS_MAX: Final = 9
"""29 February may be eight years away; what does not come within this never does."""


class Cron(msgspec.Struct, frozen=True):
    """The values of each field; `any_day` and so on: it was given as `*` or `*/n`."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool
    any_hour: bool

    def next(self, after: Ns, zone: tzinfo) -> Ns:
        """The first time (ns) later than `after`, in whole minutes of the zone; 0 for never."""
        if self.any_hour:
            return self._passing(after, zone)
        local = datetime.fromtimestamp(after // SECOND, zone).replace(tzinfo=None)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
        end = day + timedelta(days=366 * YEARS_MAX)
        while day < end:
            if day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
                continue
            if self._on(day):
                for moment in self._moments(day, zone):
                    if moment > after:
                        return moment
            day += timedelta(days=1)
        return Ns(0)

    def _moments(self, day: datetime, zone: tzinfo) -> list[Ns]:
        """The times of a day in order; those in a gap are all its end, once."""
        found: dict[Ns, None] = {}
        for hour in sorted(self.hours):
            for minute in sorted(self.minutes):
                found[_moment(day.replace(hour=hour, minute=minute), zone)] = None
        return sorted(found)

    def _on(self, day: datetime) -> bool:
        in_month = day.day in self.days
        in_week = day.isoweekday() % 7 in self.weekdays
        if self.any_day or self.any_weekday:
            return in_month and in_week
        return in_month or in_week

    def _passing(self, after: Ns, zone: tzinfo) -> Ns:
        """Every hour that passes counts, whatever the clock calls it."""
        step = 60
        at = (after // SECOND // step + 1) * step
        end = at + YEARS_MAX * 366 * 86_400
        while at < end:
            here = datetime.fromtimestamp(at, zone)
            if here.month not in self.months or not self._on(here.replace(tzinfo=None)):
                left = 86_400 - here.hour * 3_600 - here.minute * 60
                at += max(step, left - 7_200) if left > 7_200 else step
            elif here.hour not in self.hours:
                at += (60 - here.minute) * 60
            elif here.minute not in self.minutes:
                at += step
            else:
                return Ns(at * SECOND)
        return Ns(0)


def _moment(local: datetime, zone: tzinfo) -> Ns:
    """A local time as ns: the first of two, or the end of the gap that it falls into."""
    first = local.replace(tzinfo=zone, fold=0)
    at = int(first.astimezone(UTC).timestamp())
    back = datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    if back != local:  # there is no such time: the offsets before and after tell the gap's end
        late = int(local.replace(tzinfo=zone, fold=1).astimezone(UTC).timestamp())
        low, high = min(at, late), max(at, late)
        offset = datetime.fromtimestamp(low, zone).utcoffset()
        while high - low > 1:
            middle = (low + high) // 2
            if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
                low = middle
            else:
                high = middle
        at = high
    return Ns(at * SECOND)


def cron(text: str) -> Cron:
    """Read a cron string. Raises ConfigError, which names the field."""
    words = _ALIASES.get(text.strip().lower(), text).split()
    if len(words) != 5:
        raise ConfigError(
            f"{text[:60]!r} is no cron string", todo="five fields, such as */5 * * * *"
        )
    values = [_field(word, *about, text) for word, about in zip(words, _FIELDS, strict=True)]
    weekdays = frozenset(day % 7 for day in values[4])
    made = Cron(
        text, values[0], values[1], values[2], values[3], weekdays,
        words[2].startswith("*"), words[4].startswith("*"), words[1].startswith("*"),
    )  # fmt: skip
    if not made.any_day and made.any_weekday and not _ever(made):
        raise ConfigError(f"{text[:60]!r} names a day that never comes")
    return made


def _ever(made: Cron) -> bool:
    most = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    return any(min(made.days) <= most.get(month, 31) for month in made.months)


def _field(word: str, name: str, low: int, high: int, text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        span, slash, step_text = part.partition("/")
        step = _number(step_text, name, text) if slash else 1
        if step < 1 or step > high:
            raise _wrong(part, name, text)
        if span == "*":
            first, last = low, high if name != "weekday" else 6
        else:
            start, dash, end = span.partition("-")
            first = _value(start, name, text)
            last = _value(end, name, text) if dash else (high if slash else first)
        if not low <= first <= last <= high:
            raise _wrong(part, name, text)
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _value(word: str, name: str, text: str) -> int:
    named = _NAMES.get(name, {}).get(word.lower())
    return named if named is not None else _number(word, name, text)


def _number(word: str, name: str, text: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= 4):
        raise _wrong(word, name, text)
    return int(word)


def _wrong(part: str, name: str, text: str) -> ConfigError:
    return ConfigError(f"{text[:60]!r}: {part[:20]!r} is no {name}")
