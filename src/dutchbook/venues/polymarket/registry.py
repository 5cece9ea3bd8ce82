"""Which tokens belong to which market and to which socket; filled by discovery or by learning."""

from dutchbook.domain.instrument import EventGroup, Instrument


class Asset:
    """One outcome token. `token` is YES or NO; `last` the venue's clock in ms, last applied.

    `live`: its book was seen whole and nothing has been lost since, as far as we know here.
    """

    __slots__ = ("id", "key", "last", "live", "market", "token")

    def __init__(self, name: str, market: str, key: str, token: int) -> None:
        self.id = name
        self.market = market
        self.key = key
        self.token = token
        self.last = 0
        self.live = False


class Registry:
    """Markets by key, tokens by id, and the tokens of each socket, in the order of discovery."""

    def __init__(self, tokens_per_socket: int) -> None:
        self.assets: dict[str, Asset] = {}
        self.markets: dict[str, Instrument] = {}
        self.groups: dict[str, EventGroup] = {}
        self.streams: dict[str, list[str]] = {}
        self._home: dict[str, str] = {}
        self._per_socket = max(2, tokens_per_socket)

    def keep(self, instrument: Instrument) -> bool:
        """Keep a market; True if it is new or says something else than before."""
        before = self.markets.get(instrument.key)
        if before == instrument:
            return False
        self.markets[instrument.key] = instrument
        for token, asset_id in enumerate(instrument.tokens):
            if not asset_id:
                continue  # a token that is still to be learnt
            known = self.assets.get(asset_id)
            if known is None or known.key != instrument.key or known.token != token:
                asset = Asset(asset_id, instrument.symbol, instrument.key, token)
                self.assets[asset_id] = asset
        return True

    def place(self, key: str, *, grow: bool) -> str:
        """Put a market's tokens on a socket that has room, or on the last one; return its name.

        `grow` opens further sockets when all are full; sockets that are dialled already take more
        than their share instead, since Polymarket states no limit.
        """
        if key in self._home:
            return self._home[key]
        tokens = self.markets[key].tokens
        name = next(reversed(self.streams), "")
        if not name or (grow and len(self.streams[name]) + len(tokens) > self._per_socket):
            name = f"polymarket.market.{len(self.streams)}"
            self.streams[name] = []
        self.streams[name].extend(tokens)
        self._home[key] = name
        return name

    def home(self, key: str) -> str:
        """The socket that a market's tokens are on; "" if on none."""
        return self._home.get(key, "")

    def wanted(self, key: str) -> bool:
        """Whether a market's books are worth a subscription."""
        return self.markets[key].status in ("open", "paused", "unopened")

    def tokens(self, stream: str, key: str) -> list[str]:
        """The tokens of a market, or of a whole socket (of all, if sockets are not known)."""
        if key:
            return [token for token in self.markets[key].tokens if token]
        return self.streams.get(stream, []) if self.streams else list(self.assets)

    def stale(self, tokens: list[str]) -> None:
        """These books have to be seen whole again."""
        for token in tokens:
            self.assets[token].live = False
