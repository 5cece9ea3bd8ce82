"""One synchronous step: an envelope in, a Step out. Same envelopes, same Steps, byte for byte."""

from typing import Any

from dutchbook.domain.account_events import OWN
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Effect, SetTimer
from dutchbook.domain.events import (
    BadInput,
    BookLevels,
    BookSeen,
    CheckFailed,
    Envelope,
    FeedGap,
    GridChanged,
    InstrumentListed,
    LinkProposed,
    OperatorAsked,
    RunStarted,
    SignalArrived,
    StatusChanged,
    TimerFired,
    TopSeen,
    TradePrinted,
)
from dutchbook.domain.plans import PlanReady
from dutchbook.domain.step import Closed, Found, Improved, Note, Opened, Passed, Refused, Step
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns
from dutchbook.engine.plans import Plans, Rules
from dutchbook.engine.pressing import EXECUTE, Presses
from dutchbook.engine.survey import Survey
from dutchbook.engine.sweeps import SCAN, SYNC, wanted
from dutchbook.engine.trading import HEARD, Trading
from dutchbook.engine.view import WorldView
from dutchbook.engine.whynot import FOUND, RANK, WhyNot
from dutchbook.optimize.flip import flips
from dutchbook.optimize.prove import prove
from dutchbook.optimize.walk import Basket, Judged, Limits, Rejected, gross, weigh
from dutchbook.state.fresh import FreshLimits
from dutchbook.state.graph import Graph
from dutchbook.state.world import World
from dutchbook.strategies.base import Candidate, Strategy
from dutchbook.strategies.unmatched import unmatched

TICK = Ns(250 * MILLI)
GROWTH = (5, 4)
"""A certificate is made anew when the proved profit has grown by more than 5/4."""


QUIET = (TopSeen, TradePrinted, SignalArrived)
"""Events that change no book and make none stale, and are too many to look at all for each."""


FLIPPED = ("net", "depth", "sized")
FAULTS = frozenset(
    (FeedGap, BadInput, GridChanged, StatusChanged, InstrumentListed, BookSeen, CheckFailed)
)
"""Rare events besides those of HEARD after which a watched book may not be readable any more."""
ALL = "*"
"""Instead of the key of one market: look at all of them."""
LINK_VERBS = ("approve", "revoke")
TAKE = "take"
"""A person's command: (opportunity, least edge in millionths); it is offered to the trader anew."""
_OWN = frozenset(OWN)


class Quotes:
    """The books that a candidate buys from: what it would bring, without a look-up per leg."""

    __slots__ = ("_asks", "_bids", "_most")

    def __init__(self, candidate: Candidate, view: WorldView) -> None:
        # A leg that counts several times in a share is looked at as often: they are few.
        legs = zip(candidate.legs, candidate.times(), strict=True)
        sides = [(view.source(*leg), leg[1]) for leg, times in legs for _ in range(times)]
        self._asks = [book for book, outcome in sides if outcome == "yes"]
        self._bids = [book for book, outcome in sides if outcome == "no"]
        self._most = candidate.payout - ONE * len(self._bids)

    def gross(self) -> int:
        """As `optimize.walk.gross`: an empty side costs ONE, since its ask is ONE or its bid 0."""
        left = self._most
        for book in self._asks:
            left -= book.ask
        for book in self._bids:
            left += book.bid
        return left


class Open:
    """An opportunity that holds: its id, when it began, the best edge, what is proved so far."""

    def __init__(self, name: str, at: Ns, certificate: Certificate) -> None:
        self.id = name
        self.at = at
        self.best = certificate.edge
        self.proved: int = certificate.proved


