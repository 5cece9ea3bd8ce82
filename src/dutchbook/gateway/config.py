"""What a gateway is started with; made from the settings by whoever starts it."""

import msgspec


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rates are requests a second; `mode` is the run's; `signed` names webhook sources."""

    mode: str = "sim"
    host: str = "127.0.0.1"
    port: int = 8080
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    key_rate: int = 100
    address_rate: int = 300
    total_rate: int = 2_000
    body_bytes: int = 256 * 1024
    unsigned: tuple[str, ...] = ()
    four_eyes: bool = True
    read_only: bool = False
    build: str = ""


SOURCES = ("kalshi", "news", "polymarket", "whale")
"""Where webhooks come from."""
