"""The market maker over a generated tape, with queue, latency, fees and ledger: events a second.

The tape holds the Kalshi half of the generated market, which is one book a market; the maker quotes
the ten busiest. The peer is given the same books and sends the very orders that the maker sent, at
the same moments, with latency, fees and accounts on; its strategy decides nothing.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.harness import Context, Row, best
from dutchbook.backtest.generated import generated
from dutchbook.backtest.plan import Plan, session_of
from dutchbook.backtest.session import Session
from dutchbook.backtest.tape import Tape
from dutchbook.domain.effects import CancelOrder, SubmitOrder, SubmitOrders
from dutchbook.domain.errors import UsageError
from dutchbook.domain.events import BookLevels, FeedUp, InstrumentListed, TradePrinted
from dutchbook.domain.units import ONE, SECOND, Ns
from dutchbook.runtime.collector import frozen

SECONDS: Final = 240
REPEATS: Final = 15
PLAN: Final = Plan("maker", params={"maker": {"markets_max": 10}}, latency="250ms")


def run(context: Context) -> list[Row]:
    """Ours without and with the digest over all Steps; the peer where a Python has it."""
    tape = _tape(context.size(SECONDS))
    count = sum(type(event) is BookLevels for _, event in tape.items)
    repeats = 1 if context.quick else REPEATS
    watch = Orders()
    _play(tape, watch=watch)
    ours, theirs = [], []
    with _nautilus(context, tape, watch.rows) as peer:
        for _ in range(repeats):  # by turns: what else the machine does falls on both
            session = session_of(PLAN, tape, digest=False)
            with frozen():
                seconds, session = best(lambda played=session: _played(played, tape), 1)
            ours.append(seconds)
            if peer is not None:
                theirs.append(peer.run())
    account = session.engine.trading.account
    fills = sum(len(life.fills) for life in account.orders.values())
    context.say(f"bench: {count} book events, {len(account.orders)} orders, {fills} fills")
    rate = count / min(ours)
    slower, _ = best(lambda: _play(tape, digest=True), max(1, repeats // 4))
    rows = [Row("backtest", round(rate), "book events/s", ">= 150,000", rate >= 150_000)]
    rows.append(Row("backtest_digest", round(count / slower), "book events/s"))
    if theirs:
        told = min(theirs, key=lambda one: one["seconds"])
        context.say(f"bench: the peer sent {told['orders']} orders, got {told['fills']} fills")
        ratio = round(rate / (told["events"] / told["seconds"]), 2)
        rows.append(
            Row("backtest_peer", round(rate), "book events/s", "ratio >= 2", ratio >= 2,
                told["peer"], ratio)
        )  # fmt: skip
    return rows


class Orders:
    """What the maker sends, in YES terms, as the peer is told it."""

    def __init__(self) -> None:
        self.rows: list[list[object]] = []

    def saw(self, step, session) -> None:
        at = step.envelope.at
        for effect in step.effects:
            if isinstance(effect, SubmitOrder | SubmitOrders):
                made = effect.orders if isinstance(effect, SubmitOrders) else (effect.order,)
                for order in made:
                    buys = (order.action == "buy") == (order.outcome == "yes")
                    px = order.px if order.outcome == "yes" else ONE - order.px
                    name = order.key.removeprefix("kalshi:")
                    rests = order.tif in ("gtc", "gtd")
                    self.rows.append(
                        [at, "submit", order.id, name, buys, _four(px), _two(order.qty), rests]
                    )
            elif isinstance(effect, CancelOrder):
                self.rows.append([at, "cancel", effect.order.id])

    def sample(self, at, session) -> None:
        """Nothing is sampled."""


def _tape(seconds: int) -> Tape:
    tape = generated(7, Ns(seconds * SECOND))
    kept = (BookLevels, TradePrinted, InstrumentListed, FeedUp)
    tape.items = [
        (at, event) for at, event in tape.items if isinstance(event, kept) and _kalshi(event)
    ]
    return tape


def _kalshi(event) -> bool:
    if isinstance(event, InstrumentListed):
        return event.instrument.venue == "kalshi"
    return event.stream.startswith("kalshi")


def _play(tape: Tape, *, digest: bool = False, watch=None) -> Session:
    return _played(session_of(PLAN, tape, watch, digest=digest), tape)


def _played(session: Session, tape: Tape) -> Session:
    """The run alone is timed, as it is at the peer: not the making of its engine."""
    session.play(tape.items)
    return session


def _four(px: int) -> str:
    return f"{px / ONE:.4f}"


def _two(qty: int) -> str:
    return f"{qty / ONE:.2f}"


class Peer:
    """NautilusTrader in a Python of its own, with the same tape and orders."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self) -> dict[str, Any]:
        """What it says of one more pass."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            said = self.process.stderr.read().strip().splitlines()
            why = said[-1] if said else f"exit code {self.process.wait()}"
            raise UsageError(f"{self.process.args[0]} can't run the peer", why=why)
        return json.loads(line)


@contextmanager
def _nautilus(context: Context, tape: Tape, orders: list[list[object]]) -> Iterator[Peer | None]:
    """The peer; None where no Python has it."""
    if context.peer_python is None:
        yield None
        return
    books, sent = context.scratch / "books.jsonl", context.scratch / "orders.jsonl"
    with books.open("w") as out:
        for at, event in tape.items:
            if type(event) is BookLevels:
                levels = [[side, _four(px), _two(size)] for side, px, size in event.levels]
                name = event.key.removeprefix("kalshi:")
                out.write(json.dumps([at, name, event.snapshot, levels]) + "\n")
            elif type(event) is TradePrinted:
                name = event.key.removeprefix("kalshi:")
                row = [at, name, event.buy_yes, _four(event.px), _two(event.qty), event.trade]
                out.write(json.dumps(row) + "\n")
    sent.write_text("".join(json.dumps(row) + "\n" for row in orders))
    context.say(f"bench: the same tape through NautilusTrader in {context.peer_python}, by turns")
    script = Path(__file__).with_name("peer_backtest.py")
    process = subprocess.Popen(
        [str(context.peer_python), str(script), str(books), str(sent)], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Peer(process)
    finally:
        process.kill()
        process.communicate()
