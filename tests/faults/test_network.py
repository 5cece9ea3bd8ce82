"""A real trader on real sockets, and between it and the exchanges a network that breaks.

F27 to F36 as far as TCP can show them: answers that never come, resets, half-open and slow links.
When the network is whole again, books and exchanges must be equal to the millionth.
"""

import asyncio
import json
import os
from urllib.parse import urlsplit, urlunsplit

import pytest
from bench.reliability.served import DATA, served

from faults.proxy import Proxy

ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
CALLS = {"plain": 8, "slow": 2, "fin": 1, "rst": 1, "swallow": 1, "deaf": 1, "dribble": 1}
STREAMS = {"plain": 3, "slow": 2, "fin": 1, "rst": 1, "freeze": 1, "dribble": 1}
THROUGH = {
    "kalshi": {"rest": CALLS, "ws": STREAMS},
    "polymarket": {"clob": CALLS, "ws": STREAMS, "user_ws": STREAMS},
}


class Network:
    """Proxies before every address that orders and their answers pass."""

    def __init__(self, at, seed):
        self.at, self.seed = json.loads(at), seed
        self.proxies = {}

    async def __aenter__(self):
        for venue, names in THROUGH.items():
            for name, weights in names.items():
                parts = urlsplit(self.at[venue][name])
                port = await self._before(parts.hostname, parts.port, weights)
                through = parts._replace(netloc=f"127.0.0.1:{port}")
                self.at[venue][name] = urlunsplit(through)
        return self

    async def _before(self, host, port, weights):
        """One proxy for each server, however many addresses it has."""
        if (host, port) not in self.proxies:
            proxy = Proxy(host, port, self.seed + len(self.proxies), dict(weights))
            self.proxies[host, port] = proxy, await proxy.start()
        return self.proxies[host, port][1]

    async def __aexit__(self, *_):
        for proxy, _ in self.proxies.values():
            await proxy.stop()

    @property
    def drawn(self):
        counts = {}
        for proxy, _ in self.proxies.values():
            for name, count in proxy.counts.items():
                counts[name] = counts.get(name, 0) + count
        return counts


@pytest.mark.timeout(400)
@pytest.mark.xdist_group("network")
@pytest.mark.parametrize("seed", range(1, 9) if ALL else [3])
async def test_a_network_that_breaks_loses_and_repeats_nothing(seed, tmp_path, record_property):
    with served(tmp_path, seed=7) as exchanges:
        async with Network(exchanges.at, seed) as network:
            straight, exchanges.at = exchanges.at, json.dumps(network.at)
            process = exchanges.trader(tmp_path / DATA, "20" if ALL else "10")
            _, err = await asyncio.to_thread(process.communicate, timeout=200)
            assert process.returncode == 0, err[-2000:]
            record_property("broken links", sum(network.drawn.values()))
            assert len(network.drawn) > 2, f"hardly anything broke: {network.drawn}"
        exchanges.at = straight
        told = await asyncio.to_thread(exchanges.settle, tmp_path / DATA)
    assert told["ledger_differences"] == []
    assert told["unknown_seen"] == told["unknown_resolved"] and told["baskets_open"] == 0
    print(f"{len(exchanges.orders())} orders through {network.drawn}")
    clients = [row["client"] or row["id"] for row in exchanges.orders()]
    assert len(clients) == len(set(clients)) > 0
