"""One raw message of a provider in, one message of our own shape out; pure, and bounded.

Known are the documented messages of Polymarket and Kalshi (prices), Whale Alert and Etherscan
(transfers), CryptoPanic and NewsAPI (news), and messages that have our shape already. Times are ms
since 1970. What can't be true (a price above 1, a time in the future) is refused by name.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from dutchbook.gateway.problems import Problem

Raw = Mapping[str, Any]
AHEAD_MS: Final = 60_000
AMOUNT_MAX: Final = Decimal(10) ** 15
LARGE: Final = Decimal(1_000_000)
FLOW: Final = Decimal(5_000_000)
"""In dollars: a transfer that is told at once, and a flow that says something (spec of signals)."""
STABLE: Final = frozenset(("USDC", "USDT", "DAI", "USDP", "PYUSD", "FDUSD", "TUSD"))
URGENT: Final = re.compile(
    r"\b(breaking|urgent|just in|halts?|halted|bankrupt\w*|resigns?|attack\w*|indicted)\b", re.I
)
_HTML: Final = re.compile(r"<\s*(?:!doctype|html|script|body|iframe)\b", re.I)
TEXT_MAX: Final = 2_000


class _Fields:
    """Reads fields of a raw message by any of their names; a wrong one is named."""

    def __init__(self, raw: Raw, now_ms: int) -> None:
        self.raw = raw
        self.now_ms = now_ms

    def any(self, *names: str) -> Any:
        for name in names:
            node: Any = self.raw
            for part in name.split("."):
                node = node.get(part) if isinstance(node, Mapping) else None
            if node is not None and node != "":
                return node
        return None

    def text(self, *names: str, default: str | None = None, most: int = 300) -> str:
        value = self.any(*names)
        if value is None and default is not None:
            return default
        if not isinstance(value, str | int) or isinstance(value, bool):
            raise _bad(names[0], "text", value)
        text = str(value)
        if len(text) > most or _HTML.search(text):
            raise _bad(names[0], f"plain text of up to {most} characters", text)
        return "".join(c for c in text if c.isprintable())

    def number(
        self, *names: str, least: Decimal = Decimal(0), most: Decimal = AMOUNT_MAX,
        default: Decimal | None = None,
    ) -> Decimal:  # fmt: skip
        value = self.any(*names)
        if value is None and default is not None:
            return default
        try:
            if isinstance(value, bool) or not isinstance(value, int | str) or len(str(value)) > 80:
                raise InvalidOperation
            found = Decimal(value)
            if not found.is_finite() or not least <= found <= most:
                raise InvalidOperation
        except (InvalidOperation, ValueError) as error:
            raise _bad(names[0], f"a number from {least} to {most}", value) from error
        return found.quantize(Decimal("0.000001"))

    def price(self, *names: str, cents: bool = False) -> Decimal | None:
        if self.any(*names) is None:
            return None
        most = Decimal(100 if cents else 1)
        found = self.number(*names, most=most)
        return found / 100 if cents else found

    def moment(self, *names: str) -> int:
        """Ms since 1970 from s, ms or RFC 3339; not in the future, not before 2009."""
        value = self.any(*names)
        if value is None:
            return self.now_ms
        try:
            if isinstance(value, str) and not value.strip("0123456789").strip("."):
                value = int(Decimal(value))
            if isinstance(value, int) and not isinstance(value, bool):
                ms = value if value > 10**11 else value * 1_000
            else:
                at = datetime.fromisoformat(str(value)[:40].replace("Z", "+00:00"))
                at = at if at.tzinfo else at.replace(tzinfo=UTC)
                ms = int(at.timestamp() * 1_000)
        except (ValueError, OverflowError, InvalidOperation) as error:
            raise _bad(names[0], "a time", value) from error
        if not 1_230_768_000_000 <= ms <= self.now_ms + AHEAD_MS:
            raise _bad(names[0], "a time that has been", value)
        return ms


def _bad(name: str, wanted: str, value: object) -> Problem:
    shown = "nothing" if value is None else repr(value)[:60]
    return Problem("invalid", f"raw_data.{name} must be {wanted}, not {shown}",
                   fix="send the provider's message as it came")  # fmt: skip


def price(source: str, raw: Raw, now_ms: int) -> dict[str, Any]:
    """A `price_update`. Prices are dollars of one contract; Kalshi's may be cents."""
    inner = raw.get("msg")
    body = inner if isinstance(inner, Mapping) else raw
    get = _Fields(body, now_ms)
    cents = source == "kalshi" and get.any("yes_bid_dollars", "best_bid", "price_dollars") is None
    bid = get.price("best_bid", "yes_bid_dollars", "yes_bid", cents=cents)
    ask = get.price("best_ask", "yes_ask_dollars", "yes_ask", cents=cents)
    last = get.price("last_price", "price_dollars", "price", "last_trade_price", cents=cents)
    if bid is None and ask is None and last is None:
        raise _bad("best_bid", "there, or best_ask, or last_price", None)
    both = bid is not None and ask is not None
    mid = (bid + ask) / 2 if bid is not None and ask is not None else last
    spread = ask - bid if bid is not None and ask is not None else None
    return {
        "event_type": "price_update",
        "timestamp": get.moment("timestamp", "ts_ms", "ts", "time"),
        "market_id": get.text("market_id", "market_ticker", "market", "asset_id"),
        "outcome": get.text("outcome", default="yes").lower(),
        "best_bid": bid, "best_ask": ask, "last_price": last, "mid_price": mid,
        "spread": spread,
        "spread_pct": (spread / mid * 100).quantize(Decimal("0.0001"))
        if both and spread is not None and mid else None,
        "volume_24h": get.number("volume_24h", "volume_24h_fp", default=Decimal(0)),
        "liquidity": get.number("liquidity", "liquidity_dollars", default=Decimal(0)),
        "source": source,
    }  # fmt: skip


