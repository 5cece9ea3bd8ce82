"""The settings: one frozen tree with a default for everything, read once."""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from dutchbook.domain.meta import MONEY_TEXT, money
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import MILLI, Ns, plain
from dutchbook.execution.config import Config as Execution
from dutchbook.execution.config import Exits
from dutchbook.risk.limits import RiskLimits
from dutchbook.runtime.alert_settings import Alerts, Schedule
from dutchbook.strategies.arbitrage_config import Config as Kind
from dutchbook.strategies.favourite import Config as Favourite
from dutchbook.strategies.longshot import Config as Longshot
from dutchbook.strategies.maker_config import Config as Maker
from dutchbook.strategies.overreaction import Config as Overreaction
from dutchbook.strategies.recency import Config as Recency
from dutchbook.strategies.time_decay import Config as TimeDecay

_DAY_MS: Final = 86_400_000


class Kalshi(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach Kalshi. Its book stream is signed, so it needs a key."""

    enabled: Annotated[bool, Meta(description="watch this venue")] = True
    env: Annotated[Literal["prod", "demo"], Meta(description="which of its systems")] = "prod"
    rest: Annotated[str, Meta(description="REST address; empty: that of env")] = ""
    ws: Annotated[str, Meta(description="WebSocket address; empty: that of env")] = ""
    key_id: Annotated[str, Meta(description="id of the API key")] = ""
    key_file: Annotated[str, Meta(description="private key, PEM, mode 0600")] = ""
    key_pem: Annotated[
        Secret | None, Meta(description="the key itself, instead of a file; keep it out of view")
    ] = None
    account: Annotated[str, Meta(description="name of the account to trade; empty: watch")] = ""
    subaccount: Annotated[int, Meta(ge=0, le=63, description="Kalshi's own, 0 is the main")] = 0

    def rest_url(self) -> str:
        """Where calls go."""
        return self.rest or f"https://external-api.{_KALSHI[self.env]}/trade-api/v2"

    def ws_url(self) -> str:
        """Where the stream is."""
        return self.ws or f"wss://external-api-ws.{_KALSHI[self.env]}/trade-api/ws/v2"


_KALSHI: Final = {"prod": "kalshi.com", "demo": "demo.kalshi.co"}


class Polymarket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to reach Polymarket. Market data needs no key."""

    enabled: Annotated[bool, Meta(description="watch this venue")] = True
    clob: Annotated[str, Meta(description="CLOB address")] = "https://clob.polymarket.com"
    gamma: Annotated[str, Meta(description="Gamma address")] = "https://gamma-api.polymarket.com"
    ws: Annotated[str, Meta(description="market WebSocket address")] = (
        "wss://ws-subscriptions-clob.polymarket.com/ws/market"
    )
    user_ws: Annotated[str, Meta(description="user WebSocket address")] = (
        "wss://ws-subscriptions-clob.polymarket.com/ws/user"
    )
    data: Annotated[str, Meta(description="Data API address")] = "https://data-api.polymarket.com"
    geoblock: Annotated[str, Meta(description="the venue's own geoblock, asked at start")] = (
        "https://polymarket.com/api/geoblock"
    )
    account: Annotated[str, Meta(description="name of the account to trade; empty: watch")] = ""
    wallet: Annotated[
        Literal["eoa", "proxy", "safe", "deposit"], Meta(description="whose signature it is")
    ] = "eoa"
    funder: Annotated[str, Meta(description="address that holds the money; empty: the key's")] = ""
    key_file: Annotated[str, Meta(description="wallet's private key, hex, mode 0600")] = ""
    key_hex: Annotated[
        Secret | None, Meta(description="the key itself, instead of a file; keep it out of view")
    ] = None


class Venues(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The venues."""

    kalshi: Kalshi = Kalshi()
    polymarket: Polymarket = Polymarket()


Millis = Annotated[int, Meta(ge=1, le=_DAY_MS)]


class Fresh(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a book may be read by a strategy."""

    silent_ms: Annotated[Millis, Meta(description="a stream silent for longer is suspect")] = 10_000
    check_ms: Annotated[Millis, Meta(description="how long a REST check of a book counts")] = 10_000
    sample_ms: Annotated[Millis, Meta(description="how often a few books are checked")] = 30_000
    sample_books: Annotated[int, Meta(ge=0, le=100, description="how many of them")] = 3
    crossed_ms: Annotated[Millis, Meta(description="how long a book may be crossed")] = 500
    late_ms: Annotated[Millis, Meta(description="changes older than this when they come: late")] = (
        1_000
    )


class Arbitrage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a mispricing must bring to be reported."""

    edge_min: Annotated[
        int,
        money("net profit per $1 of payout, at least", 0, 1_000_000),
    ] = 20_000
    size_min: Annotated[
        int,
        money("contracts, at least", 10_000, 10**15),
    ] = 5_000_000
    capital_max: Annotated[
        int,
        money("$ of capital of one basket, at most", 1_000_000, 10**15),
    ] = 1_000_000_000
    levels: Annotated[int, Meta(ge=1, le=200, description="levels of a book to walk")] = 20


class Optimizer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Portfolios over markets that events and links join, which no pattern names."""

    enabled: Annotated[bool, Meta(description="look for them")] = True
    period_ms: Annotated[Millis, Meta(description="between two looks at the same markets")] = 1_000
    wait_ms: Annotated[Millis, Meta(description="then an answer is lost, and asked for again")] = (
        10_000
    )
    levels: Annotated[int, Meta(ge=1, le=50, description="levels of a book that are told")] = 5
    markets_max: Annotated[
        int, Meta(ge=2, le=5_000, description="larger sets of markets are left alone")
    ] = 400
    inline_max: Annotated[
        int, Meta(ge=0, le=1_000, description="sets with more markets go to a worker process")
    ] = 0


class Strategies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which strategies work, and with which parameters; commands change both during a run."""

    enabled: Annotated[
        str, Meta(description="those with an opinion, with commas between; empty: none")
    ] = ""
    arbitrage: Annotated[
        str, Meta(description="kinds of arbitrage to trade, with commas between; empty: none")
    ] = "complement, bundle_yes, bundle_no, cross_venue, implication, combinatorial"
    maker: Maker = Maker()
    longshot: Longshot = Longshot()
    favourite: Favourite = Favourite()
    overreaction: Overreaction = Overreaction()
    recency: Recency = Recency()
    time_decay: TimeDecay = TimeDecay()
    complement: Kind = Kind()
    bundle_yes: Kind = Kind()
    bundle_no: Kind = Kind()
    cross_venue: Kind = Kind()
    implication: Kind = Kind()
    combinatorial: Kind = Kind()


class Inbox(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may wait for the engine."""

    events_max: Annotated[
        int, Meta(ge=100, le=5_000_000, description="then sockets are not read")
    ] = 50_000
    conflate_over: Annotated[
        int, Meta(ge=1, le=5_000_000, description="then changes of one book are merged")
    ] = 2_000


class Journal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The record on disk."""

    segment_mb: Annotated[int, Meta(ge=1, le=4_096, description="size of one file")] = 64
    commit_ms: Annotated[int, Meta(ge=0, le=1_000, description="how often it is fsynced")] = 20


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """SQL tables of the account."""

    url: Annotated[
        str, Meta(description="sqlite:///path or postgresql://...; empty: DATA_DIR/dutchbook.db")
    ] = ""
    enabled: Annotated[bool, Meta(description="keep the tables while a run goes on")] = True


class PaperMoney(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Mode paper: live books, pretend money."""

    cash: Annotated[int, money("$ at each venue to begin with")] = 10_000_000_000
    latency_ms: Annotated[Millis, Meta(description="until an order reaches the venue")] = 50


class Links(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which markets say the same, or imply one another."""

    file: Annotated[str, Meta(description="JSON of links with who approved them; empty: none")] = ""


Rate = Annotated[int, Meta(ge=1, le=1_000_000)]


class Api(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The gateway: HTTP for screens and programs. Lists are separated by commas."""

    enabled: Annotated[bool, Meta(description="serve it beside a run")] = True
    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="0: any free one")] = 8080
    hosts: Annotated[str, Meta(description="names it may be called by, besides its address")] = ""
    origins: Annotated[str, Meta(description="web origins that may call it; empty: none")] = ""
    proxies: Annotated[
        str, Meta(description="addresses whose X-Forwarded-For is believed; empty: none")
    ] = ""
    key_rate: Annotated[Rate, Meta(description="requests a second of one key")] = 100
    address_rate: Annotated[Rate, Meta(description="requests a second of one address")] = 300
    total_rate: Annotated[Rate, Meta(description="requests a second in all, then 503")] = 2_000
    body_kb: Annotated[int, Meta(ge=1, le=10_240, description="longest request")] = 256
    unsigned: Annotated[
        str, Meta(description="webhook sources that cannot sign: whale, news, kalshi, polymarket")
    ] = ""
    four_eyes: Annotated[
        bool, Meta(description="raising a limit, clearing a kill, going live need two people")
    ] = True
    read_only: Annotated[bool, Meta(description="serve reads only, whatever a key may do")] = False


class Hub(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How what happens is told to others."""

    books_ms: Annotated[
        int, Meta(ge=10, le=60_000, description="how often changed books are told")
    ] = 100
    redis: Annotated[
        str, Meta(description="redis://... to tell hubs elsewhere through; empty: none")
    ] = ""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings; the default of each is a run against pretend exchanges."""

    mode: Annotated[
        Literal["sim", "paper", "live"],
        Meta(description="sim: pretend exchanges; paper: real books, pretend money"),
    ] = "sim"
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="of every chance in the run")] = 7
    data_dir: Annotated[str, Meta(description="where the record is kept; empty: data/<mode>")] = ""
    venues: Venues = Venues()
    fresh: Fresh = Fresh()
    arbitrage: Arbitrage = Arbitrage()
    risk: RiskLimits = RiskLimits()
    execution: Execution = Execution()
    exits: Exits = Exits()
    optimizer: Optimizer = Optimizer()
    strategies: Strategies = Strategies()
    inbox: Inbox = Inbox()
    journal: Journal = Journal()
    storage: Storage = Storage()
    paper: PaperMoney = PaperMoney()
    links: Links = Links()
    alerts: Alerts = Alerts()
    schedule: Schedule = Schedule()
    api: Api = Api()
    hub: Hub = Hub()

    def data_path(self) -> str:
        """The data directory, also where none is set."""
        return self.data_dir or f"data/{self.mode}"


def named(text: str) -> tuple[str, ...]:
    """What stands between the commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def ns(millis: int) -> Ns:
    """Milliseconds, as settings give them, in ns."""
    return Ns(millis * MILLI)


def schema() -> dict[str, Any]:
    """The JSON Schema of dutchbook.toml, for editors; money as one writes it."""
    whole = msgspec.json.schema(Settings, schema_hook=lambda kind: {"type": "string"})
    for section in whole["$defs"].values():
        for name, field in section.get("properties", {}).items():
            if "$ref" in field:
                field.pop("default", None)
            elif field.get("pattern") == MONEY_TEXT["pattern"]:
                section["properties"][name] = {
                    "description": field["description"],
                    "default": plain(field["default"]),
                    **MONEY_TEXT,
                }
    root = whole["$defs"]["Settings"]
    root["properties"]["profiles"] = {
        "description": "named sets of settings, laid over the others by --profile",
        "type": "object",
        "additionalProperties": {"type": "object"},
    }
    return whole
