"""From what a decoder says to a typed error that names the place and the market."""

import re
from typing import Any

import msgspec

from dutchbook.domain.errors import RemoteProtocolError
from dutchbook.domain.events import BadInput

BROKEN = (ValueError, RecursionError, OverflowError)
"""All that decoding untrusted bytes can raise: cut, wrong type, bad UTF-8, too deep, too big."""

_AT = re.compile(r"^(.*) - at `\$\.?(.*)`$", re.DOTALL)


class _Named(msgspec.Struct):
    msg: Any = None
    ticker: Any = None
    market_ticker: Any = None
    event_ticker: Any = None


_named = msgspec.json.Decoder(_Named)


def broken(error: Exception, data: bytes | msgspec.Raw, prefix: str = "") -> RemoteProtocolError:
    """The typed error for what a decoder raised over `data`, found at `prefix`."""
    if isinstance(error, RecursionError):
        what, where = "nested too deeply", ""
    else:
        match = _AT.match(str(error))
        what, where = match.groups() if match else (str(error), "")
    place = (
        ".".join(part for part in (prefix, where) if part).replace(".[", "[").replace("[...]", "")
    )
    return RemoteProtocolError("kalshi", place, what[:300], market=_market(data))


def bad(stream: str, error: RemoteProtocolError) -> BadInput:
    """The event that counts a typed error."""
    what = str(error.what).split(": ", 2)[-1]
    return BadInput(stream, error.where, what[:300], error.market[:200])


def _market(data: bytes | msgspec.Raw) -> str:
    try:
        body = _named.decode(data)
    except BROKEN:
        return ""
    inner = body.msg.get("market_ticker") if isinstance(body.msg, dict) else None
    names = (inner, body.ticker, body.market_ticker, body.event_ticker)
    return next((name[:200] for name in names if isinstance(name, str)), "")
