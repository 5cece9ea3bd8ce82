"""A market's rule text read into terms of settlement: source, time, and what each state pays."""

import re
from typing import Final, Literal

import msgspec

from dutchbook.match.terms import fold
from dutchbook.match.times import HOURS, When, take_times
from dutchbook.match.words import listed

RULES_MAX: Final = 12_000
"""Characters of a rule text that are read; a longer one is never called equal to another."""
SENTENCE_MAX: Final = 1_200

State = Literal[
    "tie", "cancelled", "postponed", "postponed too long", "undecided", "walkover", "retired",
    "absent", "eliminated", "nobody by then", "announced",
]  # fmt: skip
Pay = Literal[
    "0.50",
    "fair price",
    "last price",
    "tie-break",
    "waits",
    "NO",
    "YES",
    "played result",
    "unclear",
]

STATES: Final[tuple[tuple[State, str], ...]] = (
    ("tie", r"\b(?:ties?|tied|draws?|drawn|dead heat)\b(?! ?-?break)"),
    ("eliminated", r"\bbecomes? impossible\b|\bmathematically eliminated\b|\bis eliminated\b"),
    (
        "undecided",
        r"\bno winner\b|\bwinner (?:has|is|was) not\b|\bresults?\b.{0,60}\bnot (?:known|confirmed"
        r"|available)\b|\bcannot be determined\b|\bnot been completed\b|\bnot completed by\b",
    ),
    ("announced", r"\bannouncement\b.{0,160}\bimmediately resolve"),
    ("retired", r"\b(?:withdraws?|retires?|forfeits?|forfeited|disqualified)\b.{0,60}\bafter\b"
     r"|\bbegins and is subsequently forfeited\b"),
    ("walkover", r"\bwalkover\b|\bforfeit(?:ed|ure)?\b.{0,40}\bbefore\b"),
    ("absent", r"\bscratched\b|\binactive\b|\bdoes not play\b|\bnever takes\b|\bnot (?:a|in the|"
     r"included in the) starting\b|\bdoes not participate\b"),
    ("nobody by then", r"\bif (?:no ?one|nobody|no such)\b"),
    ("cancelled", r"\bcancel(?:l?ed|lation)\b|\bdoes not occur\b|\bno .{2,50}\btakes place\b"
     r"|\bnot played\b|\babandoned\b"),
)  # fmt: skip
DELAY: Final = re.compile(r"\b(?:postpon\w*|rescheduled|delayed|not (?:been )?started within)\b")
TOO_LONG: Final = re.compile(
    r"\b(?:rescheduled|postponed) (?:to |for )?(?:over|further than|more than|beyond|until after"
    r"|after)\b|\bnot (?:been )?started within\b|\bfurther than\b"
)
PAYS: Final[tuple[tuple[Pay, str], ...]] = (
    ("0.50", r"\b50 ?[-/] ?50\b|\$0?\.50\b|\b50 ?(?:%|cents)"),
    ("last price", r"\blast (?:traded |trade )price\b|\blast traded\b"),
    ("fair price", r"\bfair (?:market )?(?:price|value)\b"),
    ("tie-break", r"\balphabetical|\btie ?-?breaks?\b|\btie ?-?breaker|\bofficial (?:winner|leader"
     r"|champion) as determined\b|\bbroken according\b"),
    ("NO", r"\bmarket called tie resolves to yes\b"),
    ("waits", r"\bremains? open\b|\bstays? open\b"),
    ("played result", r"\baccording to the official (?:final )?result\b"
     r"|\bbased on the (?:official )?(?:final )?(?:result|score)\b"),
    ("NO", r"\b(?:resolve|settle)s? (?:this market )?(?:to |as |in favor of )?(?:no|other|none)\b"),
    ("YES", r"\b(?:resolve|settle)s? (?:this market )?(?:to |as |in favor of )?yes\b"),
)  # fmt: skip
SOURCES: Final[dict[str, str]] = {
    "binance": "binance",
    "coinbase": "coinbase",
    "cf benchmarks": "cf benchmarks",
    "brti": "cf benchmarks",
    "pyth": "pyth",
    "chainlink": "chainlink",
    "coingecko": "coingecko",
    "associated press": "associated press",
    "bureau of labor statistics": "bls",
    "bls": "bls",
    "bureau of economic analysis": "bea",
    "federal reserve": "federal reserve",
    "centers for disease control": "cdc",
    "cdc": "cdc",
    "national weather service": "weather service",
    "nws": "weather service",
    "noaa": "noaa",
    "weather underground": "wunderground",
    "wunderground": "wunderground",
    "accuweather": "accuweather",
    "governing body": "organiser",
    "governing league": "organiser",
    "event organizer": "organiser",
    "tournament organizer": "organiser",
    "official information from mlb": "organiser",
    "official information from the mlb": "organiser",
    "official information from the nfl": "organiser",
    "official information from nfl": "organiser",
    "official information from the nba": "organiser",
    "official information from nba": "organiser",
    "official information from wnba": "organiser",
    "official information from the wnba": "organiser",
    "official information from the nhl": "organiser",
    "official information from nhl": "organiser",
    "official information from fifa": "organiser",
    "official information from f1": "organiser",
    "official information from esl": "organiser",
    "hltv": "hltv",
    "credible reporting": "credible reporting",
}
METHODS: Final[tuple[tuple[str, str], ...]] = (
    ("average", r"\b(?:simple |arithmetic )?average\b|\bmean of\b|\btwap\b|\bvwap\b"),
    ("candle close", r"\bcandle\b|\bclosing price\b|\bfinal close\b"),
    ("any trade", r"\bany (?:1|one)[- ]minute\b|\bat any (?:point|time)\b|\bhigh price\b"),
)
NUMBERS: Final = {"one": 1, "two": 2, "three": 3, "seven": 7, "fourteen": 14}
WINDOW: Final = re.compile(
    r"\b(?:within|over|than) (one|two|three|seven|fourteen|\d{1,3}) (hour|day|week)s?\b"
)
EVERY_DAY: Final = listed("trademarks affiliated endorsed")


