"""Which questions exist: singles, twins, ladders, events and decoys, over both venues."""

from random import Random

from dutchbook.domain.units import ONE, Ns
from dutchbook.emulators.market import words
from dutchbook.emulators.market.builder import Builder, day_code, stamp
from dutchbook.emulators.market.cluster import Cluster, normal

NO_WORDS = "If not, it resolves to No."


def catalogue(seed: int, start: Ns) -> Builder:
    """Every series, event, market and cluster of a world, from the seed alone."""
    build = Builder(Random(f"catalogue {seed}"), start)
    for part in (_singles, _opposites, _ladders, _dates, _games, _events, _fields):
        part(build)
    for part in (_poly_fields, _open_fields, _partial, _decoys):
        part(build)
    return build


def _capital(claim: str) -> str:
    return claim[0].upper() + claim[1:]


def _binary(build: Builder) -> list[int]:
    yes = build.rng.randrange(120_000, 880_000)
    return [yes, ONE - yes]


def _tick(build: Builder, usual: tuple[int, ...] = (10_000, 10_000, 1_000)) -> int:
    return build.rng.choice(usual)


def _kalshi_single(
    build: Builder,
    word: tuple[str, str, str, str],
    p_yes: frozenset[int],
    cluster: Cluster,
    days: float,
    structure: str,
) -> str:
    code, claim, category, _ = word
    closes = build.day(days)
    fee_type = "quadratic_with_maker_fees" if build.rng.random() < 0.2 else "quadratic"
    multiplier = 500_000 if build.rng.random() < 0.12 else ONE
    series = build.kalshi_series(
        f"KX{code}", claim, category, fee_type=fee_type, multiplier=multiplier
    )
    by = stamp(closes, "%b %-d, %Y")
    event = build.kalshi_event(series, day_code(closes), f"{_capital(claim)}?", closes)
    rules = f"If {claim} before {by}, then the market resolves to Yes. {NO_WORDS}"
    key = build.kalshi_market(
        event, "", f"{_capital(claim)} before {by}?", f"Before {by}", rules, structure=structure
    )
    cluster.states[key] = p_yes
    return key


def _poly_single(
    build: Builder,
    word: tuple[str, str, str, str],
    p_yes: frozenset[int],
    cluster: Cluster,
    days: float,
    tick: int,
) -> str:
    code, claim, category, question = word
    closes = build.day(days)
    by = stamp(closes, "%B %-d")
    slug = f"{'-'.join(question.lower().split())}-by-{stamp(closes, '%B-%-d').lower()}"
    event = build.poly_event(slug, f"{question} by {by}?", category, closes)
    rules = (
        f'This market will resolve to "Yes" if {claim} by {by}, {stamp(closes, "%Y")}, 11:59 PM '
        f'ET. Otherwise, this market will resolve to "No". The source is a consensus of credible '
        f"reporting. ({code.lower()})"
    )
    key = build.poly_market(event, slug, f"{question} by {by}?", "", rules, tick=tick)
    cluster.states[key] = p_yes
    return key


def _singles(build: Builder) -> None:
    yes = frozenset({0})
    for word in words.SINGLES:
        heat = build.rng.choice((0, 0, 0, 1, 2))
        cluster = build.cluster(word[0], "single", _binary(build), heat)
        days = build.rng.choice((3, 9, 20, 40, 75, 130))
        structure = build.rng.choice(("linear_cent", "linear_cent", "tapered_deci_cent"))
        _kalshi_single(build, word, yes, cluster, days, structure)
        _poly_single(build, word, yes, cluster, days, _tick(build, (10_000, 1_000, 5_000)))


def _opposites(build: Builder) -> None:
    for word in words.OPPOSITES:
        cluster = build.cluster(word[0], "single", _binary(build))
        _kalshi_single(build, word, frozenset({0}), cluster, 60, "linear_cent")
        other = (word[0], f"it happens that {word[3]}", word[2], word[3])
        _poly_single(build, other, frozenset({1}), cluster, 60, _tick(build))


def _ladders(build: Builder) -> None:
    for n, (code, name, what, category, low, step, count, form, heat) in enumerate(words.LADDERS):
        bell = [
            1 / (1 + abs(i - count / 2 + build.rng.uniform(-0.8, 0.8))) for i in range(count + 1)
        ]
        cluster = build.cluster(code, "ladder", normal(bell, 15_000), heat)
        closes = build.day(build.rng.choice((2, 5, 12, 30)))
        if n % 3 != 2:
            places = range(count) if n % 3 == 0 else range(0, count, 2)
            _kalshi_rungs(build, cluster, code, what, category, low, step, form, count, closes)
        else:
            places = range(count)
        if n % 3 != 1:
            slug = f"{'-'.join(name.lower().split())}-above-on-{stamp(closes, '%B-%-d').lower()}"
            when = stamp(closes, "%B %-d")
            event = build.poly_event(slug, f"{name} above ___ on {when}?", category, closes)
            tick = 1_000 if heat > 1 else 10_000
            for place in places:
                label = form.format(low + place * step)
                question = f"Will {name} be {label} on {when}?"
                rules = f'Resolves to "Yes" if {what} is {label} at noon ET on {when}.'
                key = build.poly_market(event, f"{slug}-{place}", question, label, rules, tick=tick)
                cluster.states[key] = frozenset(range(place + 1, count + 1))


