"""From a signal that came from elsewhere to what people are told of it: transfers and headlines.

Bodies are others' words: read with bounds, and only where they have the shape of the gateway's.
"""

from datetime import tzinfo
from decimal import Decimal
from typing import Final

import msgspec

from dutchbook.alerts import signal_text
from dutchbook.alerts.look import Look
from dutchbook.alerts.notice import Draft
from dutchbook.alerts.words import clean, tag
from dutchbook.domain.events import SignalArrived
from dutchbook.domain.units import ONE, Ns

MOST: Final = Decimal(10) ** 15


class _Transfer(msgspec.Struct):
    amount_usd: Decimal
    token_symbol: str
    direction: str
    transaction_hash: str
    exchange: str = "unknown"
    from_address: str = "unknown"


class _Headline(msgspec.Struct):
    headline: str
    urgency: str
    publisher: str = "unknown"


def told(
    event: SignalArrived, at: Ns, look: Look, mode: str, least: int, zone: tzinfo
) -> list[Draft]:
    """A transfer of more than `least` (millionths of a dollar), a headline that is urgent."""
    try:
        if event.kind == "whale":
            return _transfer(msgspec.json.decode(event.body, type=_Transfer), mode, least)
        if event.kind == "news":
            seen = msgspec.json.decode(event.body, type=_Headline)
            return _headline(seen, event, at, look, mode, zone)
    except (msgspec.MsgspecError, RecursionError):
        pass  # somebody's own shape: it is on record, and shown where signals are
    return []


def _transfer(seen: _Transfer, mode: str, least: int) -> list[Draft]:
    if not seen.amount_usd.is_finite() or not least < seen.amount_usd * ONE <= MOST * ONE:
        return []
    line = signal_text.transfer(
        int(seen.amount_usd * ONE), seen.token_symbol, seen.direction, seen.exchange,
        seen.from_address,
    )  # fmt: skip
    title = f"whale: {clean(seen.token_symbol, 20)} {clean(seen.direction, 10)}"
    return [Draft("whale", f"whale:{seen.transaction_hash[:100]}", f"{tag(mode)} {line}", title)]


def _headline(
    seen: _Headline, event: SignalArrived, at: Ns, look: Look, mode: str, zone: tzinfo
) -> list[Draft]:
    if seen.urgency != "high":
        return []
    market = look.market(event.keys[0]) if event.keys else None
    line = signal_text.headline(
        seen.publisher, at, seen.headline, len(event.keys), market.title if market else "", zone
    )
    key = f"news:{clean(seen.headline, 100).lower()}"  # one story of three sources is one
    return [Draft("news", key, f"{tag(mode)} {line}", f"news: {clean(seen.headline, 60)}")]
