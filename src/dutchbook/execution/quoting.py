"""Strategies with an opinion: asks them when something changed, and makes their wishes orders.

Each market that somebody watches costs one look-up and a comparison of best prices at a change of
its book; everything else happens when a best price moved, an order ended, or time passed. All
quotes are pulled where a book can't be read, where anything is halted or not reconciled, and while
a run ends. Whatever stands after a restart is pulled as well, until its book is whole again:
what is live is read off the account, so none is forgotten.
"""

from itertools import islice
from typing import Final, Protocol

import msgspec

from dutchbook.domain.candidate import Catalogue, Outcome, View
from dutchbook.domain.events import MarketResolved, OperatorAsked, TradePrinted
from dutchbook.domain.step import Determined, Found
from dutchbook.domain.units import Ns, Px, Qty
from dutchbook.domain.wish import Leans, Settles, Wish
from dutchbook.execution.desk import Desk
from dutchbook.execution.inside import Inside, Wanted
from dutchbook.execution.manager import Manager
from dutchbook.execution.slots import Slots
from dutchbook.execution.watched import Seen, Standing, Top, Watch
from dutchbook.state.account import Life

ROUNDS: Final = 8
"""So many strategies are asked again in one step after a netting; the rest at the next tick."""
LOOKS: Final = 200
"""So many markets in which nothing is wished are looked at in one tick."""


class Books(View, Catalogue, Protocol):
    """What the engine shows: books, the catalogue, and the book itself behind an outcome."""

    def source(self, key: str, outcome: Outcome) -> Top: ...


