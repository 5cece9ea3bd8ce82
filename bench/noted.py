"""A command of dutchbook that notes when the bytes of its orders left.

`python -m bench.noted FILE ARGUMENT...` is `dutchbook ARGUMENT...`; when it has ended FILE holds
{order: ns}, by the clock of the run. Only Kalshi's requests name their orders.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.cli import main
from dutchbook.io.http import Network
from dutchbook.runtime.bootstrap import House
from dutchbook.runtime.clock import SystemClock
from dutchbook.venues.kalshi.order_bytes import order_id

SENT: Final = "http11.send_request_headers.complete"
NAME: Final = re.compile(rb'"client_order_id":"([^"]+)"')
Heard = Callable[[bytes, int], None]


def noting(network: Network, heard: Heard) -> Network:
    """Have `heard` told of each order's request: its body and when its head had left."""
    stream, clock = network._client.stream, SystemClock()

    def noted(method: str, url: str, **words: Any) -> Any:
        if method == "POST" and ("/orders" in url or url.endswith("/order")):
            body = words.get("content") or b""

            async def note(event: str, _info: dict[str, Any]) -> None:
                if event == SENT:
                    heard(body, clock.now())

            words["extensions"] = {"trace": note}
        return stream(method, url, **words)

    network._client.stream = noted  # type: ignore[method-assign]
    return network


def _main(out: str, *words: str) -> None:
    left: dict[str, int] = {}

    def heard(body: bytes, at: int) -> None:
        for named in NAME.findall(body):
            left.setdefault(order_id(named.decode()), at)

    plain = House.transport
    House.transport = lambda house: noting(plain(house), heard)  # type: ignore[method-assign]
    sys.argv = ["dutchbook", *words]
    try:
        main()
    finally:
        Path(out).write_bytes(msgspec.json.encode(left))


if __name__ == "__main__":
    _main(*sys.argv[1:])
