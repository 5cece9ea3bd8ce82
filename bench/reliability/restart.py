"""P8: from kill -9 to reconciled, with so many open orders and fills in the record.

As a program (`python -m bench.reliability.restart DIR`) it is the process that comes back: it
recovers, asks the venue, and prints how long that took.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Any, Final

import msgspec

from dutchbook.domain.account_events import AccountSeen, OrderAcked, OrderFilled, OrderSeen
from dutchbook.domain.effects import AskAccount, Effect, SubmitOrder
from dutchbook.domain.events import Envelope, Event, RunStarted, TimerFired
from dutchbook.domain.orders import Holding, Order
from dutchbook.domain.step import Reconciled, Step
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns, Px, Qty, Usd
from dutchbook.runtime.bootstrap import engine_of
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.inbox import Inbox
from dutchbook.runtime.loop import Loop
from dutchbook.runtime.recover import recover
from dutchbook.runtime.settings import Settings
from dutchbook.storage.store import Store

ROOT: Final = Path(__file__).resolve().parents[2]
ACCOUNTS: Final = {"kalshi": "us"}
OPENING: Final = Usd(1_000_000 * ONE)
AT: Final = Ns(1_790_000_000 * SECOND)
PX: Final = Px(400_000)
REPORT: Final = "report.bin"


def build(root: Path, open_orders: int, fills: int) -> None:
    """A record as a killed process leaves it (no snapshot), and the venue's report beside it."""
    store = Store.open(root / "data", fsync="promises", background=False)
    seq = 0

    def step(event: Event, effects: tuple[Effect, ...] = ()) -> None:
        nonlocal seq
        seq += 1
        store.append(Step(Envelope(seq, Ns(AT + seq * MILLI), event), effects))
        if seq % 5_000 == 0:
            store.commit()

    step(RunStarted("r1", "sim", 7, "0", "", "e1", tuple(ACCOUNTS.items())))
    step(AccountSeen("kalshi", "us", AT, Ns(0), OPENING, (), (), ()))
    rows: list[OrderSeen] = []
    total = open_orders * 2
    each = fills // total
    for n in range(total):
        qty = Qty(each * ONE + (10 * ONE if n % 2 else 0))  # every second one stays open
        key = f"kalshi:M{n % 200}"
        order = Order(f"e1-{n}-1", "kalshi", "us", key, "yes", "buy", PX, qty, "gtc", AT, "manual")
        step(TimerFired("sweep"), (SubmitOrder(order),))
        step(OrderAcked(order.id, f"v{n}"))
        for m in range(each):
            step(
                OrderFilled(
                    "kalshi", "us", order.id, f"v{n}", f"t{n}.{m}", key, "yes", "buy", PX, Qty(ONE),
                    Usd(0), False, AT,
                )
            )  # fmt: skip
        if n % 2:
            rows.append(
                OrderSeen(
                    "kalshi", "us", order.id, f"v{n}", key, "yes", "buy", PX, qty, "open",
                    Qty(each * ONE),
                )
            )  # fmt: skip
    store.commit()
    store.close()
    (root / "data" / "lock").unlink(missing_ok=True)
    held = {f"kalshi:M{n}": 0 for n in range(200)}
    for n in range(total):
        held[f"kalshi:M{n % 200}"] += each * ONE
    holdings = tuple(Holding(k, "yes", Qty(q)) for k, q in sorted(held.items()) if q)
    cash = Usd(OPENING - total * each * PX)
    seen = AccountSeen("kalshi", "us", AT, AT, cash, holdings, tuple(rows), ())
    (root / REPORT).write_bytes(msgspec.msgpack.encode(seen))


async def come_back(root: Path) -> dict[str, Any]:
    """Recover, ask, compare; nothing may be ordered before that. The counts, for the parent."""
    report = msgspec.msgpack.decode((root / REPORT).read_bytes(), type=AccountSeen)
    engine = engine_of(Settings(), accounts=ACCOUNTS)
    clock = SystemClock()
    store = Store.open(root / "data", background=False)
    recover(engine, root / "data")
    inbox = Inbox(clock, seq=store.seq, at=store.at)
    early: list[str] = []

    def carry(effect: Effect) -> None:
        if isinstance(effect, AskAccount):
            inbox.put("kalshi.rest", [msgspec.structs.replace(report, asked=clock.now())])
        elif isinstance(effect, SubmitOrder):
            early.append(effect.order.id)

    done: list[Reconciled] = []

    def watch(step: Step) -> None:
        done.extend(note for note in step.notes if isinstance(note, Reconciled) and note.ok)

    loop = Loop(engine, inbox, store, clock, carry, watch, Ns(0))
    inbox.put("account", [RunStarted("r3", "sim", 7, "0", "", "e3", tuple(ACCOUNTS.items()))])
    while not done and loop.turn():
        pass
    assert engine.trading is not None
    account = engine.trading.account
    fills = sum(len(life.fills) for life in account.orders.values())
    store.close()
    return {
        "reconciled": bool(done), "early": len(early), "open": len(account.live), "fills": fills,
    }  # fmt: skip


def measure(root: Path, open_orders: int, fills: int) -> tuple[float, dict[str, Any]]:
    """(seconds from the start of the process to its being reconciled, what it found)."""
    root.mkdir(parents=True, exist_ok=True)
    build(root, open_orders, fills)
    code = "import sys; from bench.reliability import restart; restart.main(sys.argv[1])"
    env = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PATH": "/usr/bin:/bin"}
    began = monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(root)], env=env, capture_output=True, text=True, check=True
    )
    return monotonic() - began, msgspec.json.decode(done.stdout.splitlines()[-1])


def main(root: str) -> None:
    sys.stdout.write(msgspec.json.encode(asyncio.run(come_back(Path(root)))).decode() + "\n")
