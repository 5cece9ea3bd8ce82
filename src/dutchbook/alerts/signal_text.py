"""The wording of alerts about what was seen elsewhere: whales, news, filings, games."""

from datetime import UTC, tzinfo
from typing import NamedTuple

from dutchbook.alerts.words import cent, clean, clock, usd
from dutchbook.domain.units import ONE, SECOND, Ns


class Whale(NamedTuple):
    """A large trade. `wallet` is shown as head and tail; `of_last`: (won, of how many)."""

    wallet: str
    rank: int
    gain: int
    outcome: str
    amount: int
    px_from: int
    px_to: int
    title: str
    span: Ns
    of_last: tuple[int, int]


def whale(seen: Whale) -> str:
    """A large trader moved a market."""
    who = clean(seen.wallet, 80)
    short = f"{who[:4]}…{who[-2:]}" if len(who) > 8 else who
    move = f"{cent(seen.px_from).removesuffix('¢')}→{cent(seen.px_to)}"
    return (
        f"🐋 Whale  {short} (#{seen.rank} all-time, {_short(seen.gain)}) "
        f"BUY {seen.outcome.upper()} {usd(seen.amount, digits=0)} @ {move} “{clean(seen.title)}” "
        f"in {seen.span // SECOND} s · {seen.of_last[0]} of last {seen.of_last[1]} won"
    )


def transfer(amount: int, symbol: str, direction: str, exchange: str, wallet: str) -> str:
    """A large transfer; into an exchange, or out of it."""
    who = clean(wallet, 80)
    short = f"{who[:4]}…{who[-2:]}" if len(who) > 8 else who
    way = {"INFLOW": "into", "OUTFLOW": "out of"}.get(direction, "at")
    return (
        f"🐋 Whale  {short} moved {usd(amount, digits=0)} {clean(symbol, 20)} "
        f"{way} {clean(exchange, 40)}"
    )


def headline(source: str, at: Ns, words: str, markets: int, title: str, zone: tzinfo = UTC) -> str:
    """An urgent headline, with the markets that its source names."""
    line = f"📰 News  {clean(source, 40)} {clock(at, zone)} “{clean(words)}”"
    if not markets:
        return line
    more = f" → {markets} market{'s' if markets > 1 else ''}"
    return line + more + (f": “{clean(title)}”" if title else "")


def news(
    source: str, at: Ns, headline: str, markets: int, title: str, px: int, model: int, band: int,
    zone: tzinfo = UTC,
) -> str:  # fmt: skip
    """A headline with the market that it should move most."""
    return (
        f"📰 News  {clean(source, 40)} {clock(at, zone)} “{clean(headline)}” → {markets} markets "
        f"moved/should move: “{clean(title)}” {cent(px)} → model {cent(model)} "
        f"(±{cent(band).removesuffix('¢')})"
    )


def filing(
    form: str, company: str, item: str, at: Ns, title: str, px: int, move: int, n: int,
    zone: tzinfo = UTC,
) -> str:  # fmt: skip
    """A filing with the market that it concerns, and what such filings did before."""
    return (
        f"📄 SEC  {clean(form, 12)} {clean(company, 40)} item {clean(item, 8)} "
        f"({clock(at, zone)[:5]}) → “{clean(title)}” {cent(px)}, "
        f"hist. {cent(move, sign=True)}/1 h (n={n})"
    )


def game(state: str, model: int, band: int, venue: str, px: int, fee: int) -> str:
    """A game whose market differs from the model. `model` and `band` in millionths of certainty."""
    return (
        f"🏀 Sports  {clean(state, 80)}: model {_percent(model)} % ± {_percent(band)}, "
        f"{clean(venue, 20)} {cent(px)}, fee {cent(fee)} → {cent(model - px - fee, sign=True)}"
    )


def _percent(part: int) -> str:
    return str((part + 5_000) // 10_000)


def _short(micros: int) -> str:
    """ "+$2.1M": a large sum in few characters."""
    sign = "−" if micros < 0 else "+"
    whole = abs(micros) // ONE
    for unit, letter in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if whole >= unit:
            tenths = whole * 10 // unit
            return f"{sign}${tenths // 10}.{tenths % 10}{letter}"
    return f"{sign}${whole}"