def whale(source: str, raw: Raw, now_ms: int) -> dict[str, Any]:
    """A `whale_alert`. Direction is seen from the exchange: INFLOW comes into it."""
    get = _Fields(raw, now_ms)
    symbol = get.text("token_symbol", "tokenSymbol", "symbol", most=20).upper()
    amount = get.number("amount", "value", most=Decimal(10) ** 40)
    decimals = get.any("tokenDecimal")
    if decimals is not None:
        places = int(get.number("tokenDecimal", most=Decimal(36)))
        amount = (amount / Decimal(10) ** places).quantize(Decimal("0.000001"))
    if amount > AMOUNT_MAX:
        raise _bad("amount", f"a number up to {AMOUNT_MAX}", amount)
    dollars = get.number(
        "amount_usd", "amountUsd", default=amount if symbol in STABLE else Decimal(0)
    )
    into = get.text("to.owner", "to_owner", default="")
    out_of = get.text("from.owner", "from_owner", default="")
    kinds = (get.text("from.owner_type", default=""), get.text("to.owner_type", default=""))
    given = get.text("exchange", default="")
    at_exchange = "exchange" in kinds or given not in ("", "unknown")
    inflow = kinds[1] == "exchange" and kinds[0] != "exchange"
    direction = get.text("direction", default="INFLOW" if inflow else "OUTFLOW").upper()
    if direction not in ("INFLOW", "OUTFLOW"):
        raise _bad("direction", "INFLOW or OUTFLOW", direction)
    lean = Decimal(0)
    if at_exchange and symbol in STABLE and dollars >= FLOW:
        lean = Decimal("0.5") if direction == "INFLOW" else Decimal("-0.5")
    category = "defi" if "defi" in kinds else "exchange" if at_exchange else "unknown"
    if category == "unknown" and dollars >= LARGE:
        category = "large_transfer"
    return {
        "event_type": "whale_alert",
        "timestamp": get.moment("timestamp", "timeStamp"),
        "transaction_hash": get.text("transaction_hash", "hash", "transaction.hash"),
        "block_number": int(get.number("block_number", "blockNumber", "height", "block",
                                       default=Decimal(0))),
        "from_address": get.text("from_address", "from.address", "from", default="unknown"),
        "to_address": get.text("to_address", "to.address", "to", default="unknown"),
        "token_symbol": symbol, "amount": amount, "amount_usd": dollars,
        "direction": direction,
        "exchange": given or (into if inflow else out_of if at_exchange else "") or "unknown",
        "category": get.text("category", default=category),
        "sentiment_score": lean, "related_markets": _names(raw.get("related_markets")),
        "source": source,
    }  # fmt: skip


def news(source: str, raw: Raw, now_ms: int) -> dict[str, Any]:
    """A `news_event`. Sentiment is the provider's votes, neutral where it has none."""
    get = _Fields(raw, now_ms)
    headline = get.text("headline", "title", most=TEXT_MAX)
    if not headline.strip():
        raise _bad("headline", "a headline", headline)
    url = get.text("url", "original_url", "link", default="", most=TEXT_MAX)
    if url and not url.lower().startswith(("https://", "http://")):
        raise _bad("url", "an http address", url)
    good = get.number("votes.positive", default=Decimal(0))
    bad = get.number("votes.negative", default=Decimal(0))
    votes = (good - bad) / (good + bad) if good + bad else Decimal(0)
    score = get.number("sentiment_score", least=Decimal(-1), most=Decimal(1), default=votes)
    urgent = bool(URGENT.search(headline)) or bool(
        get.number("votes.important", default=Decimal(0))
    )
    coins = raw.get("currencies")
    tags = raw.get("categories")
    if tags is None and isinstance(coins, list):
        tags = [one.get("code") for one in coins[:50] if isinstance(one, Mapping)]
    return {
        "event_type": "news_event",
        "timestamp": get.moment("timestamp", "published_at", "publishedAt", "created_at"),
        "headline": headline,
        "publisher": get.text("publisher", "source.title", "source.name", default="unknown"),
        "url": url,
        "sentiment": "positive" if score > Decimal("0.2") else "negative"
        if score < Decimal("-0.2") else "neutral",
        "sentiment_score": score.quantize(Decimal("0.0001")),
        "categories": _names(tags), "related_markets": _names(raw.get("related_markets")),
        "urgency": get.text("urgency", default="high" if urgent else "low"),
        "impact_estimate": get.number("impact_estimate", most=Decimal(1), default=Decimal(0)),
        "source": source,
    }  # fmt: skip


def _names(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    return [one[:200] for one in value[:50] if isinstance(one, str) and one.isprintable()]


KINDS: Final = {"price": price, "whale": whale, "news": news}
