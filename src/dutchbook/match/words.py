"""The words of titles that mean a place, an office, a party, a competition, or nothing at all."""

from typing import Final


def listed(text: str) -> frozenset[str]:
    """The words of a list written as one text."""
    return frozenset(text.split())


STATES: Final[dict[str, str]] = {
    name: code
    for line in (
        "al alabama,ak alaska,az arizona,ar arkansas,ca california,co colorado,ct connecticut",
        "de delaware,fl florida,ga georgia,hi hawaii,id idaho,il illinois,in indiana,ia iowa",
        "ks kansas,ky kentucky,la louisiana,me maine,md maryland,ma massachusetts,mi michigan",
        "mn minnesota,ms mississippi,mo missouri,mt montana,ne nebraska,nv nevada",
        "nh new hampshire,nj new jersey,nm new mexico,ny new york,nc north carolina",
        "nd north dakota,oh ohio,ok oklahoma,or oregon,pa pennsylvania,ri rhode island",
        "sc south carolina,sd south dakota,tn tennessee,tx texas,ut utah,vt vermont,va virginia",
        "wa washington,wv west virginia,wi wisconsin,wy wyoming,dc district of columbia",
    )
    for code, name in (part.split(" ", 1) for part in line.split(","))
}
"""Name of a state -> its code."""

COUNTRIES: Final[dict[str, str]] = {
    form: forms.split(" ")[0]
    for forms in (
        "us usa american",
        "uk britain british",
        "brazil brazilian",
        "france french",
        "germany german",
        "italy italian",
        "spain spanish",
        "portugal portuguese",
        "poland polish",
        "romania romanian",
        "bulgaria bulgarian",
        "hungary hungarian",
        "czechia czech",
        "slovakia slovak",
        "slovenia slovenian",
        "croatia croatian",
        "serbia serbian",
        "greece greek",
        "turkey turkish turkiye",
        "netherlands dutch",
        "belgium belgian",
        "sweden swedish",
        "norway norwegian",
        "denmark danish",
        "finland finnish",
        "ireland irish",
        "scotland scottish",
        "wales welsh",
        "england english",
        "austria austrian",
        "switzerland swiss",
        "ukraine ukrainian",
        "russia russian",
        "belarus belarusian",
        "china chinese",
        "taiwan taiwanese",
        "japan japanese",
        "korea korean",
        "india indian",
        "pakistan pakistani",
        "iran iranian",
        "iraq iraqi",
        "israel israeli",
        "lebanon lebanese",
        "syria syrian",
        "egypt egyptian",
        "canada canadian",
        "mexico mexican",
        "argentina argentine argentinian",
        "chile chilean",
        "colombia colombian",
        "peru peruvian",
        "bolivia bolivian",
        "venezuela venezuelan",
        "ecuador ecuadorian",
        "cuba cuban",
        "australia australian",
        "philippines philippine filipino",
        "thailand thai",
        "vietnam vietnamese",
        "indonesia indonesian",
        "malaysia malaysian",
        "nigeria nigerian",
        "kenya kenyan",
        "armenia armenian",
        "azerbaijan azerbaijani",
        "moldova moldovan",
        "latvia latvian",
        "lithuania lithuanian",
        "estonia estonian",
        "cyprus cypriot",
        "iceland icelandic",
        "honduras honduran",
    )
    for form in forms.split(" ")
}
"""A country or what is said of it -> the country."""