class Engine:
    """Account state (links, decisions, runs) goes on; market state starts anew with each run."""

    def __init__(
        self, strategies: list[Strategy], limits: Limits | None = None,
        fresh: FreshLimits | None = None, trading: Trading | None = None,
        plans: Rules | None = None,
    ) -> None:  # fmt: skip
        self.strategies = strategies
        self.trading = trading
        self.watched = trading.trader.quoting.watched if trading is not None else {}
        self.limits = limits or Limits()
        self.fresh = fresh or FreshLimits()
        self.planning = plans
        self.graph = Graph()
        self.runs: list[str] = []
        self.opened = 0
        self._begin("")

    def _begin(self, run: str) -> None:
        self.run = run
        self.opened_in_run = 0
        self.world = World(self.fresh)
        self.view = WorldView(self.world, self.graph)
        self.whynot = WhyNot()
        self.presses = Presses()
        self.candidates: dict[str, Candidate] = {}
        self.touching: dict[str, list[Candidate]] = {}
        self.unmatched: list[Passed] = []
        self.quotes: dict[str, Quotes] = {}
        self.judged: dict[str, Judged] = {}
        self.open: dict[str, Open] = {}
        self.warm: dict[str, None] = {}
        self.plans = Plans(self.planning, self.limits.edge_min) if self.planning else None
        self._stale_index = True
        self._full_at = Ns(0)
        self._looked = Survey([], self.world, self.whynot.was_fresh)

    def step(self, envelope: Envelope) -> Step:
        """Fold one event and decide; pure but for this engine's own state."""
        event, seq, now = envelope.event, envelope.seq, envelope.at
        if type(event) is BookLevels:
            return self.change(event, seq, now) or Step(envelope)
        if type(event) is TradePrinted:
            return self.printed(event, seq, now) or Step(envelope)
        self.view.now, self.view.seq = now, seq
        self.world.count.events += 1
        notes: list[Note] = []
        trading, moved = self.trading, ""
        self._rarer(envelope, notes)
        world = self.world  # a new run begins with a new one
        if self.watched and type(event) in FAULTS:
            moved = ALL
        if trading is not None and (
            notes or moved or type(event) in HEARD or type(event) is OperatorAsked
        ):
            self._trade(trading, envelope, notes, moved)
        if not notes and not world.asks and not world.found:
            return Step(envelope)
        return self._finish(envelope, notes)

    def change(self, event: BookLevels, seq: int, now: Ns) -> Step | None:
        """As `step` for a change of a book; None where it did no more than change the book."""
        world, view = self.world, self.view
        view.now, view.seq = now, seq
        world.count.events += 1
        key, moved = world.levels(event, seq, now), ""
        if not world.deep and (watch := self.watched.get(key)) is not None and watch.moved():
            moved = key
        elif key not in self.touching and not world.asks and not world.found:
            return None
        notes: list[Note] = []
        if key in self.touching:
            self._touched(key, notes)
        if not notes and not moved and not world.asks and not world.found:
            return None
        envelope = Envelope(seq, now, event)
        if self.trading is not None and (notes or moved):
            self._trade(self.trading, envelope, notes, moved)
        return self._finish(envelope, notes)

    def printed(self, trade: TradePrinted, seq: int, now: Ns) -> Step | None:
        """As `step` for a trade, which changes no book and decides nothing: whoever watches the
        market is told. None where nothing came of it."""
        world, view = self.world, self.view
        view.now, view.seq = now, seq
        world.count.events += 1
        world.printed(trade, now)
        if self.trading is not None and trade.key in self.watched:
            self.trading.trader.quoting.printed(trade, view)
        if not world.asks and not world.found:
            return None
        return self._finish(Envelope(seq, now, trade), [])

    def _trade(self, trading: Trading, envelope: Envelope, notes: list[Note], moved: str) -> None:
        """Let the account hear of it, and take what it decided into this step."""
        event, seq, now = envelope.event, envelope.seq, envelope.at
        if type(event) in HEARD or type(event) is OperatorAsked:
            trading.hear(event, self.view, now, seq)
        if type(event) is OperatorAsked and event.verb == EXECUTE:
            found = self.presses.asked(event, self.view, self.limits, trading.account)
            if isinstance(found, Refused):
                notes.append(found)
            else:
                trading.trader.take(*found, self.view, now, seq)
        if type(event) is TimerFired and event.name == "tick":
            trading.tick(self.view, now, seq)
        if moved == ALL:
            trading.fault(self.view, now, seq)
        elif moved:
            trading.moved(moved, self.view, now, seq)
        trading.found(notes, self.view, now, seq)
        effects, told = trading.drain()
        self.world.asks += effects
        notes += told

    def _finish(self, envelope: Envelope, notes: list[Note]) -> Step:
        effects: list[Effect] = self.world.asks
        found = self.world.found
        self.world.asks, self.world.found = [], []
        return Step(envelope, tuple(effects), (*found, *notes))

    def _rarer(self, envelope: Envelope, notes: list[Note]) -> None:
        event, now = envelope.event, envelope.at
        if type(event) not in QUIET:
            self.judged.clear()
        if type(event) in _OWN or type(event) is SignalArrived:
            return
        if type(event) is TimerFired:
            if event.name == "tick":
                self._tick(now, notes)
        elif type(event) is PlanReady:
            self._planned(event, notes)
        elif type(event) is LinkProposed:
            self._said(event.link.id, self.graph.propose(event))
        elif type(event) is OperatorAsked:
            if event.verb in (SCAN, SYNC):
                self._sweep(event.verb, now, notes)
            elif event.verb in LINK_VERBS or self.trading is None:
                self._said(event.args[0] if event.args else "", self.graph.ask(event))
            elif event.verb == TAKE:
                name, least = (*event.args, "", "")[:2]
                self._execute(name, least, notes)
        elif type(event) is RunStarted:
            self._begin(event.run)
            self.runs.append(event.run)
            self.view.now, self.view.seq, self.view.run = now, envelope.seq, event.run
            self.world.asks.append(SetTimer("tick", Ns(now + TICK)))
        else:
            key = self.world.apply(event, envelope.seq, now)
            if self.world.listed:
                self.world.listed, self._stale_index = False, True
                self.quotes.clear()  # a market may have other books now
            if key:
                self._touched(key, notes)
            elif self.open and type(event) not in QUIET:
                self._review(list(self.open), notes)

    def _sweep(self, verb: str, now: Ns, notes: list[Note]) -> None:
        if verb == SCAN:
            self._index(notes)
            self._survey(notes)
            notes.append(Found("", verb, f"{len(self.candidates)} baskets looked at"))
            return
        account = self.trading.account if self.trading is not None else None
        keys = wanted([self.candidates[key] for key in self.open], account)
        keys = [key for key in keys if key in self.world.instruments]
        self.world.checks.ask(keys, now)
        notes.append(Found("", verb, f"{len(keys)} markets asked for"))

    def _said(self, name: str, refusal: str) -> None:
        self._stale_index = True
        if refusal:
            self.world.found.append(Found(name, "refused", refusal))

    # -- deciding ------------------------------------------------------------------------------

    def _touched(self, key: str, notes: list[Note]) -> None:
        """Where best prices stand as they were, only baskets that nearly pay are looked at."""
        deep = self.world.deep
        if not deep and self.plans is not None:
            self.plans.touched(key)
        quotes, warm = self.quotes, self.warm
        for candidate in self.touching.get(key, ()):
            name = candidate.key
            if name not in warm:
                known = quotes.get(name)
                if deep or (known is not None and known.gross() <= 0):
                    continue  # nearly always: it costs more than it pays, as it did before
            self._consider(candidate, notes, key)

    def _review(self, names: list[str], notes: list[Note]) -> None:
        for name in names:
            self._consider(self.candidates[name], notes)

    def _verdict(self, candidate: Candidate, left: int, touched: str) -> Rejected | Basket:
        """The last verdict again where `touched` shows the same levels that it rested on.

        Verdicts are kept only from one rarer event to the next, while a candidate is warm: all
        changes of its books go through here.
        """
        known = self.judged.get(candidate.key)
        if known is not None and touched:
            offers, levels = self.view.offers, known.levels
            if all(
                offers(*leg, levels) == read
                for leg, read in known.reads.items()
                if leg[0] == touched
            ):
                return known.verdict
        known = self.judged[candidate.key] = weigh(candidate, self.view, self.limits, left)
        return known.verdict

    def _consider(self, candidate: Candidate, notes: list[Note], touched: str = "") -> None:
        key = candidate.key
        quotes = self.quotes.get(key)
        if quotes is None:
            quotes = self.quotes[key] = Quotes(candidate, self.view)
        left = quotes.gross()
        if left <= 0:
            if key in self.warm:
                self._cool(key, notes)
            return
        self.warm[key] = None
        stale = self.view.why_stale(candidate)
        if stale:
            self.judged.pop(key, None)
            verdict: Rejected | Basket = Rejected("fresh", stale, {"gross": left})
        else:
            verdict = self._verdict(candidate, left, touched)
        if isinstance(verdict, Basket):
            self.whynot.forget(key)
            self.whynot.reach(key, FOUND)
            self._hold(candidate, verdict, notes)
            return
        passed = Passed(key, verdict.stage, verdict.reason, verdict.numbers)
        self._close(key, verdict.reason, notes)
        edge = verdict.numbers.get("edge", verdict.numbers.get("gross", 0))
        note = self.whynot.reject(key, candidate.kind, passed, edge)
        if note is not None:
            notes.append(note)

    def _execute(self, name: str, least: str, notes: list[Note]) -> None:
        """Judge an open opportunity by the books of this moment, and offer it once more."""
        key = next((key for key, held in self.open.items() if held.id == name), "")
        if not key:
            notes.append(Refused(name, "opportunity", "it is not open", {}))
            return
        candidate, wanted = self.candidates[key], int(least) if least.isdecimal() else 0
        stale = self.view.why_stale(candidate)
        left = Quotes(candidate, self.view).gross()
        verdict = weigh(candidate, self.view, self.limits, left).verdict
        if stale or isinstance(verdict, Rejected):
            why = stale or (verdict.reason if isinstance(verdict, Rejected) else "")
            notes.append(Refused(name, "quote", f"it no longer pays: {why}", {"gross": left}))
        elif verdict.edge < wanted:
            numbers = {"edge": verdict.edge, "least": wanted}
            notes.append(Refused(name, "edge", "it fell below what was asked for", numbers))
        else:
            notes.append(Improved(name, prove(verdict, self.view)))

    def _cool(self, key: str, notes: list[Note]) -> None:
        del self.warm[key]
        self.judged.pop(key, None)
        self.whynot.forget(key)
        self._close(key, "gross", notes)

    def _hold(self, candidate: Candidate, basket: Basket, notes: list[Note]) -> None:
        held = self.open.get(candidate.key)
        if held is not None:
            held.best = max(held.best, basket.edge)
            profit = basket.qty * candidate.payout // ONE - basket.capital
            if profit * GROWTH[1] > held.proved * GROWTH[0]:
                held.proved = profit
                notes.append(Improved(held.id, prove(basket, self.view)))
            return
        certificate: Certificate = prove(basket, self.view)
        name = f"o{self.view.seq}-{len(notes)}"
        self.open[candidate.key] = Open(name, self.view.now, certificate)
        self.opened += 1
        self.opened_in_run += 1
        self.presses.remember(name, candidate)
        notes.append(Opened(name, certificate))

    def _close(self, key: str, why: str, notes: list[Note]) -> None:
        held = self.open.pop(key, None)
        if held is not None:
            notes.append(Closed(held.id, why, held.at, held.best))

    def _tick(self, now: Ns, notes: list[Note]) -> None:
        self.world.tick(now)
        if self._stale_index:
            self._index(notes)
        if now - self._full_at >= SECOND:
            self._full_at = now
            self._survey(notes)
        else:
            self._review(list(self.warm), notes)
        if self.plans is not None:
            self.world.asks += self.plans.ask(self.view, now)
        notes.extend(self.whynot.best_of_second(now))
        self.world.asks.append(SetTimer("tick", Ns(now + TICK)))

    def _survey(self, notes: list[Note]) -> None:
        """Freshness changes with time alone: look at all that nearly pays, count what is fresh."""
        wanted: list[str] = []
        planned = self.plans.candidates() if self.plans is not None else []
        for candidate in (*self._looked.due(self.warm), *planned):
            stale = self.view.why_stale(candidate)
            if not stale:
                self.whynot.reach(candidate.key, RANK["gross"])
            elif stale == "silent" and gross(candidate, self.view) > 0:
                wanted += [leg[0] for leg in candidate.legs]
            self._consider(candidate, notes)
        self.world.checks.ask(list(dict.fromkeys(wanted)), self.view.now)
        for key in self._looked.newly_fresh(self.view):
            self.whynot.reach(key, RANK["gross"])

    def _index(self, notes: list[Note]) -> None:
        """Make the candidates anew after markets, events or links changed."""
        self._stale_index = False
        if self.trading is not None:
            self.trading.trader.quoting.manager.changed = True
        made = [c for strategy in self.strategies for c in strategy.candidates(self.view)]
        patterns = list({candidate.key: candidate for candidate in made}.values())
        if self.plans is not None:
            made += self.plans.index(self.view, made)
        self.candidates = {candidate.key: candidate for candidate in made}
        self.touching = {}
        for candidate in made:
            self._watch(candidate)
        self.unmatched = unmatched(self.view, list(self.graph.links.values()))
        for key in [key for key in self.warm if key not in self.candidates]:
            self._withdraw(key, notes)
        self._looked = Survey(patterns, self.world, self.whynot.was_fresh)

    def _watch(self, candidate: Candidate) -> None:
        for key in dict.fromkeys(leg[0] for leg in candidate.legs):
            self.touching.setdefault(key, []).append(candidate)

    def _withdraw(self, key: str, notes: list[Note]) -> None:
        self.warm.pop(key, None)
        self.judged.pop(key, None)
        self.whynot.forget(key)
        self._close(key, "withdrawn", notes)

    def _planned(self, event: PlanReady, notes: list[Note]) -> None:
        """An answer of the optimiser: what of it is proved is watched from now on."""
        if self.plans is None:
            return
        made, gone, told = self.plans.answered(event, self.view)
        notes += told
        for key in gone:
            left = self.candidates.pop(key, None)
            if left is not None:
                for leg in left.legs:
                    self.touching[leg[0]] = [c for c in self.touching[leg[0]] if c is not left]
                self.quotes.pop(key, None)
                self._withdraw(key, notes)
        for candidate in made:
            if candidate.key in self.candidates:
                continue
            self.candidates[candidate.key] = candidate
            self._watch(candidate)
            self._consider(candidate, notes)

    def why(self) -> dict[str, object]:
        """The why-not ledger as plain data for screens: funnel, reasons, last rejections."""
        rejected = [p for key, p in self.whynot.last.items() if key in self.candidates]
        reasons = dict(self.whynot.reasons)
        for passed in self.unmatched:
            reason = f"{passed.stage}:{passed.reason}"
            reasons[reason] = reasons.get(reason, 0) + 1
        return {
            "funnel": self.whynot.funnel(len(self.world.instruments), len(self.candidates)),
            "reasons": reasons,
            "rejected": [
                {
                    "key": passed.key,
                    "kind": passed.key.partition(":")[0],
                    "stage": passed.stage,
                    "reason": passed.reason,
                    "numbers": passed.numbers,
                    "flips": self._flips(passed),
                }
                for passed in (*rejected, *self.unmatched)
            ],
            "plans": self.plans.why() if self.plans is not None else {},
        }

    def _flips(self, passed: Passed) -> list[dict[str, Any]]:
        """What would turn it, of those that fell on numbers."""
        candidate = self.candidates.get(passed.key)
        if candidate is None or passed.stage not in FLIPPED:
            return []
        return flips(candidate, self.view, self.limits)
