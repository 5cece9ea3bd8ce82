"""What comes in: bodies as pydantic reads them. Nothing unknown is let through."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.json_schema import WithJsonSchema

from dutchbook.domain.units import ONE, micros

_PLAIN = r"^[0-9]{1,15}(\.[0-9]{1,6})?$"


def _micros(value: Any) -> int:
    """A decimal, as a number or as text, exactly."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError('a plain decimal with at most 6 places, such as 0.44 or "0.44"')
    text = str(value)
    if not re.fullmatch(_PLAIN, text, re.ASCII):
        raise ValueError('a plain decimal with at most 6 places, such as 0.44 or "0.44"')
    return micros(text)


_DECIMAL = {"anyOf": [{"type": "number", "minimum": 0},
                      {"type": "string", "pattern": _PLAIN}]}  # fmt: skip
Amount = Annotated[
    int, BeforeValidator(_micros), Field(ge=1, le=10**9 * ONE), WithJsonSchema(_DECIMAL)
]
"""More than 0, up to a billion; millionths inside."""
Price = Annotated[int, BeforeValidator(_micros), Field(ge=1, le=ONE - 1), WithJsonSchema(_DECIMAL)]
"""Between 0 and 1, both excluded."""
Share = Annotated[
    int, BeforeValidator(_micros), Field(ge=0, le=100 * ONE), WithJsonSchema(_DECIMAL)
]
"""Per cent, 0 to 100."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~ ]+$")]
Ident = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
Text = Annotated[
    str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Hidden = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Platform = Literal["kalshi", "polymarket"]
TIFS = {
    "GTC": "gtc", "GTD": "gtd", "IOC": "ioc", "FOK": "fok", "GOOD_TILL_CANCEL": "gtc",
    "GOOD_TILL_CANCELED": "gtc", "GOOD_TILL_DATE": "gtd", "IMMEDIATE_OR_CANCEL": "ioc",
    "FILL_OR_KILL": "fok",
}  # fmt: skip
Tif = Literal[
    "GTC", "GTD", "IOC", "FOK", "GOOD_TILL_CANCEL", "GOOD_TILL_CANCELED", "GOOD_TILL_DATE",
    "IMMEDIATE_OR_CANCEL", "FILL_OR_KILL",
]  # fmt: skip


class Body(BaseModel):
    """Unknown fields are refused (mass assignment); texts stay as they are."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class SubmitOrder(Body):
    platform: Platform
    market_id: Ident
    outcome: Literal["yes", "no", "YES", "NO"]
    side: Literal["buy", "sell", "BUY", "SELL"]
    amount: Amount
    price: Price | None = None
    order_type: Literal["limit", "market", "LIMIT", "MARKET"] = "limit"
    time_in_force: Tif = "GTC"
    max_slippage_pct: Share | None = None
    expires_in_seconds: Annotated[int, Field(ge=1, le=10**8)] | None = None
    post_only: bool = False
    reduce_only: bool = False
    signal_id: Annotated[str, StringConstraints(max_length=200, pattern=r"^[!-~]*$")] = ""


class CancelOrders(Body):
    """One order, all of a venue, or (with neither) all."""

    order_id: Ident | None = None
    platform: Platform | None = None
    all: bool = False


class Execute(Body):
    opportunity_id: Ident
    min_profit_pct: Share | None = None


class Detect(Body):
    """`time_window_seconds` bounds the age of the prices that a find may rest on."""

    min_profit_threshold: Share = 0
    max_positions: Annotated[int, Field(ge=1, le=100)] = 10
    time_window_seconds: Annotated[int, Field(ge=1, le=3_600)] = 10
    platforms: Annotated[list[Platform], Field(max_length=2)] = []


class Normalize(Body):
    source: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    raw_data: dict[str, Any]


class Scope(Body):
    """all, venue:NAME, market:KEY or strategy:NAME."""

    scope: Ident = "all"
    reason: Text | None = None


class Halt(Scope):
    level: Literal["pause", "halt"] = "halt"


class Kill(Body):
    flatten: bool = False


class Ask(Body):
    """Something that needs a second person. `args`: setting and value of raise_limit."""

    action: Literal["raise_limit", "clear_kill", "go_live"]
    args: Annotated[list[Ident], Field(max_length=2)] = []
    reason: Text


class Login(Body):
    name: Name
    password: Hidden


class First(Body):
    token: Hidden
    name: Name
    password: Hidden


class Refresh(Body):
    refresh_token: Hidden


class NewKey(Body):
    name: Name
    role: Literal["viewer", "trader", "risk", "admin", "auditor", "service"]
    scopes: Annotated[list[Ident], Field(max_length=40)] = []
    addresses: Annotated[list[Ident], Field(max_length=20)] = []
    rate: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    days: Annotated[int, Field(ge=1, le=365)] = 30


class NewPerson(Body):
    name: Name
    role: Literal["viewer", "trader", "risk", "admin", "auditor"]
    password: Hidden


class ChangePerson(Body):
    role: Literal["viewer", "trader", "risk", "admin", "auditor"] | None = None
    password: Hidden | None = None
    disabled: bool | None = None


class Password(Body):
    old: Hidden
    new: Hidden


class CustomMetric(Body):
    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    value: Annotated[int, Field(ge=-(2**53), le=2**53)] | str
