"""A trading process that notes when a basket was decided and when its requests' bytes left.

`python -m bench.first_byte ADDRESSES DATA_DIR SECONDS` prints {"spans": [[legs, first, last]]} in
ms: from the step that decided, over its fsync and its signature, to the request's head being out.
"""

import sys
from pathlib import Path

import msgspec
import uvloop

from bench.noted import noting
from bench.reliability.trader import trade
from dutchbook.domain.effects import SubmitOrder, SubmitOrders
from dutchbook.domain.step import BasketBegun, Step
from dutchbook.io.http import Network
from dutchbook.runtime.bootstrap import House
from dutchbook.runtime.live import Live


class Noted(House):
    """Its transport notes the moment at which each order's request has left."""

    sent: list[int] = []

    def transport(self) -> Network:
        return noting(Network(), lambda body, at: self.sent.append(at))


def main(at: str, data: str, seconds: str) -> None:
    begun: list[tuple[int, int, int]] = []

    def watch(live: Live, step: Step) -> None:
        requests = sum(isinstance(one, SubmitOrder | SubmitOrders) for one in step.effects)
        begun.extend(
            (step.envelope.at, len(note.legs), requests)
            for note in step.notes
            if isinstance(note, BasketBegun)
        )

    uvloop.run(trade(at, Path(data), float(seconds), False, Noted, watch))
    spans = []
    for decided, legs, requests in begun:
        mine = [stamp for stamp in sorted(Noted.sent) if stamp >= decided][:requests]
        if len(mine) == requests:
            spans.append([legs, (mine[0] - decided) / 1e6, (mine[-1] - decided) / 1e6])
    sys.stdout.write(msgspec.json.encode({"spans": spans}).decode() + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
