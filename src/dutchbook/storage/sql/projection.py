"""The one fold from journal to tables: a batch of steps, then its rows in one transaction.

The rows follow from the journal alone, so that tables built anew are equal, row for row.
"""

import hashlib
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection, Engine, Table, delete, insert, select, tuple_, update

from dutchbook.domain.account_events import (
    AccountSeen,
    FillSettled,
    FillVoided,
    OrderFilled,
    OrderSeen,
)
from dutchbook.domain.effects import Effect, SubmitOrder, SubmitOrders
from dutchbook.domain.events import Event, OperatorAsked, RunStarted, RunStopped
from dutchbook.domain.step import (
    Accepted,
    BasketBegun,
    BasketMoved,
    Closed,
    HaltMoved,
    Improved,
    Note,
    Opened,
    RampMoved,
)
from dutchbook.domain.units import DAY, Ns
from dutchbook.engine.trading import FOLDED
from dutchbook.state.account import Account
from dutchbook.storage.sql import rows, tables
from dutchbook.storage.sql.rows import Row

COUNTS: Final = (
    "orders", "fills", "baskets_done", "baskets_unwound", "stuck", "volume", "fees", "locked",
    "realised",
)  # fmt: skip
IN_MAX: Final = 300
"""Keys of one DELETE: databases bound how many parameters a statement has."""


