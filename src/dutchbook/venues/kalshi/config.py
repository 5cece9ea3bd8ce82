"""The settings of the Kalshi protocol; unknown keys are refused."""

import re
from urllib.parse import urlsplit

import msgspec

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.units import SECOND, Ns

REST = "https://external-api.kalshi.com/trade-api/v2"
WS = "wss://external-api-ws.kalshi.com/trade-api/ws/v2"
CHANNELS = ("orderbook_delta", "ticker", "trade", "market_lifecycle_v2")

_NAME = re.compile(r"[A-Z0-9][A-Z0-9._:+-]{0,199}", re.ASCII)


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where Kalshi is, who we are there, and which markets we want.

    `key` is what a Sign names (the path of the private key); without `key_id` nothing is signed
    and no stream is dialled. `series` and `tickers` empty: the whole open catalogue. `learn`: no
    discovery, markets are learnt from the frames (replay).

    `account` names the account that is traded; without it nothing but market data is asked for.
    `group_contracts`: the most contracts that may match in 15 seconds before the venue cancels
    everything by itself, in an order group on each of `group_shards`; 0: no group.
    `balance_is_free`: the venue's balance leaves out what resting purchases may cost.
    """

    rest: str = REST
    ws: str = WS
    key_id: str = ""
    key: str = ""
    series: tuple[str, ...] = ()
    tickers: tuple[str, ...] = ()
    combos: bool = False
    channels: tuple[str, ...] = CHANNELS
    refresh: Ns = Ns(12 * 3600 * SECOND)
    markets_max: int = 50_000
    tickers_per_command: int = 500
    checks_per_call: int = 20
    events_per_page: int = 200
    learn: bool = False
    account: str = ""
    subaccount: int | None = None
    group_contracts: int = 0
    group_shards: tuple[int, ...] = (0,)
    balance_is_free: bool = False


def checked(config: Config) -> Config:
    """The same settings, or a ConfigError that names the one that cannot be."""
    for name, url, schemes in (
        ("rest", config.rest, ("http", "https")),
        ("ws", config.ws, ("ws", "wss")),
    ):
        parts = urlsplit(url)
        if parts.scheme not in schemes or not parts.netloc or parts.query:
            raise ConfigError(
                f"kalshi.{name} is {url[:100]!r}", todo=f"give a {'/'.join(schemes)} URL"
            )
    if config.account and not config.key_id:
        raise ConfigError("kalshi.account without a key", todo="set key_id and key")
    if config.subaccount is not None and not 0 <= config.subaccount <= 63:
        raise ConfigError(f"kalshi.subaccount is {config.subaccount}", todo="use 0 to 63")
    if not 0 <= config.group_contracts <= 1_000_000:
        raise ConfigError(
            f"kalshi.group_contracts is {config.group_contracts}", todo="use 0 to 1000000"
        )
    if bool(config.key_id) != bool(config.key):
        raise ConfigError("kalshi.key_id and kalshi.key belong together", todo="set both or none")
    for name in (*config.series, *config.tickers):
        if not is_name(name):
            raise ConfigError(f"kalshi: {name[:60]!r} is not a ticker", todo="use upper case")
    unknown = [name for name in config.channels if name not in CHANNELS]
    if unknown or "orderbook_delta" not in config.channels:
        raise ConfigError(
            f"kalshi.channels is {config.channels}",
            todo=f"use orderbook_delta and any of {', '.join(CHANNELS[1:])}",
        )
    for name, value, most in (
        ("events_per_page", config.events_per_page, 200),
        ("tickers_per_command", config.tickers_per_command, 10_000),
        ("checks_per_call", config.checks_per_call, 100),
        ("markets_max", config.markets_max, 500_000),
    ):
        if not 1 <= value <= most:
            raise ConfigError(f"kalshi.{name} is {value}", todo=f"use 1 to {most}")
    if config.refresh < 60 * SECOND:
        raise ConfigError("kalshi.refresh is under a minute", todo="use at least 60 s")
    return config


def is_name(text: str) -> bool:
    """Whether this can be a ticker: upper case, digits, a little punctuation, no path parts."""
    return _NAME.fullmatch(text) is not None and ".." not in text
