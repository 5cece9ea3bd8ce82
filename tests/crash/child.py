"""One life of a trading process against a venue in another one: recover, decide, send, record."""

import heapq
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from dutchbook.domain.effects import Effect
from dutchbook.domain.events import (
    BookLevels,
    Event,
    FeedUp,
    InstrumentListed,
    LinkProposed,
    OperatorAsked,
    RunStarted,
)
from dutchbook.domain.relations import Link
from dutchbook.domain.units import MILLI, Ns
from dutchbook.engine.engine import Engine
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.loop import Loop
from dutchbook.runtime.reckoning import books_of
from dutchbook.runtime.recover import recover
from dutchbook.runtime.wire import Wire
from dutchbook.runtime.wiregate import WireGate
from dutchbook.state.invariants import invariants
from dutchbook.storage.store import Store

STEP = 10 * MILLI
_decode = msgspec.msgpack.Decoder(list[Event]).decode
_encode = msgspec.msgpack.Encoder().encode


class StepClock:
    """Time that moves when told to; alarms ring in order."""

    def __init__(self, start: int) -> None:
        self.at = start
        self._alarms: list[tuple[int, int, list[Callable[[], object] | None]]] = []
        self._order = itertools.count()

    def now(self) -> Ns:
        return Ns(self.at)

    mono = now

    def after(self, span: Ns, call: Callable[[], object]) -> Any:
        box: list[Callable[[], object] | None] = [call]
        heapq.heappush(self._alarms, (self.at + max(0, span), next(self._order), box))
        return _Alarm(box)

    def pass_(self, span: int) -> None:
        end = self.at + span
        while self._alarms and self._alarms[0][0] <= end:
            at, _, box = heapq.heappop(self._alarms)
            self.at = max(self.at, at)
            if box[0] is not None:
                box[0]()
        self.at = end


class _Alarm:
    def __init__(self, box: list[Any]) -> None:
        self._box = box

    def cancel(self) -> None:
        self._box[0] = None


class Life:
    """A process from start to its good end, or to the point at which it dies.

    `ask(kind, payload)` is a message to the world outside and its answer; kinds: "do" with
    (venue, effect), "due", "end" with the report.
    """

    def __init__(
        self,
        root: Path,
        engine: Engine,
        ask: Callable[[str, bytes], bytes],
        start: int,
        epoch: str,
        accounts: tuple[tuple[str, str], ...],
    ) -> None:
        self.clock = StepClock(start)
        self.ask = ask
        self.engine = engine
        self.store = Store.open(root, fsync="always", background=False)
        recover(engine, root)
        self.inbox = Inbox(self.clock, seq=self.store.seq, at=self.store.at)
        self.wire = Wire(
            WireGate(root, self.clock.mono),
            {name: _Driver(self, name) for name in ("kalshi", "polymarket")},
            lambda event: self.inbox.put("account", [event]),
        )
        self.loop = Loop(
            engine, self.inbox, self.store, self.clock, self.wire.carry, lambda step: None, Ns(0)
        )
        run = f"r{len(engine.runs) + 1}"
        self.inbox.put("account", [RunStarted(run, "sim", 7, "0", "", epoch, accounts)])

    def go(self, first: list[Event], turns: int) -> None:
        """Tell it the world, then let time pass until nothing is under way."""
        self.inbox.put("world", first)
        trading = self.engine.trading
        assert trading is not None
        for turn in range(turns):
            while self.loop.turn():
                pass
            self.wire.gate.beat()
            self.inbox.put("venue", _decode(self.ask("due", _encode(self.clock.at))))
            self.clock.pass_(STEP)
            if turn > 40 and not trading.trader.busy and not trading.account.live:
                break
        while self.loop.turn():
            pass
        self.loop.commit()
        account = trading.account
        report = books_of(account, ["kalshi", "polymarket"]) | {
            "broken": invariants(account),
            "baskets": [[b.begun.id, b.stage, b.why, b.locked] for b in account.baskets.values()],
            "busy": trading.trader.busy,
            "live": [[life.order.id, life.state] for life in account.live.values()],
            "halts": [[halt.scope, halt.level, halt.why] for halt in account.halts.values()],
        }
        self.ask("end", _encode(report))
        self.store.close()


class _Driver:
    def __init__(self, life: Life, name: str) -> None:
        self.life = life
        self.name = name

    def do(self, effect: Effect) -> None:
        reply = self.life.ask("do", _encode((self.name, self.life.clock.at, effect)))
        self.life.inbox.put(f"{self.name}.rest", _decode(reply))


def world(markets: list[Any], link: Link, books: list[BookLevels]) -> list[Event]:
    """Two venues with an approved link between their markets."""
    return [
        FeedUp("kalshi.book"), FeedUp("polymarket.market.0"),
        *(InstrumentListed(market) for market in markets),
        LinkProposed(link), OperatorAsked("ann", "approve", (link.id, str(link.version))),
        *books,
    ]  # fmt: skip


__all__ = ["Life", "StepClock", "world"]
