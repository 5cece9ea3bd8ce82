"""What can be set about Polymarket; every limit has its name here."""

import msgspec

from dutchbook.domain.units import SECOND, Ns


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses and limits. `learn`: no discovery, markets are learnt from the frames (replay).

    `tokens_per_socket` counts outcome tokens, two per market. Spans are in nanoseconds.

    `account` "": there is no trading half at all. `address` is the wallet's that signs, `funder`
    the one that pays ("": the same), `signature_type` 0 EOA, 1 proxy, 2 safe, 3 deposit wallet.
    `wallet_key` and `api_*` are names of secrets, not secrets. The rates are those of the tier
    Standard, per signer. `standing_every`: how often it is asked whether we may trade.
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
    account: str = ""
    address: str = ""
    funder: str = ""
    signature_type: int = 0
    chain_id: int = 137
    user_ws: str = "wss://ws-subscriptions-clob.polymarket.com/ws/user"
    data_url: str = "https://data-api.polymarket.com"
    geoblock_url: str = "https://polymarket.com/api/geoblock"
    wallet_key: str = "polymarket.wallet"
    api_key: str = "polymarket.api_key"
    api_secret: str = "polymarket.api_secret"
    api_passphrase: str = "polymarket.api_passphrase"
    orders_per_second: int = 40
    orders_burst: int = 60
    cancels_per_second: int = 80
    cancels_burst: int = 120
    heartbeat_every: Ns = Ns(5 * SECOND)
    heartbeat_limit: Ns = Ns(10 * SECOND)
    standing_every: Ns = Ns(600 * SECOND)