PHRASES: Final[tuple[tuple[str, str], ...]] = (
    (r"\b(?:united states of america|united states|u s a?)\b", "us"),
    (r"\bus (?=open\b)", "usopen "),
    (r"\bwashington d ?c\b", "dc"),
    (r"\bhouse of representatives\b", "house"),
    (r"\b(?:lieutenant|lt)\.? (?:governor(?:ship)?|gubernatorial)\b", "ltgovernor"),
    (r"\b(?:governorship|gubernatorial)\b", "governor"),
    (r"\b(?:prime minister(?:ship)?|pm)\b", "primeminister"),
    (r"\bvice (?:president(?:ial|cy)?)\b", "vicepresident"),
    (r"\b(?:presidential|presidency)\b", "president"),
    (r"\bmayoral(?:ty)?\b", "mayor"),
    (r"\battorney general\b", "attorneygeneral"),
    (r"\bsecretary of (state|defense|treasury|war)\b", r"secretary\1"),
    (r"\bsenat(?:e|or|orial)\b", "senate"),
    (r"\b(?:democratic party|democrats?|democratic|dems?)\b", "democratic"),
    (r"\b(?:republican party|republicans?|gop)\b", "republican"),
    (r"\b(?:womens|women s|female) (?:pro basketball|national basketball association)\b", "wnba"),
    (r"\b(?:pro(?:fessional)? baseball|major league baseball)\b", "mlb"),
    (r"\b(?:pro(?:fessional)? basketball|national basketball association)\b", "nba"),
    (r"\b(?:pro(?:fessional)? football|national football league)\b", "nfl"),
    (r"\b(?:pro(?:fessional)? hockey|national hockey league)\b", "nhl"),
    (r"\b(?:formula (?:1|one))\b", "f1"),
    (r"\b(?:nlcs)\b", "national league championship"),
    (r"\b(?:alcs)\b", "american league championship"),
    (r"\bnational league\b", "nl"),
    (r"\bamerican league\b", "al"),
    (r"\bchampionship series\b", "championship"),
    (r"\b(?:nfl )?super bowl\b", "nfl championship"),
    (r"\b(?:nhl )?stanley cup(?: finals?)?\b", "nhl championship"),
    (r"\bworld series\b", "mlb championship"),
    (r"\b(nba|wnba|nhl) (?:finals|title)\b", r"\1 championship"),
    (r"\bbe (?:the )?(.{0,60}?)\bchampions?\b", r"win \1 championship"),
    (r"\btitle\b", "championship"),
    (r"\b(?:stage|phase|round) (\d)\b", r"stage\1"),
    (r"\b(?:first|1st) round\b", "firstround"),
    (r"\b(?:second|2nd) round\b", "runoff"),
    (r"\brun off\b", "runoff"),
    (r"\b(?:grand finals?)\b", "grandfinal"),
    (r"\b(?:semi ?finals?)\b", "semifinal"),
    (r"\b(?:quarter ?finals?)\b", "quarterfinal"),
    (r"\bplay ?offs?\b", "playoff"),
    (r"\b(?:qualif(?:y|ies)|advance|advances) (?:for|to|into)\b", "reach"),
    (r"\b(?:reach|reaches|make it to|make)\b", "reach"),
    (r"\bwin (?:the )?(.{0,60}?)\bnomination\b", r"be \1 nominee"),
    (r"\bnext (.{0,40}?)\belection\b", r"\1 election"),
    (r"\bnext (?:person|individual|official|one|member) to\b", "next to"),
    (r"\b(?:be )?(?:out as|out of office as|leave as|leave office as)\b", "leave"),
    (r"\bfirst\b", "1st"),
    (r"\bsecond\b", "2nd"),
    (r"\bthird\b", "3rd"),
    (r"\b(?:bitcoin|xbt)\b", "btc"),
    (r"\b(?:ethereum|ether)\b", "eth"),
    (r"\bsolana\b", "sol"),
    (r"\bdogecoin\b", "doge"),
    (r"\bripple\b", "xrp"),
)
"""Ways of saying -> one way, on plain text, in this order."""

TAGS: Final[dict[str, str]] = {
    word: kind
    for kind, words in (
        ("party", "democratic republican libertarian green independent labour conservative"),
        (
            "office",
            "house senate governor ltgovernor president vicepresident primeminister mayor"
            " attorneygeneral secretarystate chancellor speaker parliament",
        ),
        (
            "stage",
            "primary nominee firstround runoff grandfinal semifinal quarterfinal playoff final"
            " stage1 stage2 stage3 stage4 ballot caucus championship group knockout",
        ),
        ("competition", "mlb nba wnba nfl nhl mls nl al f1 ncaa fifa uefa"),
        ("sex", "mens womens men women"),
        ("act", "win reach lead finish arrested score leave resign control"),
        ("asset", "btc eth sol doge xrp gold silver oil"),
        ("not", "not never fail fails lose loses"),
    )
    for word in words.split()
}
"""A word of a closed set -> the kind of term that it is."""

FORMS: Final[dict[str, str]] = {
    "wins": "win",
    "winning": "win",
    "won": "win",
    "finals": "final",
    "leads": "lead",
    "finishes": "finish",
    "scores": "score",
    "leaves": "leave",
    "resigns": "resign",
    "controls": "control",
    "men": "mens",
    "women": "womens",
    "never": "not",
    "fail": "not",
    "fails": "not",
    "goals": "goal",
    "points": "point",
    "runs": "run",
    "cases": "case",
    "seats": "seat",
    "games": "game",
    "cuts": "cut",
    "hikes": "hike",
    "strikeouts": "strikeout",
    "exists": "exist",
    "assists": "assist",
    "elections": "election",
    "awards": "award",
    "races": "race",
    "championships": "championship",
    "drivers": "driver",
    "constructors": "constructor",
    "primaries": "primary",
}
"""Inflected -> plain."""

IDLE: Final = listed(
    """the a an will be is are it its this that of in at for to on by with there and s race seat
    election award winner season price or has have get gets become becomes regular general
    seats person officially official during prize party overall game match
    midterm midterms"""
)
"""Words that add nothing once every term is taken out. `game` is taken out with its teams."""

SOFT: Final = listed("team esports esport gaming club fc cf sc major league tournament singles")
"""Parts of names that one venue leaves out; dropped only where the other side lacks them."""

GIVEN: Final[dict[str, str]] = {
    short: full
    for line in (
        "mike michael,matt matthew,tom thomas,joe joseph,bob robert,rob robert,bill william",
        "dan daniel,dave david,jim james,josh joshua,ben benjamin,nick nicholas,tony anthony",
        "ed edward,andy andrew,greg gregory,jeff jeffrey,ken kenneth,tim timothy,zach zachary",
        "jon jonathan,cam cameron,bernie bernard,ron ronald,don donald",
    )
    for short, full in (part.split(" ") for part in line.split(","))
}
"""Short given names; they count only beside an equal family name."""

TWINS: Final = frozenset(
    frozenset(pair)
    for pair in (
        ("johnson", "johnston"),
        ("thomson", "thompson"),
        ("robison", "robinson"),
        ("morison", "morrison"),
        ("hanson", "hansson"),
        ("anderson", "andersson"),
        ("nielson", "nielsson"),
        ("peterson", "petersson"),
        ("austria", "australia"),
    )
)
"""Names a letter apart that are two names, not one misspelt."""
