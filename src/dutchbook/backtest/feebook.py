"""What venues charged on which day: markets are listed anew on a tape when their fees changed."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from dutchbook.backtest.tape import Item
from dutchbook.domain.events import InstrumentListed
from dutchbook.domain.instrument import FeeSchedule, Instrument
from dutchbook.domain.units import DAY, ONE, Ns, Usd


class Rate(NamedTuple):
    """From `since` on (ns), for markets of a category ("" for all others)."""

    venue: str
    since: Ns
    category: str
    fees: FeeSchedule


def _day(days: int) -> Ns:
    return Ns(days * DAY)


_2026: Final = _day(20_454)  # 2026-01-01
_JULY: Final = _day(20_644)  # 2026-07-10
_CENT: Final = Usd(10_000)


def _polymarket(since: Ns, **rates: int) -> list[Rate]:
    return [
        Rate("polymarket", since, name.replace("other", ""), FeeSchedule("polymarket", rate))
        for name, rate in rates.items()
    ]


RATES: Final = (
    Rate("kalshi", Ns(0), "", FeeSchedule("kalshi", 70_000, 17_500, 1, _CENT)),
    *_polymarket(Ns(0), other=0),
    *_polymarket(
        _2026, crypto=70_000, sports=30_000, finance=40_000, politics=40_000, tech=40_000,
        mentions=40_000, geopolitics=0, other=50_000,
    ),
    *_polymarket(_JULY, sports=50_000),
)  # fmt: skip
"""Kalshi: 0.07 P(1-P), makers a quarter of it (some series charge them nothing: this errs on the
dear side). Polymarket: nothing before 2026; then by category, sports 0.03 until 2026-07-09."""

MODEL: Final = "by date: kalshi 0.07 (maker 0.0175), polymarket none before 2026, then by category"


def schedule(venue: str, category: str, at: Ns) -> FeeSchedule:
    """What a venue charged in a category at a moment; FeeSchedule("none") where nobody knows."""
    mine = [rate for rate in RATES if rate.venue == venue and rate.since <= at]
    for name in (category.lower(), ""):
        rates = [rate.fees for rate in mine if rate.category == name]
        if rates:
            return rates[-1]
    return FeeSchedule("none")


def dated(items: Iterable[Item], *, known: bool, factor: int = ONE) -> Iterator[Item]:
    """The tape with the fees of its days. `known`: the tape's own fees stand.

    `factor` multiplies every rate, in millionths: 2_000_000 for twice the fees.
    """
    changes = sorted({rate.since for rate in RATES if rate.since})
    listed: dict[str, Instrument] = {}
    due: list[Ns] = []
    began = False
    for at, event in items:
        if not began:
            began, due = True, [since for since in changes if since > at]
        while due and at >= due[0]:
            since = due.pop(0)
            for key, one in [] if known else list(listed.items()):
                fees = _scaled(schedule(one.venue, one.category, since), factor)
                if fees != one.fees:
                    listed[key] = msgspec.structs.replace(one, fees=fees)
                    yield at, InstrumentListed(listed[key])
        if type(event) is InstrumentListed:
            one = event.instrument
            fees = one.fees if known else schedule(one.venue, one.category, at)
            one = msgspec.structs.replace(one, fees=_scaled(fees, factor))
            listed[one.key] = one
            yield at, InstrumentListed(one)
        else:
            yield at, event


def _scaled(fees: FeeSchedule, factor: int) -> FeeSchedule:
    if factor == ONE:
        return fees
    return msgspec.structs.replace(
        fees, taker=fees.taker * factor // ONE, maker=fees.maker * factor // ONE
    )
