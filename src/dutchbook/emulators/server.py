"""Runs the pretend exchanges: sockets, the tick that moves the market, the logs, the faults."""

import asyncio
import contextlib
import os
import socket
import time
from pathlib import Path
from typing import Any, Final

import msgspec
from websockets.asyncio.server import Server, serve

from dutchbook.domain.units import MILLI, Ns
from dutchbook.emulators.control import Control
from dutchbook.emulators.faults import profile, schedule
from dutchbook.emulators.feed import Feed
from dutchbook.emulators.floor import US, Floor
from dutchbook.emulators.kalshi.rest import known_tier
from dutchbook.emulators.kalshi.venue import KalshiVenue
from dutchbook.emulators.mishap import STALE_MS, Storm
from dutchbook.emulators.polymarket.owners import Owners
from dutchbook.emulators.polymarket.venue import USER_WS, PolymarketVenue
from dutchbook.emulators.ports import HOST, take_ports
from dutchbook.emulators.wire.doors import KALSHI_WS, MARKET_WS, kalshi_door, market_door
from dutchbook.emulators.wire.hub import Hub
from dutchbook.emulators.wire.keys import make_keys
from dutchbook.emulators.wire.lock import lock
from dutchbook.emulators.wire.log import TruthLog, WireLog, private_file
from dutchbook.emulators.wire.mischief import Mischief
from dutchbook.emulators.wire.rest import HttpServer
from dutchbook.emulators.wire.stormy import Stormy
from dutchbook.emulators.wire.wallet import make_wallet

TICK_S: Final = 0.010
FLUSH_S: Final = 0.050
LATE_S: Final = 0.3
"""How late a private message comes that is late."""
KALSHI_REST: Final = "/trade-api/v2"


class Options(msgspec.Struct, frozen=True):
    """What to serve. `port` 0 picks free ones; `folder` holds keys, logs and links (0700).

    `tier` is Kalshi's rate tier; `faults` a profile of `faults.PROFILES`.
    """

    which: str
    seed: int
    port: int
    folder: Path
    faults: str = "none"
    tier: str = "basic"


