"""A market's title, outcome and ticker read into typed terms; nothing of the text is dropped."""

import re
import unicodedata
from typing import Final

import msgspec

from dutchbook.domain.instrument import Instrument
from dutchbook.match.levels import Level, take_levels, ticker_level
from dutchbook.match.teams import LEAGUES, name_teams
from dutchbook.match.times import When, listed_year, take_times, ticker_time, ticker_year
from dutchbook.match.words import COUNTRIES, FORMS, IDLE, PHRASES, STATES, TAGS, listed

TITLE_MAX: Final = 400
"""Characters of a title that are read; a longer one is never called the same as another."""
ASKING: Final = listed("who which what whom whose when where how")
PAIR_ENDS: Final = listed(
    """the win in will at of by beat game match winner professional college womens mens total round
    tennis soccer to mlb nba wnba nfl nhl mls ncaa semifinal final over under moneyline"""
)
INSTRUMENT: Final = re.compile(r"\((?!high\)|low\))([a-z]{2,7})\)")
DISTRICT: Final = re.compile(r"\b([a-z]{2})[- ]?(\d{1,2}|al)\b")
NTH_DISTRICT: Final = re.compile(
    r"\b(" + "|".join(sorted(STATES, key=len, reverse=True)) + r")s?s? (\d{1,2})(?:st|nd|rd|th)"
    r" (?:congressional )?district\b"
)
CODES: Final = frozenset(STATES.values())
STATE_WORDS: Final = {tuple(name.split()): code for name, code in STATES.items()}
REPLACING: Final = tuple((re.compile(pattern), plain) for pattern, plain in PHRASES)
LETTERS: Final = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
    | dict.fromkeys('®™©"“”', "")
)
MARGIN: Final = re.compile(
    r"will (?:the )?margin of victory for (.{2,80}?) (?:in|at) (?:the )?(.{2,120}?) be "
    r"(above|over|more than|greater than|at least) "
)


class Stated(msgspec.Struct, frozen=True):
    """What a venue wrote of one market. All of it is untrusted."""

    title: str
    outcome: str = ""
    symbol: str = ""
    rules: str = ""