class Quoting:
    """`watched`: what the engine looks at for each change of a book; empty where nobody quotes."""

    def __init__(self, desk: Desk, manager: Manager) -> None:
        self.desk = desk
        self.manager = manager
        self.watched: dict[str, Watch] = {}
        self.why: dict[tuple[str, str], str] = {}
        self.closing = False
        self.slots = Slots(desk)
        self._settled: dict[tuple[str, str], None] = {}
        """Where every wish stands as an order and no end is asked for: time changes nothing."""
        self._wanted: Wanted = {}
        self._active: dict[str, None] = {}
        self._next = 0
        self._standing = Standing(desk)
        self._inside = Inside(desk, self.slots, self._wanted)

    # -- when ------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A run began: nobody has wished for anything yet, and no book is known."""
        self.closing = False
        self.watched.clear()
        self._wanted.clear()
        self._active, self._next = {}, 0
        self._settled.clear()
        self.why = {}
        self.slots.begin()
        self.manager.begin()

    def index(self, view: Books) -> None:
        """Markets, links or strategies changed: who watches what."""
        self.manager.changed = False
        names: dict[str, list[str]] = {}
        for name, quoter in self.manager.on.items():
            for key in quoter.watches(view):
                names.setdefault(key, []).append(name)
        before = dict(self.watched)
        self.watched.clear()
        for key, who in names.items():
            if key.partition(":")[0] not in self.desk.accounts:
                continue
            watch = Watch(key, who, view.source(key, "yes"), view.source(key, "no"))
            if key in before and before[key].names == who:
                watch.due = before[key].due
                watch.moved()
            self.watched[key] = watch
        self._lean(view)
        for place in [one for one in self._wanted if one[0] not in names.get(one[1], ())]:
            del self._wanted[place]
        self.why = {p: why for p, why in self.why.items() if p[0] in names.get(p[1], ())}

    def _lean(self, view: Books) -> None:
        """Markets that nobody quotes, but whose prices quotes elsewhere rest on, are watched."""
        for key, watch in list(self.watched.items()):
            for name in watch.names:
                quoter = self.manager.on[name]
                for other in quoter.leans_on(key) if isinstance(quoter, Leans) else ():
                    if other not in self.watched:
                        try:
                            found = view.source(other, "yes"), view.source(other, "no")
                        except KeyError:
                            continue  # not listed yet: the index is made anew when it is
                        self.watched[other] = Watch(other, [], *found)
                    self.watched[other].feeds.append((name, key))

    def moved(self, key: str, view: View) -> None:
        """A best price of a watched market is another one."""
        watch = self.watched[key]
        for name in watch.names:
            self._ask(name, key, view)
        for name, other in watch.feeds:
            self._ask(name, other, view)

    def printed(self, trade: TradePrinted, view: View) -> None:
        """A trade in a watched market; nothing is decided on it at once."""
        for name in self.watched[trade.key].names:
            quoter = self.manager.on.get(name)
            if quoter is not None:
                quoter.on_trade(trade, Seen(view, self.desk.account, name))

    def ended(self, life: Life, view: View) -> None:
        """Something became of a quote: filled, ended, refused."""
        name, key = life.order.strategy, life.order.key
        if not life.alive:
            wish = self._wanted.get((name, key), {}).get(life.order.slot)
            self.slots.ended(life, wish)
        self._ask(name, key, view)
        for other in self.watched[key].names if key in self.watched else ():
            if other != name and not life.alive and not self._barred(other, key, view):
                self._work(other, key, view)  # it may have waited for this end to net inside

    def asked(self, event: OperatorAsked, view: View) -> None:
        """Commands that switch strategies."""
        if event.verb == "wind_down":
            self.closing = True
        self.manager.asked(event)
        self.look(view)

    def resolved(self, event: MarketResolved) -> None:
        """A market was determined: what strategies held of it inside is paid, too."""
        if self.desk.account.stakes.owners(event.key):
            self.desk.say(Determined(event.key, Px(event.yes_pays)))
        for quoter in self.manager.on.values():
            if isinstance(quoter, Settles):
                quoter.settled(event.key, event.yes_pays)

    def look(self, view: View) -> dict[tuple[str, str], str]:
        """Something rare happened: what may not stand any longer is pulled. Why not, by place."""
        known = {place: self._barred(*place, view) for place in self._standing.now().places}
        for place, why in known.items():
            if why:
                self._pull(*place, why)
        return known

    def tick(self, view: Books) -> None:
        """A quarter of a second passed: ages, reviews, and what time made fresh or stale."""
        if self.manager.changed:
            self.index(view)
        known = self.look(view)
        now, on = self.desk.now, self.manager.on
        for name, oldest in self._standing.now().oldest.items():
            if name in on and 0 < on[name].age_max <= now - oldest:
                self._end_old(now)
                break
        for watch in self._turn():
            key, due = watch.key, now >= watch.due
            for name in watch.names:
                place = (name, key)
                why = known[place] if place in known else self._barred(name, key, view)
                if due or why != self.why.get(place, "new"):
                    self._ask(name, key, view)
                elif not why and place not in self._settled:
                    self._work(name, key, view)  # a slot that rested, or waited
            if due:
                spans = [on[name].review for name in watch.names if name in on]
                watch.due = Ns(now + min(spans, default=0))

    def _end_old(self, now: Ns) -> None:
        for life in list(self.desk.account.live.values()):
            quote = life.order.purpose == "quote"
            quoter = self.manager.on.get(life.order.strategy) if quote else None
            if quoter is not None and 0 < quoter.age_max <= now - life.decided_at:
                self.slots.end(life, "age")

    def _turn(self) -> list[Watch]:
        """The markets of this tick: all where something is wished or stands, and some of the idle
        ones, in turns; looked at all at once, thousands would hold everything else up."""
        watched, account = self.watched, self.desk.account
        self._active = {
            key: None for key in self._active
            if key in watched and (
                account.live_of.get(key)
                or any(self._wanted.get((name, key)) for name in watched[key].names)
            )
        }  # fmt: skip
        if self._next >= len(watched):
            self._next = 0
        idle = islice(watched, self._next, self._next + LOOKS)
        self._next += LOOKS
        return [watched[key] for key in dict.fromkeys((*self._active, *idle))]

    # -- what ------------------------------------------------------------------------------------

    def _barred(self, name: str, key: str, view: View) -> str:
        """Why a strategy may not quote in a market now; "" if it may."""
        if self.closing:
            return "closing"
        if name not in self.manager.on:
            return "disabled"
        account, watch = self.desk.account, self.watched.get(key)
        venue = watch.venue if watch is not None else key.partition(":")[0]
        if not account.reconciled.get(venue):
            return "unreconciled"
        if account.halts:
            for scope in ("all", f"venue:{venue}", f"market:{key}", f"strategy:{name}"):
                halt = account.halts.get(scope)
                if halt is not None and halt.level != "halve":
                    return f"{scope}: {halt.level}"
        mode = account.modes.get(venue) if account.modes else None
        over = mode is not None and mode.mode == "paused" and 0 < mode.until < self.desk.now
        if mode is not None and mode.mode != "post_only" and not over:
            return f"{venue}: {mode.mode}"
        if self.desk.yielding(key):
            return "gives way"
        if watch is None or name not in watch.names:
            return "not watched"
        why = view.stale(key, "yes")
        if not why and watch.no is not watch.yes:
            why = view.stale(key, "no")
        return f"stale: {why}" if why else ""

    def _pull(self, name: str, key: str, why: str) -> None:
        """Nothing of a strategy stands in a market any longer; told when it changes something."""
        place = (name, key)
        self._settled.pop(place, None)
        self._wanted.pop(place, None)
        live = self.slots.live(name, key)
        if live and self.why.get(place) != why:
            self.desk.say(Found(key, "quotes_pulled", f"{name}: {why}"))
        self.why[place] = why
        for life in live:
            self.slots.end(life, "pulled")

    def _ask(self, name: str, key: str, view: View) -> None:
        """Ask a strategy, and everybody anew whose position that changed inside."""
        again = [name]
        for _ in range(ROUNDS):
            if not again:
                return
            one = again.pop(0)
            why = self._barred(one, key, view)
            if why:
                self._pull(one, key, why)
                continue
            self.why[one, key] = ""
            quoter = self.manager.on[one]
            wishes = quoter.decide(key, Seen(view, self.desk.account, one))
            if wishes is not None:
                mine = [self._sized(wish, view) for wish in wishes if wish.key == key]
                self._wanted[one, key] = {wish.slot: wish for wish in mine}
                if mine:
                    self._active[key] = None
            again += [who for who in self._work(one, key, view) if who not in again]
        if again:
            self.watched[key].due = Ns(0)

    def _sized(self, wish: Wish, view: View) -> Wish:
        """Half of it after a drawdown, as for baskets; what only reduces stays whole."""
        halt = self.desk.account.halts.get("all") if self.desk.account.halts else None
        if halt is None or halt.level != "halve" or wish.action == "sell":
            return wish
        half, lot = wish.qty // 2, view.instrument(wish.key).lot
        return msgspec.structs.replace(wish, qty=Qty(half - half % lot))

    def _work(self, name: str, key: str, view: View) -> list[str]:
        """Bring what stands to what is wished; who is to be asked again after a netting."""
        wishes = self._wanted.get((name, key))
        if wishes is None:
            return []
        slots = self.slots
        ending = slots.tidy(name, key, wishes, self.manager.on[name].age_max, view)
        if not wishes:
            return []
        busy = slots.busy(name, key)
        if not ending and not self.desk.account.owing and all(slot in busy for slot in wishes):
            self._settled[name, key] = None
            return []
        self._settled.pop((name, key), None)
        for slot, wish in wishes.items():
            if slot in busy:
                continue
            met = self._inside.meets(name, wish, self.watched[key].names, view)
            if met.startswith("done"):
                other = met.partition(" ")[2]
                for place in ((name, key), (other, key)):
                    self._settled.pop(place, None)
                    self._wanted[place] = {}  # they wished it for what they held before
                return [name, other]
            if not met:
                slots.place(name, wish, view)
        return []