def _kalshi_rungs(
    build: Builder,
    cluster: Cluster,
    code: str,
    what: str,
    category: str,
    low: float,
    step: float,
    form: str,
    count: int,
    closes: Ns,
) -> None:
    fee_type = "quadratic_with_maker_fees" if category == "Economics" else "quadratic"
    multiplier = 500_000 if code in ("INX", "NASDAQ") else ONE
    series = build.kalshi_series(
        f"KX{code}", what, category, fee_type=fee_type, multiplier=multiplier, frequency="daily"
    )
    when = stamp(closes, "%b %-d, %Y")
    event = build.kalshi_event(series, day_code(closes), f"How high is {what} on {when}?", closes)
    structure = "deci_cent" if cluster.heat == 2 else "linear_cent"
    for place in range(count):
        strike = round(low + place * step, 2)
        label = form.format(strike)
        rules = f"If {what} is {label} on {when} at 12:00 PM EST, the market resolves to Yes."
        key = build.kalshi_market(
            event,
            f"T{strike:g}",
            f"Will {what} be {label} on {when}?",
            label,
            rules,
            structure=structure,
            strike=strike,
        )
        cluster.states[key] = frozenset(range(place + 1, count + 1))


def _dates(build: Builder) -> None:
    for n, (code, claim, category, heat) in enumerate(words.DATES):
        steps = (20, 50, 110, 200)
        weights = [build.rng.uniform(0.6, 1.4) for _ in range(5)]
        cluster = build.cluster(code, "ladder", normal(weights, 50_000), heat)
        if n % 2 == 0:
            series = build.kalshi_series(f"KX{code}", claim, category)
            event = build.kalshi_event(
                series, day_code(build.day(200)), f"{_capital(claim)}: when?", build.day(200)
            )
            for place, days in enumerate(steps):
                closes = build.day(days)
                by = stamp(closes, "%b %-d, %Y")
                key = build.kalshi_market(
                    event,
                    day_code(closes),
                    f"{_capital(claim)} before {by}?",
                    f"Before {by}",
                    f"If {claim} before {by}, then the market resolves to Yes. {NO_WORDS}",
                    closes=closes,
                )
                cluster.states[key] = frozenset(range(place + 1))
        if n % 4 != 0:
            slug = f"{'-'.join(claim.lower().replace('$', '').replace(',', '').split())}-by"
            poly = build.poly_event(slug, f"{_capital(claim)} by...?", category, build.day(200))
            for place, days in enumerate(steps):
                closes = build.day(days)
                by = stamp(closes, "%B %-d, %Y")
                key = build.poly_market(
                    poly,
                    f"{slug}-{stamp(closes, '%B-%-d-%Y').lower()}",
                    f"{_capital(claim)} by {by}?",
                    by,
                    f'Resolves to "Yes" if {claim} by {by}, 11:59 PM ET.',
                    tick=_tick(build),
                    closes=closes,
                )
                cluster.states[key] = frozenset(range(place + 1))


def _kalshi_outcomes(
    build: Builder,
    cluster: Cluster,
    code: str,
    title: str,
    category: str,
    names: list[str],
    days: float,
    structure: str,
    exhaustive: bool,
) -> None:
    closes = build.day(days)
    series = build.kalshi_series(f"KX{code}", title, category)
    event = build.kalshi_event(
        series,
        f"{day_code(closes)}{len(build.events)}",
        f"{title}?",
        closes,
        exclusive=True,
        exhaustive=exhaustive,
    )
    for place, name in enumerate(names):
        rules = f"If {name} is the outcome of {title}, then the market resolves to Yes. {NO_WORDS}"
        suffix = f"{''.join(c for c in name.upper() if c.isalnum())[:6]}{place}"
        key = build.kalshi_market(
            event, suffix, f"{title}: {name}?", name, rules, structure=structure
        )
        cluster.states[key] = frozenset({place})


def _poly_outcomes(
    build: Builder,
    cluster: Cluster,
    slug: str,
    title: str,
    category: str,
    names: list[str],
    days: float,
    tick: int,
    *,
    augmented: bool = False,
    listed_other: bool = False,
) -> None:
    closes = build.day(days)
    event = build.poly_event(
        f"{slug}-{len(build.events)}",
        title,
        category,
        closes,
        neg_risk=True,
        exhaustive=not augmented,
        augmented=augmented,
    )
    for place, name in enumerate(names):
        key = build.poly_market(
            event,
            f"{event.symbol}-{place}",
            f"{title}: will it be {name}?",
            name,
            f'Resolves to "Yes" if the outcome of "{title}" is {name}, else to "No".',
            tick=tick,
            other=listed_other and place == len(names) - 1,
        )
        cluster.states[key] = frozenset({place})