class Terms(msgspec.Struct, frozen=True):
    """`words` are what is left, in order: names mostly. `tags` are (kind, value), sorted.

    `year_listed`: the year of the ticker, 0 where it names none.
    """

    words: tuple[str, ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    levels: tuple[Level, ...] = ()
    times: tuple[When, ...] = ()
    hour: str = ""
    whole: bool = True
    read_from: tuple[str, ...] = ()
    year_listed: int = 0

    def of(self, kind: str) -> tuple[str, ...]:
        """The values of one kind of tag."""
        return tuple(value for name, value in self.tags if name == kind)


def stated(one: Instrument) -> Stated:
    """A listed market as it states itself."""
    return Stated(one.title, one.outcome, one.symbol, one.rules)


def fold(text: str) -> str:
    """Small letters without accents or apostrophes, `u.s.` as `us`, one space between words."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    plain = plain.translate(LETTERS)
    plain = re.sub(r"['’‘`´]", "", plain)
    plain = re.sub(r"\b(?:[a-z]\.){2,6}", lambda found: found.group().replace(".", ""), plain)
    return re.sub(r"\s+", " ", plain).strip()


def parse(given: Stated) -> Terms:
    """Terms of one market; `whole` is false where it is no yes/no claim or is too long to read."""
    text = fold(given.title[: TITLE_MAX * 2])
    outcome = fold(given.outcome[:TITLE_MAX])
    whole = len(given.title) <= TITLE_MAX and len(given.outcome) <= TITLE_MAX
    if outcome and outcome not in ("yes", "no") and _adds(outcome, text):
        text = f"{text} ; {outcome}"
    text = MARGIN.sub(r"will \1 win \2 by \3 ", text)
    text = re.sub(r"\bscores? (?:a|one) (goal|touchdown)\b", r"score 1+ \1", text)
    text = re.sub(r"\bafter (?:the )?(20\d\d) midterms?\b", r"in \1", text)
    names = INSTRUMENT.findall(text)
    text, times, hour = take_times(INSTRUMENT.sub(" ", text))
    text, levels = take_levels(text)
    tags = {("instrument", name) for name in names}
    text = _districts(text, tags)
    for pattern, plain in REPLACING:
        text = pattern.sub(plain, text)
    words = [FORMS.get(word, word) for word in re.findall(r"[a-z0-9]+", text)]
    whole = whole and not (ASKING & set(words) and not outcome)
    words = [word for word in words if word not in ASKING]
    filled: list[str] = []
    league = _league(words, given.symbol, tags, filled)
    words = _pair(words, tags, league)
    words = _tagged(_places(name_teams(words, league) if league else words, tags), tags)
    levels, times, hour = _from_ticker(given.symbol, tags, levels, times, hour, filled)
    terms = _settled(words, tags, levels, times, hour, whole, filled)
    return msgspec.structs.replace(terms, year_listed=listed_year(given.symbol))


def _adds(outcome: str, title: str) -> bool:
    """An outcome says more than its title, or the title only names the two that meet."""
    have = set(re.findall(r"[a-z0-9]+", title))
    if not set(re.findall(r"[a-z0-9]+", outcome)) <= have:
        return True
    return " win " not in f" {title} " and bool({"vs", "v"} & have)


def _districts(text: str, tags: set[tuple[str, str]]) -> str:
    def keep(found: re.Match[str]) -> str:
        code = STATES.get(found[1], found[1])
        if code not in CODES:
            return found.group()
        at_large = found[2] == "al" or not int(found[2])
        number = "al" if at_large else f"{int(found[2]):02}"
        tags.add(("place", f"{code}-{number}"))
        return " "

    return DISTRICT.sub(keep, NTH_DISTRICT.sub(keep, text))


def _league(words: list[str], symbol: str, tags: set[tuple[str, str]], filled: list[str]) -> str:
    """The league named, else the one in the ticker; words that name it become tags."""
    named = [word for word in words if word in (*LEAGUES, "mlb")]
    short = next((word for word in named if word in ("nl", "al")), "")
    if short:
        return short
    if named:
        return named[0]
    found = re.match(r"KX(WNBA|NBA|MLB|NFL|NHL|MLS)", symbol)
    if found:
        tags.add(("competition", found[1].lower()))
        filled.append("competition")
        return found[1].lower()
    return ""


def _pair(words: list[str], tags: set[tuple[str, str]], league: str) -> list[str]:
    """Take out `A vs B` as one term in which order does not matter."""
    at = next((n for n, word in enumerate(words) if word in ("vs", "versus", "v")), 0)
    if not 0 < at < len(words) - 1:
        return words
    first, last = at, at + 1
    while first > 0 and words[first - 1] not in PAIR_ENDS and at - first < 5:
        first -= 1
    while last < len(words) and words[last] not in PAIR_ENDS and last - at < 6:
        last += 1
    sides = [
        " ".join(name_teams(words[a:b], league) if league else words[a:b])
        for a, b in ((first, at), (at + 1, last))
    ]
    if not all(sides):
        return words
    tags.add(("pair", "|".join(sorted(sides))))
    return words[:first] + words[last:]


def _places(words: list[str], tags: set[tuple[str, str]]) -> list[str]:
    out: list[str] = []
    places: list[str] = []
    n = 0
    while n < len(words):
        size = next((s for s in (3, 2, 1) if tuple(words[n : n + s]) in STATE_WORDS), 0)
        place = STATE_WORDS[tuple(words[n : n + size])] if size else COUNTRIES.get(words[n], "")
        if place and not size:
            place = f"country {place}"
        elif words[n] == "dc":
            place = "dc"
        if place:
            places.append(place)
        out.append(place or words[n])
        n += size or 1
    states = [place for place in places if not place.startswith("country")]
    if states:
        # beside a state its own country says nothing, and another's may be a name: Kenyan Roe
        out = [word for word in out if word != "country us"]
        places = states
    if len(set(places)) == 1:
        tags.add(("place", places[0]))
        out = [word for word in out if word != places[0]]
    return out


def _tagged(words: list[str], tags: set[tuple[str, str]]) -> list[str]:
    out = []
    for word in words:
        kind = TAGS.get(word)
        if word == "winner":
            tags.add(("act", "win"))
        elif kind:
            tags.add((kind, word))
        elif word not in IDLE:
            out.append(word)
    return out


def _from_ticker(
    symbol: str,
    tags: set[tuple[str, str]],
    levels: tuple[Level, ...],
    times: tuple[When, ...],
    hour: str,
    filled: list[str],
) -> tuple[tuple[Level, ...], tuple[When, ...], str]:
    """Strike, day and hour of a price market, year of an election, where the title is silent."""
    kinds = {kind for kind, _ in tags}
    if "asset" in kinds:
        level, (day, clock) = ticker_level(symbol), ticker_time(symbol)
        if level and not levels:
            levels = (level,)
            filled.append("level")
        if clock and not hour:
            hour = clock
            filled.append("hour")
        if day and not times:
            times = (day,)
            filled.append("time")
    elif "office" in kinds and not times and ticker_year(symbol):
        times = (When("in", ticker_year(symbol)),)
        filled.append("time")
    return levels, times, hour


def _settled(
    words: list[str],
    tags: set[tuple[str, str]],
    levels: tuple[Level, ...],
    times: tuple[When, ...],
    hour: str,
    whole: bool,
    filled: list[str],
) -> Terms:
    """Terms that say one thing in two ways, said in one."""
    kinds = {kind for kind, _ in tags}
    if ("office", "house") in tags and any("-" in v for k, v in tags if k == "place"):
        tags = tags - {("office", "house")} | {("office", "house district")}
    elif kinds & {"party"} and any("-" in v for k, v in tags if k == "place"):
        tags = tags | {("office", "house district")}
    if kinds & {"office", "party"}:
        tags = tags - {("place", "country us")} if ("office", "president") not in tags else tags
    chamber = ("office", "house") in tags or ("office", "senate") in tags
    if chamber and ("act", "control") in tags:
        tags = tags - {("act", "control")} | {("act", "win")}
        times = tuple(
            When("in", when.year) if when.kind == "after" and not when.month else when
            for when in times
        )
    if ("competition", "nl") in tags or ("competition", "al") in tags or "cy" in words:
        tags = tags - {("competition", "mlb")}
    if ("competition", "fifa") in tags:
        tags = tags - {("sex", "mens")}
    levels = tuple(
        level for level in levels if not (level.margin and level.op == "gt" and not level.value)
    )
    return Terms(
        tuple(words), tuple(sorted(tags)), levels, times, hour, whole, tuple(sorted(filled))
    )