class Settlement(msgspec.Struct, frozen=True):
    """Terms of settlement; `pays` has at most one entry for a state, with its limit as text."""

    sources: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    hours: tuple[str, ...] = ()
    deadlines: tuple[When, ...] = ()
    overtime: str = ""
    pays: tuple[tuple[State, Pay, str], ...] = ()
    whole: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all was understood."""
        return not (self.sources or self.methods or self.hours or self.deadlines or self.pays)


def read_rules(text: str) -> Settlement:
    """The terms in a rule text; bounded, never raising, with what is contradictory as `unclear`."""
    sources: set[str] = set()
    methods: set[str] = set()
    hours: set[str] = set()
    deadlines: set[When] = set()
    overtime: set[str] = set()
    pays: dict[State, tuple[Pay, str]] = {}
    for sentence in sentences(text[:RULES_MAX]):
        sources |= {name for form, name in SOURCES.items() if _has(sentence, form)}
        overtime |= _overtime(sentence)
        found = _states(sentence)
        if found:
            _note(found, sentence, pays)
        else:
            methods |= {name for name, form in METHODS if re.search(form, sentence)}
            _times(sentence, hours, deadlines)
    return Settlement(
        tuple(sorted(sources)),
        tuple(sorted(methods)),
        tuple(sorted(hours)),
        tuple(sorted(deadlines)),
        "unclear" if len(overtime) > 1 else min(overtime, default=""),
        tuple((state, pay, limit) for state, (pay, limit) in sorted(pays.items())),
        len(text) <= RULES_MAX,
    )


def sentences(text: str) -> list[str]:
    """The sentences of a rule text, folded; disclaimers that every market has are left out."""
    parts = re.split(r"\n+|(?<=[.?!])[\"”)]?\s+(?=[A-Z\"“*])", text)
    folded = [fold(part[:SENTENCE_MAX]) for part in parts if part.strip()]
    return [part for part in folded if not EVERY_DAY & set(part.replace(",", " ").split())]


def _has(sentence: str, form: str) -> bool:
    return form in sentence and re.search(rf"\b{re.escape(form)}\b", sentence) is not None


def _overtime(sentence: str) -> set[str]:
    if re.search(r"\b(?:not|excluding|excludes) (?:include )?(?:extra time|overtime)", sentence):
        return {"excluded"}
    if re.search(r"\b(?:includes|including|include) (?:any )?(?:extra time|overtime|extra innings)",
                 sentence):  # fmt: skip
        return {"included"}
    return set()


def _states(sentence: str) -> list[State]:
    found = [state for state, form in STATES if re.search(form, sentence)]
    # "cancelled before it starts, by walkover" is one way not to be played
    if "walkover" in found and "cancelled" in found:
        found.remove("walkover")
    if "nobody by then" in found:
        found = ["nobody by then"]
    if DELAY.search(sentence):
        waits = re.search(PAYS[5][1], sentence)
        found.append(
            "postponed" if waits or not TOO_LONG.search(sentence) else "postponed too long"
        )
    return found


def _note(found: list[State], sentence: str, pays: dict[State, tuple[Pay, str]]) -> None:
    pay = next((name for name, form in PAYS if re.search(form, sentence)), None)
    if pay is None:
        if re.search(r"\b(?:resolve|settle)", sentence):
            pay = "unclear"
        else:
            return
    limit = _limit(sentence)
    for named in found:
        late = named == "postponed" and pay not in ("waits", "unclear")
        state: State = "postponed too long" if late else named
        old = pays.get(state)
        if old and old[0] != pay:
            pays[state] = ("unclear", limit)
        elif not old or not old[1]:
            pays[state] = (pay, limit)


def _limit(sentence: str) -> str:
    """How long is waited: hours from the planned start, or a last day."""
    span = WINDOW.search(sentence)
    if span:
        count = NUMBERS.get(span[1]) or int(span[1])
        return f"{count * {'hour': 1, 'day': 24, 'week': 168}[span[2]]} h"
    _, times, _ = take_times(sentence)
    days = [when for when in times if when.year and when.month and when.day]
    return f"{days[0].year}-{days[0].month:02}-{days[0].day:02}" if len(days) == 1 else ""


def _times(sentence: str, hours: set[str], deadlines: set[When]) -> None:
    _, times, hour = take_times(sentence)
    deadlines |= {when for when in times if when.kind == "by" and when.year}
    end_of_day = "11:59" in sentence or "originally scheduled" in sentence
    if hour and not end_of_day and any(form.search(sentence) for form in HOURS):
        hours.add(hour)