class Exchange:
    """The servers of one run. `start` serves, `stop` closes everything in order.

    Making one takes the directory and the ports, before any file in it is touched: raises
    UsageError, PortInUse, or DutchbookError where another exchange uses the directory.
    """

    def __init__(self, options: Options, feed: Feed) -> None:
        self._options = options
        self._feed = floor = Floor(feed)
        rates, tier = profile(options.faults), known_tier(options.tier)
        options.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = lock(options.folder)
        try:
            self._socks = take_ports(options.which, options.port)
        except BaseException:
            os.close(self._lock)
            raise
        self._ports = {name: sock.getsockname()[1] for name, sock in self._socks.items()}
        self._keys = make_keys(options.folder, options.seed)
        self.log = WireLog(options.folder / "wire.jsonl")
        self._truth = TruthLog(options.folder / "truth.jsonl")
        mine = dict.fromkeys((self._keys.rsa_id, self._keys.ed25519_id), US)
        self.wallet = make_wallet(options.folder, options.seed)
        owners = Owners({self.wallet.address: US}, options.seed)
        self.kalshi = KalshiVenue(
            floor, self._keys.public, tier, floor.desks["kalshi"], mine
        )  # fmt: skip
        self.polymarket = PolymarketVenue(floor, floor.desks["polymarket"], owners)
        storm = options.faults == "storm"
        self.storms = {name: Storm(name, options.seed, storm) for name in floor.desks}
        self.polymarket.fails = self.storms["polymarket"].fails
        if storm:
            self.kalshi.portfolio.lag = STALE_MS[0] * MILLI
        self.hubs: dict[str, Hub] = {}
        self.control = Control(
            options.folder, floor, self.kalshi, self.polymarket, self.quiet, self.storms, self.hubs
        )
        for venue, ping in ((self.kalshi, b"heartbeat"), (self.polymarket, None)):
            plan = schedule(options.seed, venue.name, rates)
            mischief = Mischief(venue.name, plan, venue, self.log)
            self.hubs[venue.name] = Hub(venue.name, venue.session, mischief, self.log, ping=ping)
        self.kalshi.out = lambda news: self._tell("kalshi", news)
        self.polymarket.out = lambda news: self._tell("polymarket", news)
        self.kalshi.tell = lambda message: self._tell_owner("kalshi", message)
        self.polymarket.tell = lambda message: self._tell_owner("polymarket", message)
        floor.stands_still = self._stands_still
        self.kalshi.cut = self.hubs["kalshi"].cut
        self.polymarket.cut = self.hubs["polymarket"].cut
        self._http: list[HttpServer] = []
        self._ws: list[Server] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._begun = self._quiet = False
        self.updates = 0

    async def start(self) -> dict[str, Any]:
        """Serve; returns the addresses. Files (truth, links) stand when this returns."""
        self._files()
        apps: dict[str, Any] = {
            "kalshi_rest": self.kalshi.rest.app,
            "clob": self.polymarket.clob.app,
            "gamma": self.polymarket.gamma.app,
            "control": self.control.app,
        }
        for name, sock in self._socks.items():
            if name in apps:
                app = apps[name](self.log)
                venue = "kalshi" if name == "kalshi_rest" else "polymarket"
                if name != "control":
                    app = Stormy(app, self.storms[venue], time.time_ns)
                server = HttpServer(app)
                self._http.append(server)
                self._tasks.append(asyncio.create_task(server.run_on(sock)))
            else:
                self._ws.append(await self._listen(name, sock))
        while not all(server.started for server in self._http):
            await asyncio.sleep(0.002)
        self._tasks += [asyncio.create_task(self._move()), asyncio.create_task(self._flush())]
        addresses = self.addresses()
        with private_file(self._options.folder / "addresses.json") as file:
            file.write(msgspec.json.encode(addresses) + b"\n")
        return addresses

    def quiet(self) -> None:
        """No more updates and faults; what was held back leaves, and questions are answered.

        A client that now hears nothing for a moment has seen all there was.
        """
        self._quiet = True
        for storm in self.storms.values():
            storm.quiet = True
        for hub in self.hubs.values():
            hub.mischief.stop()
            for line in hub.lines.values():
                line.box.release()

    async def stop(self) -> None:
        """Close sockets, then REST, then write out and close the logs."""
        for server in self._ws:
            server.close(close_connections=True)
        for http_server in self._http:
            http_server.end()
        for task in self._tasks[len(self._http) :]:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                await asyncio.gather(*self._tasks, return_exceptions=True)
                await asyncio.gather(*(server.wait_closed() for server in self._ws))
        self._truth.write(self._feed.drain_truth())
        self._truth.close()
        self.log.close()
        os.close(self._lock)

    async def failed(self) -> None:
        """Return never, or raise what ended the market's movement."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    def addresses(self) -> dict[str, Any]:
        """Where everything is: the first line that the command prints."""
        at = {name: f"{HOST}:{port}" for name, port in self._ports.items()}
        folder, keys = self._options.folder.resolve(), self._keys
        found: dict[str, Any] = {}
        if "kalshi_rest" in at:
            found["kalshi"] = {
                "rest": f"http://{at['kalshi_rest']}{KALSHI_REST}",
                "ws": f"ws://{at['kalshi_ws']}{KALSHI_WS}",
                "key_id": keys.rsa_id,
                "key_file": str(keys.rsa_file.resolve()),
                "ed25519_key_id": keys.ed25519_id,
                "ed25519_key_file": str(keys.ed25519_file.resolve()),
                "account": self.control.name,
            }
        if "clob" in at:
            found["polymarket"] = {
                "clob": f"http://{at['clob']}",
                "gamma": f"http://{at['gamma']}",
                "ws": f"ws://{at['polymarket_ws']}{MARKET_WS}",
                "user_ws": f"ws://{at['polymarket_ws']}{USER_WS}",
                "data": f"http://{at['gamma']}/data-api",
                "geoblock": f"http://{at['gamma']}/api/geoblock",
                "account": self.control.name,
                "address": self.wallet.address,
                "wallet_key_file": str(self.wallet.file.resolve()),
            }
        found["control"] = {
            "url": f"http://{at['control']}",
            "token_file": str(self.control.token_file.resolve()),
        }
        names = {"truth": "truth.jsonl", "wire": "wire.jsonl", "links": "links.json"}
        return found | {name: str(folder / file) for name, file in names.items()}

    def _files(self) -> None:
        self._truth.write(self._feed.drain_truth())
        with private_file(self._options.folder / "links.json") as file:
            file.write(msgspec.json.format(msgspec.json.encode({"links": self._feed.links()})))

    async def _listen(self, name: str, sock: socket.socket) -> Server:
        kalshi = name == "kalshi_ws"
        venue = "kalshi" if kalshi else "polymarket"
        check = kalshi_door(self._keys.public) if kalshi else market_door
        return await serve(
            self.hubs[venue].serve,
            sock=sock,
            process_request=check,
            compression=None,
            ping_interval=None,
            close_timeout=1,
            max_size=4 * 1024 * 1024,
            max_queue=64,
            server_header=None,
        )

    async def _move(self) -> None:
        """Advance the market every 10 ms; a late tick is not made up for, its events come."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._step(time.time_ns())
            due = max(due + TICK_S, loop.time())
            await asyncio.sleep(due - loop.time())

    def _step(self, now: int) -> None:
        if not self._begun and any(hub.seen for hub in self.hubs.values()):
            self._begun = True
            self._feed.begin(Ns(now))
        updates = [] if self._quiet else self._feed.advance(Ns(now))
        self._truth.write(self._feed.drain_truth())
        self.updates += len(updates)
        for update in updates:
            venue = self.kalshi if update.key.startswith("kalshi:") else self.polymarket
            self._tell(venue.name, venue.publish(update))
        for hub in self.hubs.values():
            hub.poll(now)
        self.kalshi.poll(now)
        self.polymarket.poll(now)
        self.kalshi.rest.limited_until = self.hubs["kalshi"].mischief.limited_until
        self.polymarket.windows.limited_until = self.hubs["polymarket"].mischief.limited_until

    def _stands_still(self, key: str, now: int) -> bool:
        return (self.kalshi if key.startswith("kalshi:") else self.polymarket).stands_still(
            key, now
        )

    def _tell_owner(self, venue: str, message: Any) -> None:
        """A message for one owner's connections goes out at once."""
        now = time.time_ns()
        verdict = self.storms[venue].private(now)
        if verdict == "late":
            asyncio.get_running_loop().call_later(LATE_S, self._deliver, venue, message)
        elif verdict != "lost":
            for _ in range(2 if verdict == "twice" else 1):
                self._deliver(venue, message)

    def _deliver(self, venue: str, message: Any) -> None:
        hub, now = self.hubs[venue], time.time_ns()
        for line in hub.lines.values():
            on_private = getattr(line.session, "on_private", None)
            frames = on_private(message) if on_private is not None else []
            if frames:
                hub.send(line, frames, now)

    def _tell(self, venue: str, news: Any) -> None:
        hub = self.hubs[venue]
        now = time.time_ns()
        for line in hub.lines.values():
            frames = line.session.on_published(news)
            if frames:
                hub.send(line, frames, now)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            self.log.flush()