class Kept(Protocol):
    """A step as the journal has it."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> Ns: ...
    @property
    def event(self) -> Event | None: ...
    @property
    def effects(self) -> tuple[Effect, ...]: ...
    @property
    def notes(self) -> tuple[Note, ...]: ...


class Projection:
    """`fold` takes steps in order; `write` puts what they changed into the tables."""

    def __init__(self, account: Account | None = None, seq: int = 0, chain: str = "") -> None:
        self.account = account or Account()
        self.seq = seq
        self.chain = chain
        self.audited = 0
        self.rows: dict[Table, dict[tuple[Any, ...], Row]] = {}
        self.open: dict[str, Row] = {}
        self.days: dict[str, Row] = {}
        self.until = 0
        self._trades: list[tuple[str, str, str, str]] = []
        self._run = ""

    def skip(self, step: Kept) -> None:
        """A step that is in the tables already: only the state moves on."""
        self._state(step)
        self.account.ledger.drain()
        self.seq = step.seq

    def fold(self, step: Kept) -> None:
        """Take one step over and note what it changed."""
        before = self.account.realised()
        touched = self._state(step)
        self._orders(touched, step)
        self._money(step, before)
        for note in step.notes:
            self._note(note, step)
        self._audit(step)
        self.seq = step.seq

    def _state(self, step: Kept) -> dict[str, None]:
        """Fold into the account; returns the orders that were touched."""
        account, event = self.account, step.event
        touched: dict[str, None] = {}
        if isinstance(event, RunStarted):
            self._run = event.run
            touched |= dict.fromkeys(account.live)
        if event is not None and type(event) in FOLDED:
            account.apply(event, step.at, step.seq)
            touched |= self._concerned(event)
        for note in step.notes:
            account.note(note, step.at)
        for effect in step.effects:
            account.record(effect, step.at)
            if isinstance(effect, SubmitOrder):
                touched[effect.order.id] = None
            elif isinstance(effect, SubmitOrders):
                touched |= {order.id: None for order in effect.orders}
        return touched

    def _concerned(self, event: Event) -> dict[str, None]:
        account = self.account
        if isinstance(event, FillVoided):
            return dict.fromkeys(account.undone)
        if isinstance(event, AccountSeen):
            found: dict[str, None] = {}
            parts: tuple[OrderSeen | OrderFilled, ...] = (*event.orders, *event.fills)
            for part in parts:
                life = account.life_of(part.order, part.venue, part.venue_order)
                if life is not None:
                    found[life.order.id] = None
            return found
        order = getattr(event, "order", "")
        name, venue = getattr(event, "venue_order", ""), getattr(event, "venue", "")
        life = account.life_of(order, venue, name)
        return {life.order.id: None} if life is not None else {}

    def _put(self, table: Table, row: Row) -> None:
        key = tuple(row[column.name] for column in table.primary_key)
        self.rows.setdefault(table, {})[key] = row

    def _orders(self, touched: dict[str, None], step: Kept) -> None:
        account = self.account
        for name in touched:
            life = account.orders.get(name)
            if life is None:
                continue
            self._put(tables.orders, rows.order(life, step.seq))
            for one in life.fills:
                trade = (one.venue, one.account, one.trade)
                state = "provisional" if trade in account.money.pending else "final"
                self._put(tables.fills, rows.fill(life, one, state, step.at, step.seq))
        event = step.event
        if isinstance(event, FillVoided):
            self._trades.append((event.venue, event.account, event.trade, "voided"))
        elif isinstance(event, FillSettled) and event.status == "confirmed":
            self._trades.append((event.venue, event.account, event.trade, "final"))

    def _money(self, step: Kept, before: int) -> None:
        account, day = self.account, self._day(step.at)
        entries = account.ledger.drain()
        assets: dict[str, None] = {}
        n = 0
        for entry in entries:
            made = rows.ledger(entry, n)
            n += len(made)
            for row in made:
                self._put(tables.ledger, row)
                if row["account"].startswith("holding:"):
                    assets[row["asset"]] = None
                    day["volume"] += abs(row["amount"]) if entry.what in ("buy", "sell") else 0
                if row["account"].startswith("fees:"):
                    day["fees"] += row["amount"]
            day["fills"] += entry.what in ("buy", "sell")
        for asset in assets:
            self._put(tables.positions, rows.position(account, asset, step.seq))
        gained = account.realised() - before
        if entries or gained:
            day["realised"] += gained
            self._save(day, step.seq)

    def _day(self, at: Ns) -> Row:
        name = str(at // DAY)
        if name not in self.days:
            self.days[name] = {"day": name, **dict.fromkeys(COUNTS, 0), "seq": 0}
        return self.days[name]

    def _save(self, day: Row, seq: int) -> None:
        day["seq"] = seq
        self._put(tables.daily_performance, dict(day))

    def _note(self, note: Note, step: Kept) -> None:
        if isinstance(note, BasketBegun):
            basket = self.account.baskets[note.id]
            self._put(tables.trades, rows.trade(basket, step.seq))
            for row in rows.legs(basket, step.seq):
                self._put(tables.trade_legs, row)
        elif isinstance(note, BasketMoved) and note.id in self.account.baskets:
            basket = self.account.baskets[note.id]
            self._put(tables.trades, rows.trade(basket, step.seq))
            if basket.over:
                day = self._day(step.at)
                name = {"done": "baskets_done", "unwound": "baskets_unwound"}.get(note.stage)
                day[name or "stuck"] += 1
                day["locked"] += note.locked
                self._save(day, step.seq)
        elif isinstance(note, Opened | Improved):
            known = self.open.get(note.id)
            at = Ns(known["opened_at"]) if known is not None else step.at
            row = self.open[note.id] = rows.opportunity(note.id, note.certificate, at, step.seq)
            self._put(tables.opportunities, row)
        elif isinstance(note, Closed) and note.id in self.open:
            row = rows.closed(self.open.pop(note.id), note, step.at, step.seq)
            self._put(tables.opportunities, row)

    def _audit(self, step: Kept) -> None:
        """Orders, commands, halts and runs, each chained to all before it by its hash."""
        event = step.event
        said: list[tuple[str, str, Any]] = []
        if isinstance(event, OperatorAsked):
            said.append((event.who, event.verb, event))
        elif isinstance(event, RunStarted | RunStopped):
            said.append(("dutchbook", type(event).__name__, event))
            self.open = {} if isinstance(event, RunStarted) else self.open
        said += [("dutchbook", "SubmitOrder", e) for e in step.effects if _submits(e)]
        said += [(n.by, f"halt {n.level}", n) for n in step.notes if isinstance(n, HaltMoved)]
        said += [(n.by, f"accept {n.venue}", n) for n in step.notes if isinstance(n, Accepted)]
        said += [("dutchbook", f"ramp {n.step}", n) for n in step.notes if isinstance(n, RampMoved)]
        day = self._day(step.at)
        for who, what, body in said:
            text = msgspec.json.encode(body, order="deterministic").decode()
            mark = msgspec.msgpack.encode((self.chain, step.seq, step.at, who, what, text))
            self.chain = hashlib.blake2b(mark, digest_size=32).hexdigest()
            self.audited += 1
            row = {"n": self.audited, "seq": step.seq, "at": step.at, "who": who, "what": what}
            self._put(tables.audit, row | {"body": text, "hash": self.chain})
            if what == "SubmitOrder":
                day["orders"] += len(body.orders) if isinstance(body, SubmitOrders) else 1
                self._save(day, step.seq)

    # -- writing ---------------------------------------------------------------------------------

    def write(self, engine: Engine) -> int:
        """One transaction: the rows that changed, and how far that is; returns their number."""
        count = sum(len(found) for found in self.rows.values())
        with engine.begin() as connection:
            for table, found in self.rows.items():
                _replace(connection, table, found)
            for venue, account, trade, state in self._trades:
                fills = tables.fills
                connection.execute(
                    update(fills)
                    .where(
                        fills.c.venue == venue, fills.c.account == account, fills.c.trade == trade
                    )
                    .values(state=state)
                )
            connection.execute(update(tables.projected).values(seq=self.seq, chain=self.chain))
        self.rows, self._trades = {}, []
        return count

    def resume(self, engine: Engine) -> None:
        """Know what the tables say already: how far they are, the chain, the days, what is open."""
        with engine.connect() as connection:
            seq, chain = connection.execute(
                select(tables.projected.c.seq, tables.projected.c.chain)
            ).one()
            self.chain = chain
            last = connection.execute(
                select(tables.audit.c.n).order_by(tables.audit.c.n.desc()).limit(1)
            ).scalar()
            self.audited = last or 0
            for row in connection.execute(select(tables.daily_performance)).mappings():
                self.days[row["day"]] = dict(row)
        self.until = int(seq)


def _submits(effect: Effect) -> bool:
    return isinstance(effect, SubmitOrder | SubmitOrders)


def _replace(connection: Connection, table: Table, found: dict[tuple[Any, ...], Row]) -> None:
    keys = list(found)
    columns = tuple(table.primary_key)
    for start in range(0, len(keys), IN_MAX):
        part = keys[start : start + IN_MAX]
        if len(columns) == 1:
            gone = columns[0].in_([key[0] for key in part])
        else:
            gone = tuple_(*columns).in_(part)
        connection.execute(delete(table).where(gone))
    connection.execute(insert(table), list(found.values()))