def _games(build: Builder) -> None:
    for n, (code, sport, home, away) in enumerate(words.GAMES):
        cluster = build.cluster(f"{code}{n}", "event", _binary(build), 3 if n < 2 else 1)
        title = f"{sport}: {home} vs {away}"
        _kalshi_outcomes(
            build, cluster, code, title, "Sports", [home, away], 1 + n / 4, "linear_cent", True
        )
        if n % 2:
            closes = build.day(1 + n / 4)
            slug = f"{home}-vs-{away}-{n}".lower().replace(" ", "-")
            event = build.poly_event(slug, f"{home} vs. {away}", "Sports", closes)
            key = build.poly_market(
                event,
                slug,
                f"Will {home} beat {away}?",
                home,
                f'Resolves to "Yes" if {home} wins the {sport} game against {away}.',
                tick=1_000,
            )
            cluster.states[key] = frozenset({0})


def _events(build: Builder) -> None:
    for n, (code, title, category, heat, names) in enumerate(words.EVENTS):
        weights = [build.rng.uniform(0.5, 1.5) for _ in names]
        cluster = build.cluster(code, "event", normal(weights, 60_000), heat)
        days = build.rng.choice((4, 15, 25))
        if n % 4 != 3:
            structure = "tapered_deci_cent" if n % 2 else "linear_cent"
            _kalshi_outcomes(
                build, cluster, code, title, category, list(names), days, structure, True
            )
        if n % 4 != 2:
            _poly_outcomes(
                build, cluster, code.lower(), title, category, list(names), days, _tick(build)
            )


def _fields(build: Builder) -> None:
    for code, title, category, count, heat in words.FIELDS:
        weights = [1 / (place + 1.2) for place in range(count)]
        cluster = build.cluster(code, "event", normal(weights, 4_000), heat)
        _kalshi_outcomes(
            build,
            cluster,
            code,
            title,
            category,
            words.people(count),
            90,
            "tapered_deci_cent" if count > 20 else "linear_cent",
            True,
        )


def _poly_fields(build: Builder) -> None:
    for slug, title, category, count, heat in words.POLY_FIELDS:
        weights = [1 / (place + 1.2) for place in range(count)]
        cluster = build.cluster(slug, "event", normal(weights, 4_000), heat)
        _poly_outcomes(
            build,
            cluster,
            slug,
            title,
            category,
            words.people(count),
            60,
            1_000 if count > 10 else 2_500,
        )


def _open_fields(build: Builder) -> None:
    for slug, title, category, count, listed in words.OPEN_FIELDS:
        weights = [build.rng.uniform(0.5, 1.5) for _ in range(count)]
        p = normal(weights, 40_000)
        rest = build.rng.randrange(70_000, 100_000)
        cluster = build.cluster(slug, "other", [*(x * (ONE - rest) // ONE for x in p), 0])
        cluster.p[-1] = ONE - sum(cluster.p)
        cluster.home = list(cluster.p)
        names = words.people(count)
        if listed:
            names[-1] = "another person"
        _poly_outcomes(
            build,
            cluster,
            slug,
            title,
            category,
            names,
            300,
            1_000,
            augmented=True,
            listed_other=listed,
        )


def _partial(build: Builder) -> None:
    """Exclusive Kalshi events that name some outcomes only; the API does not say so."""
    for code, title, category, count in words.PARTIAL:
        weights = [build.rng.uniform(0.5, 1.5) for _ in range(count + 1)]
        cluster = build.cluster(code, "event", normal(weights, 60_000))
        _kalshi_outcomes(
            build, cluster, code, title, category, words.people(count), 14, "linear_cent", False
        )


def _decoys(build: Builder) -> None:
    """Two questions that read alike and are not: other date, strike, hour, source or rule."""
    yes = frozenset({0})
    for n, (code, claim, category, question, differs) in enumerate(words.DECOYS):
        first = build.cluster(code, "single", _binary(build), 2 if "HOUR" in code else 0)
        away = build.rng.choice((-1, 1)) * build.rng.randrange(15_000, 30_000)
        p = first.p[0] + away
        second = build.cluster(f"{code}-2", "single", [p, ONE - p])
        days = build.rng.choice((2, 6, 15))
        a = _kalshi_single(build, (code, claim, category, ""), yes, first, days, "linear_cent")
        word = (code, question, category, question)
        b = _poly_single(build, word, yes, second, days + (n % 3), _tick(build))
        build.decoys.append(("same" if n % 3 else "implies", (a, b), f"titles agree; {differs}"))
