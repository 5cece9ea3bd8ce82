"""One synchronous step: an envelope in, a Step out. Same envelopes, same Steps, byte for byte."""

from dutchbook.domain.account_events import OWN
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Effect, SetTimer
from dutchbook.domain.events import (
    BookLevels,
    Envelope,
    LinkProposed,
    OperatorAsked,
    RunStarted,
    TimerFired,
    TopSeen,
    TradePrinted,
)
from dutchbook.domain.step import Closed, Found, Improved, Note, Opened, Passed, Step
from dutchbook.domain.units import MILLI, ONE, SECOND, Ns
from dutchbook.engine.survey import Survey
from dutchbook.engine.trading import HEARD, Trading
from dutchbook.engine.view import WorldView
from dutchbook.engine.whynot import FOUND, RANK, WhyNot
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


QUIET = (TopSeen, TradePrinted)
"""Events that change no book and make none stale, and are too many to look at all for each."""


LINK_VERBS = ("approve", "revoke")
_OWN = frozenset(OWN)


class Quotes:
    """The books that a candidate buys from: what it would bring, without a look-up per leg."""

    __slots__ = ("_asks", "_bids", "_most")

    def __init__(self, candidate: Candidate, view: WorldView) -> None:
        sides = [(view.source(*leg), leg[1]) for leg in candidate.legs]
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
    ) -> None:  # fmt: skip
        self.strategies = strategies
        self.trading = trading
        self.limits = limits or Limits()
        self.fresh = fresh or FreshLimits()
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
        self.candidates: dict[str, Candidate] = {}
        self.touching: dict[str, list[Candidate]] = {}
        self.unmatched: list[Passed] = []
        self.quotes: dict[str, Quotes] = {}
        self.judged: dict[str, Judged] = {}
        self.open: dict[str, Open] = {}
        self.warm: dict[str, None] = {}
        self._stale_index = True
        self._full_at = Ns(0)
        self._looked = Survey([], self.world, self.whynot.was_fresh)

    def step(self, envelope: Envelope) -> Step:
        """Fold one event and decide; pure but for this engine's own state."""
        event, seq, now = envelope.event, envelope.seq, envelope.at
        world, view = self.world, self.view
        view.now, view.seq = now, seq
        world.count.events += 1
        notes: list[Note] = []
        if type(event) is BookLevels:
            key = world.apply(event, seq, now)
            if key:
                self._touched(key, notes)
        else:
            self._rarer(envelope, notes)
            world = self.world  # a new run begins with a new one
        trading = self.trading
        if trading is not None and (notes or type(event) in HEARD or type(event) is OperatorAsked):
            self._trade(trading, envelope, notes)
        if not notes and not world.asks and not world.found:
            return Step(envelope)
        return self._finish(envelope, notes)

    def _trade(self, trading: Trading, envelope: Envelope, notes: list[Note]) -> None:
        """Let the account hear of it, and take what it decided into this step."""
        event, seq, now = envelope.event, envelope.seq, envelope.at
        if type(event) in HEARD or type(event) is OperatorAsked:
            trading.hear(event, self.view, now, seq)
        if type(event) is TimerFired and event.name == "tick":
            trading.tick(self.view, now, seq)
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
        if type(event) in _OWN:
            return
        if type(event) is TimerFired:
            if event.name == "tick":
                self._tick(now, notes)
        elif type(event) is LinkProposed:
            self._said(event.link.id, self.graph.propose(event))
        elif type(event) is OperatorAsked:
            if event.verb in LINK_VERBS or self.trading is None:
                self._said(event.args[0] if event.args else "", self.graph.ask(event))
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

    def _said(self, name: str, refusal: str) -> None:
        self._stale_index = True
        if refusal:
            self.world.found.append(Found(name, "refused", refusal))

    # -- deciding ------------------------------------------------------------------------------

    def _touched(self, key: str, notes: list[Note]) -> None:
        """Where best prices stand as they were, only baskets that nearly pay are looked at."""
        deep = self.world.deep
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
        notes.extend(self.whynot.best_of_second(now))
        self.world.asks.append(SetTimer("tick", Ns(now + TICK)))

    def _survey(self, notes: list[Note]) -> None:
        """Freshness changes with time alone: look at all that nearly pays, count what is fresh."""
        wanted: list[str] = []
        for candidate in self._looked.due(self.warm):
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
        made = [c for strategy in self.strategies for c in strategy.candidates(self.view)]
        self.candidates = {candidate.key: candidate for candidate in made}
        self.touching = {}
        for candidate in made:
            for key in dict.fromkeys(leg[0] for leg in candidate.legs):
                self.touching.setdefault(key, []).append(candidate)
        self.unmatched = unmatched(self.view, list(self.graph.links.values()))
        for key in [key for key in self.warm if key not in self.candidates]:
            del self.warm[key]
            self.whynot.forget(key)
            self._close(key, "withdrawn", notes)
        self._looked = Survey(list(self.candidates.values()), self.world, self.whynot.was_fresh)

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
                }
                for passed in (*rejected, *self.unmatched)
            ],
        }
