"""The wording of alerts about trading, line by line; plain text, for every channel."""

from datetime import UTC, tzinfo
from typing import Final, NamedTuple

from dutchbook.alerts.words import (
    brief,
    cents,
    clean,
    clock,
    day,
    round_half_up,
    share,
    size,
    tag,
    usd,
)
from dutchbook.domain.units import DAY, ONE, SECOND, Ns

VENUES: Final = {"kalshi": "Kalshi", "polymarket": "Polymarket"}
_YEAR: Final = 365


class LegLine(NamedTuple):
    """A leg as it is shown: average price in millionths, and the venue's own name of the market."""

    venue: str
    outcome: str
    px: int
    qty: int
    name: str


class Offer(NamedTuple):
    """An opportunity as it is shown. `match`: confidence of the weakest link, 0 if none is used."""

    title: str
    legs: tuple[LegLine, ...]
    qty: int
    cost: int
    fees: int
    payout: int
    settles: Ns
    match: int = 0
    differs: str = ""

    @property
    def capital(self) -> int:
        return self.cost + self.fees

    @property
    def net(self) -> int:
        return self.payout - self.capital

    @property
    def per_share(self) -> int:
        return self.net * ONE // max(self.qty, 1)


def arbitrage(mode: str, offer: Offer, now: Ns, valid: Ns, zone: tzinfo = UTC) -> str:
    """The alert of an opportunity; `valid`: how long Execute is there."""
    head = (
        f"{tag(mode)} ⚡ Arbitrage  {cents(offer.per_share, sign=True)}/share net  "
        f"({usd(offer.net)} on {size(offer.qty)})"
    )
    legs = [
        f"  {VENUES.get(leg.venue, leg.venue):<10}  BUY {leg.outcome.upper():<3}  "
        f"{cents(leg.px)} ×{size(leg.qty)}   {clean(leg.name, 80)}"
        for leg in offer.legs
    ]
    lines = [head, clean(offer.title), *legs, _money(offer, now, zone)]
    if offer.match:
        part = f" – differs: {clean(offer.differs, 120)} (tap Why)" if offer.differs else ""
        match = round_half_up(offer.match, 10_000)
        lines.append(f"rules match {match // 100}.{match % 100:02d}{part}")
    lines.append(f"valid {valid // SECOND} s")
    return "\n".join(lines)


def _money(offer: Offer, now: Ns, zone: tzinfo) -> str:
    pays = f"pays {brief(offer.payout)}"
    if offer.settles > now and offer.capital > 0:
        days = max(1, round_half_up(offer.settles - now, DAY))
        apr = round_half_up(max(offer.net, 0) * _YEAR * 100, offer.capital * days)
        pays += f" on {day(offer.settles, zone)} ({days} d, {apr} % APR simple)"
    return f"cost {usd(offer.cost)} · fees {usd(offer.fees)} · {pays}"


def executed(
    who: str, at: Ns, filled: int, wanted: int, legs: int, net: int, alerted: int, name: str,
    zone: tzinfo = UTC,
) -> str:  # fmt: skip
    """What stands under an alert that was executed."""
    which = {1: "the leg", 2: "both legs"}.get(legs, f"all {legs} legs")
    return (
        f"✅ Executed by {clean(who, 40)} {clock(at, zone)} – {size(filled)}/{size(wanted)} "
        f"{which}, net {usd(net)} (alerted {usd(alerted)}). #{name}"
    )


def not_sent(edge: int, alerted: int) -> str:
    """Execute came when less than 70 % of the edge was left."""
    return f"⌛ Not sent: edge now {cents(edge)} (< 70 % of {cents(alerted)})."


def one_leg(leg: int, filled: int, wanted: int, hedged: int, px: int, net: int, name: str) -> str:
    """A leg came up short, and the rest was hedged."""
    return (
        f"⚠ Leg {leg} filled {size(filled)}/{size(wanted)}. Hedging {size(hedged)} … "
        f"done at {cents(px)}, net {usd(net, sign=True)}. #{name}"
    )


def halt(what: str, cancelled: int, kept: int, resume: str) -> str:
    """Trading stopped. `what` says why, with its figures."""
    return (
        f"🛑 HALT  {clean(what)}. Cancelled {cancelled} orders; {kept} positions kept. "
        f"Resume: {resume}"
    )


def day_loss(loss: int, limit: int, basis: str) -> str:
    """The figures of a stop on losses; both are positive."""
    return f"{basis} loss {usd(-loss)} ≥ {brief(limit)} (basis: {basis})"


def feed_down(stream: str, silent: Ns, tries: int) -> str:
    """A stream is silent."""
    return (
        f"🔌 Feed  {clean(stream, 60)} silent {silent // SECOND} s – quotes pulled. "
        f"Reconnecting (try {tries})."
    )


def feed_back(after: Ns, orders: int) -> str:
    """A stream is back; `orders` of ours were open there meanwhile."""
    return f"✅ back after {after // SECOND} s, {orders} orders affected"


def resolved(title: str, outcome: str, gain: int, name: str, brier: float | None = None) -> str:
    """A market that we hold was determined."""
    arb = f" (arb #{name})" if name else ""
    tail = f" Brier of our estimate {brier:.2f}" if brier is not None else ""
    return f"🏁 Resolved  “{clean(title)}” = {outcome.upper()}. {usd(gain, sign=True)}{arb}.{tail}"


class Day(NamedTuple):
    """A day's figures; money in millionths. `drift` is per share, None where not known."""

    at: Ns
    gain: int
    bankroll: int
    trades: int
    won: int
    fees: int
    best: str = ""
    best_gain: int = 0
    locked: int = 0
    locked_until: Ns = Ns(0)
    drift: int | None = None


def daily(mode: str, found: Day, zone: tzinfo = UTC, word: str = "Daily") -> str:
    """The report of a day, in one line."""
    parts = [
        f"📊 {word} {day(found.at, zone)} {tag(mode)}  {usd(found.gain, sign=True)} "
        f"({share(found.gain, found.bankroll, sign=True)})  "
        f"{found.trades} trades, {found.won} won",
        f"fees {usd(found.fees)}",
    ]
    if found.best:
        parts.append(f"best {clean(found.best, 40)} {brief(found.best_gain, sign=True)}")
    if found.locked:
        until = f" until {day(found.locked_until, zone)}" if found.locked_until else ""
        parts.append(f"locked {brief(found.locked)}{until}")
    if found.drift is not None:
        parts.append(f"drift vs model {cents(found.drift, sign=bool(found.drift))}")
    return " · ".join(parts)
