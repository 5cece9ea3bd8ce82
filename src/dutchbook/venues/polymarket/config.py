"""What can be set about Polymarket; every limit has its name here."""

import msgspec

from dutchbook.domain.units import SECOND, Ns


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses and limits. `learn`: no discovery, markets are learnt from the frames (replay).

    `tokens_per_socket` counts outcome tokens, two per market. Spans are in nanoseconds.
    """

    clob_url: str = "https://clob.polymarket.com"
    gamma_url: str = "https://gamma-api.polymarket.com"
    ws_url: str = "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    tokens_per_socket: int = 200
    markets_max: int = 20_000
    page_size: int = 100
    books_per_call: int = 100
    refresh_every: Ns = Ns(12 * 3_600 * SECOND)
    ping_every: Ns = Ns(10 * SECOND)
    back_off_first: Ns = Ns(1 * SECOND)
    back_off_most: Ns = Ns(60 * SECOND)
    learn: bool = False
