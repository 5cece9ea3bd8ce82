"""Teams of the big leagues: city and nickname, so that a city alone is read where it is unique."""

from functools import cache
from typing import Final

LEAGUES: Final[dict[str, str]] = {
    "nl": "Arizona:Diamondbacks Atlanta:Braves Chicago:Cubs Cincinnati:Reds Colorado:Rockies"
    " Los_Angeles:Dodgers Miami:Marlins Milwaukee:Brewers New_York:Mets Philadelphia:Phillies"
    " Pittsburgh:Pirates San_Diego:Padres San_Francisco:Giants St_Louis:Cardinals"
    " Washington:Nationals",
    "al": "Athletics:As Baltimore:Orioles Boston:Red_Sox Chicago:White_Sox Cleveland:Guardians"
    " Detroit:Tigers Houston:Astros Kansas_City:Royals Los_Angeles:Angels Minnesota:Twins"
    " New_York:Yankees Seattle:Mariners Tampa_Bay:Rays Texas:Rangers Toronto:Blue_Jays",
    "nba": "Atlanta:Hawks Boston:Celtics Brooklyn:Nets Charlotte:Hornets Chicago:Bulls"
    " Cleveland:Cavaliers Dallas:Mavericks Denver:Nuggets Detroit:Pistons Golden_State:Warriors"
    " Houston:Rockets Indiana:Pacers Los_Angeles:Clippers Los_Angeles:Lakers Memphis:Grizzlies"
    " Miami:Heat Milwaukee:Bucks Minnesota:Timberwolves New_Orleans:Pelicans New_York:Knicks"
    " Oklahoma_City:Thunder Orlando:Magic Philadelphia:76ers Phoenix:Suns"
    " Portland:Trail_Blazers Sacramento:Kings San_Antonio:Spurs Toronto:Raptors Utah:Jazz"
    " Washington:Wizards",
    "nfl": "Arizona:Cardinals Atlanta:Falcons Baltimore:Ravens Buffalo:Bills Carolina:Panthers"
    " Chicago:Bears Cincinnati:Bengals Cleveland:Browns Dallas:Cowboys Denver:Broncos"
    " Detroit:Lions Green_Bay:Packers Houston:Texans Indianapolis:Colts Jacksonville:Jaguars"
    " Kansas_City:Chiefs Las_Vegas:Raiders Los_Angeles:Chargers Los_Angeles:Rams Miami:Dolphins"
    " Minnesota:Vikings New_England:Patriots New_Orleans:Saints New_York:Giants New_York:Jets"
    " Philadelphia:Eagles Pittsburgh:Steelers San_Francisco:49ers Seattle:Seahawks"
    " Tampa_Bay:Buccaneers Tennessee:Titans Washington:Commanders",
    "nhl": "Anaheim:Ducks Boston:Bruins Buffalo:Sabres Calgary:Flames Carolina:Hurricanes"
    " Chicago:Blackhawks Colorado:Avalanche Columbus:Blue_Jackets Dallas:Stars Detroit:Red_Wings"
    " Edmonton:Oilers Florida:Panthers Los_Angeles:Kings Minnesota:Wild Montreal:Canadiens"
    " Nashville:Predators New_Jersey:Devils New_York:Islanders New_York:Rangers Ottawa:Senators"
    " Philadelphia:Flyers Pittsburgh:Penguins San_Jose:Sharks Seattle:Kraken St_Louis:Blues"
    " Tampa_Bay:Lightning Toronto:Maple_Leafs Utah:Mammoth Vancouver:Canucks"
    " Vegas:Golden_Knights Washington:Capitals Winnipeg:Jets",
    "mls": "Atlanta:United Austin:FC Charlotte:FC Chicago:Fire Cincinnati:FC Colorado:Rapids"
    " Columbus:Crew DC:United Dallas:FC Houston:Dynamo Los_Angeles:FC Los_Angeles:Galaxy"
    " Miami:Inter Minnesota:United Montreal:CF Nashville:SC New_England:Revolution"
    " New_York:Red_Bulls New_York_City:FC Orlando:City Philadelphia:Union Portland:Timbers"
    " Salt_Lake:Real San_Diego:FC San_Jose:Earthquakes Seattle:Sounders Kansas_City:Sporting"
    " St_Louis:City Toronto:FC Vancouver:Whitecaps",
    "wnba": "Atlanta:Dream Chicago:Sky Connecticut:Sun Dallas:Wings Golden_State:Valkyries"
    " Indiana:Fever Las_Vegas:Aces Los_Angeles:Sparks Minnesota:Lynx New_York:Liberty"
    " Phoenix:Mercury Seattle:Storm Washington:Mystics Toronto:Tempo Portland:Fire",
}
"""Written `City:Nickname`, with `_` for a space."""


@cache
def names_of(league: str) -> dict[tuple[str, ...], str]:
    """Words of a name -> the team, for every name that means one team in this league."""
    text = f"{LEAGUES['nl']} {LEAGUES['al']}" if league == "mlb" else LEAGUES.get(league, "")
    teams = [tuple(part.lower().split(":")) for part in text.split()]
    found: dict[tuple[str, ...], set[str]] = {}
    for city, nick in teams:
        team = f"{city}-{nick}"
        towns, nicks = city.split("_"), nick.split("_")
        initials = "".join(word[0] for word in nicks)
        forms = [towns, nicks, towns + nicks, nicks + towns, [*towns, initials]]
        if city == "los_angeles":
            forms += [["la", *nicks], ["la", initials], ["la"]]
        if nick in ("fc", "cf", "sc"):
            forms.remove(nicks)
        for form in forms:
            found.setdefault(tuple(form), set()).add(team)
    return {form: min(owners) for form, owners in found.items() if len(owners) == 1}


def name_teams(words: list[str], league: str) -> list[str]:
    """The words with every name of a team in this league put as one word."""
    names = names_of(league)
    out: list[str] = []
    n = 0
    while n < len(words):
        size = next((s for s in (4, 3, 2, 1) if tuple(words[n : n + s]) in names), 0)
        out.append(names[tuple(words[n : n + size])] if size else words[n])
        n += size or 1
    return out
