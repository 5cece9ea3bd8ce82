"""From a step of the journal to the messages that others are told of it. Pure; a fold in order."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from dutchbook.domain.account_events import UNTOLD, AccountSeen, FillVoided, OrderFilled
from dutchbook.domain.certificate import Certificate
from dutchbook.domain.effects import Alert
from dutchbook.domain.events import MarketResolved, RunStarted, SignalArrived
from dutchbook.domain.instrument import Instrument
from dutchbook.domain.step import Closed, Improved, Opened, Step
from dutchbook.domain.units import SECOND, micros, plain
from dutchbook.hub import wire
from dutchbook.hub.filters import Facets, facets
from dutchbook.hub.message import Message, message
from dutchbook.hub.posting import words
from dutchbook.hub.receipts import Signer, brier

ENGINE: Final = "engine"
"""The publisher of what the engine itself found."""
CLAIMS_MAX: Final = 10_000
FILLS_MAX: Final = 50_000
Market = Callable[[str], Instrument | None]
Middle = Callable[[str], int]
"""The middle of the best prices of a market in millionths, -1 where there is none."""


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """A signal that waits for what its market will pay."""

    seq: int
    publisher: str
    id: str
    probability: int
    px: int


class Telling:
    """`tell` makes a step's messages. `market` and `middle` look into the world of the moment."""

    def __init__(
        self, signer: Signer, market: Market = lambda key: None, middle: Middle = lambda key: -1
    ) -> None:
        self.signer = signer
        self.market = market
        self.middle = middle
        self.open: dict[str, tuple[Facets, wire.Opportunity]] = {}
        self.claims: dict[str, list[Claim]] = {}
        self._claimed = 0
        self._fills: dict[str, None] = {}

    def tell(self, step: Step) -> list[Message]:
        """In the order of the step: what its event says, then its notes, then its alerts."""
        out: list[Message] = []
        event = step.envelope.event
        if type(event) is SignalArrived:
            self._signal(step, event, out)
        elif type(event) is OrderFilled:
            self._fill(step, event, out)
        elif type(event) is AccountSeen:
            for fill in event.fills:
                self._fill(step, fill, out)
        elif type(event) is FillVoided:
            body = wire.Fill(
                **_head(step, out), venue=event.venue, trade=event.trade, void=True
            )  # fmt: skip
            out.append(message("fills", facets("void", venues=(event.venue,)), body))
        elif type(event) is MarketResolved:
            self._resolved(step, event, out)
        elif type(event) is RunStarted:
            self.open.clear()
        for note in step.notes:
            if isinstance(note, Opened | Improved):
                self._opportunity(step, note, out)
            elif isinstance(note, Closed):
                self._closed(step, note, out)
        for effect in step.effects:
            if isinstance(effect, Alert):
                body2 = wire.Alerted(
                    **_head(step, out), level=effect.level, key=effect.key, text=effect.text
                )
                out.append(message("alerts", facets(effect.level, text=effect.text), body2))
        return out

    # -- signals -------------------------------------------------------------------------------

    def _signal(self, step: Step, event: SignalArrived, out: list[Message]) -> None:
        body = wire.Signal(
            **_head(step, out), publisher=event.publisher, id=event.id,
            categories=self._categories(event.keys, event.categories), **words(event),
        )  # fmt: skip
        self._send(self.signer.sign(body), out)
        if event.keys and (event.probability >= 0 or event.px >= 0):
            claim = Claim(step.envelope.seq, event.publisher, event.id, event.probability, event.px)
            self._wait(event.keys[0], claim)

    def _wait(self, key: str, claim: Claim) -> None:
        if self._claimed >= CLAIMS_MAX:
            oldest = next(iter(self.claims))
            self._claimed -= len(self.claims.pop(oldest))
        self.claims.setdefault(key, []).append(claim)
        self._claimed += 1

    def remember(self, body: dict[str, Any]) -> None:
        """A signal of an earlier run, as it was told: it waits for its outcome again."""
        probability, px = body.get("probability"), body.get("px")
        if body["markets"] and (probability is not None or px is not None):
            claim = Claim(
                body["seq"], body["publisher"], body["id"],
                -1 if probability is None else micros(probability),
                -1 if px is None else micros(px),
            )  # fmt: skip
            self._wait(body["markets"][0], claim)

    def ended(self, body: dict[str, Any]) -> None:
        """An outcome of an earlier run, as it was told: its signal waits no more."""
        claims = self.claims.get(body["market"], [])
        left = [claim for claim in claims if claim.seq != body["signal"]]
        self._claimed -= len(claims) - len(left)
        if left:
            self.claims[body["market"]] = left
        else:
            self.claims.pop(body["market"], None)

    def _send(self, body: wire.Signal, out: list[Message]) -> None:
        out.append(message("signals", signal_facets(body), body))

    def _resolved(self, step: Step, event: MarketResolved, out: list[Message]) -> None:
        claims = self.claims.pop(event.key, [])
        self._claimed -= len(claims)
        middle = self.middle(event.key)
        for claim in claims:
            score = brier(claim.probability, event.yes_pays) if claim.probability >= 0 else -1
            line = middle - claim.px if middle >= 0 and claim.px >= 0 else None
            body = wire.Outcome(
                **_head(step, out), publisher=claim.publisher, id=claim.id, signal=claim.seq,
                market=event.key, paid=plain(event.yes_pays), brier=_told(score),
                closing_line=None if line is None else plain(line),
            )  # fmt: skip
            told = facets("outcome", markets=(event.key,), text=claim.publisher)
            out.append(message("signals", told, self.signer.sign(body)))

    # -- what the engine does ------------------------------------------------------------------

    def _opportunity(self, step: Step, note: Opened | Improved, out: list[Message]) -> None:
        opened = isinstance(note, Opened)
        title, body = self._described(step, note.id, note.certificate, opened, out)
        told = self._facets(note.certificate, title)
        self.open[note.id] = (told, body)
        out.append(message("opportunities", told, body))
        if opened:
            certificate = note.certificate
            signal = wire.Signal(
                **_head(step, out), publisher=ENGINE, id=note.id, kind="arbitrage",
                confidence=body.confidence, title=title,
                markets=tuple(leg.market for leg in body.legs), venues=told.venues,
                categories=self._categories([leg.market for leg in body.legs]),
                edge=body.edge, lockup=body.lockup, priority=5,
                body={
                    "type": certificate.kind, "expected_profit": body.proved,
                    "capital": body.capital, "legs": msgspec.to_builtins(body.legs),
                },
            )  # fmt: skip
            self._send(self.signer.sign(signal), out)

    def _described(
        self, step: Step, name: str, certificate: Certificate, opened: bool, out: list[Message]
    ) -> tuple[str, wire.Opportunity]:
        legs = tuple(
            wire.Leg(
                leg.instrument, leg.outcome, plain(leg.qty),
                plain(max((fill.px for fill in leg.fills), default=0)),
            )
            for leg in certificate.legs
        )  # fmt: skip
        titles = dict.fromkeys(
            f"{found.title} {found.outcome}".strip()
            for leg in certificate.legs
            if (found := self.market(leg.instrument)) is not None
        )
        title = " / ".join(titles)[:500]
        return title, wire.Opportunity(
            **_head(step, out), what="opened" if opened else "improved", id=name,
            kind=certificate.kind, title=title, legs=legs, edge=plain(certificate.edge),
            confidence=plain(certificate.confidence), qty=plain(certificate.qty),
            capital=plain(certificate.capital), proved=plain(certificate.proved),
            lockup=certificate.lockup // SECOND,
        )  # fmt: skip

    def _facets(self, certificate: Certificate, title: str) -> Facets:
        keys = tuple(leg.instrument for leg in certificate.legs)
        return facets(
            certificate.kind, markets=keys, categories=self._categories(keys), text=title,
            confidence=certificate.confidence, edge=certificate.edge,
            lockup=certificate.lockup // SECOND,
        )  # fmt: skip

    def _closed(self, step: Step, note: Closed, out: list[Message]) -> None:
        told, before = self.open.pop(note.id, (facets("unknown"), None))
        body = wire.Opportunity(
            **_head(step, out), what="closed", id=note.id, kind=told.kind,
            title=before.title if before else "", legs=before.legs if before else (),
            why=note.why, best=plain(note.best),
        )  # fmt: skip
        out.append(message("opportunities", told, body))

    def _fill(self, step: Step, event: OrderFilled, out: list[Message]) -> None:
        ref = event.venue_order or event.order
        name = f"{event.venue}:{event.account}:{event.trade}:{ref}:{event.leg}"
        if not self.first(name):
            return
        body = wire.Fill(
            **_head(step, out), venue=event.venue, trade=event.trade, id=name, order=event.order,
            market=event.key, outcome=event.outcome, action=event.action, px=plain(event.px),
            qty=plain(event.qty), fee=plain(event.fee) if event.fee != UNTOLD else None,
            maker=event.maker,
        )  # fmt: skip
        told = facets("fill", venues=(event.venue,), markets=(event.key,))
        out.append(message("fills", told, body))

    def first(self, name: str) -> bool:
        """Whether this fill was not told before."""
        if name in self._fills:
            return False
        self._fills[name] = None
        if len(self._fills) > FILLS_MAX:
            del self._fills[next(iter(self._fills))]
        return True

    def _categories(self, keys: Any, said: tuple[str, ...] = ()) -> tuple[str, ...]:
        found = (self.market(key) for key in keys)
        return tuple(dict.fromkeys((*said, *(m.category for m in found if m and m.category))))


def signal_facets(body: wire.Signal) -> Facets:
    """What filters see of a signal; made of its wire form, so that a client sees the same."""
    return facets(
        body.kind, venues=body.venues, categories=body.categories, markets=body.markets,
        text=body.title, confidence=micros(body.confidence),
        edge=-1 if body.edge is None else micros(body.edge),
        lockup=-1 if body.lockup is None else body.lockup,
    )  # fmt: skip


def _head(step: Step, out: list[Message]) -> dict[str, Any]:
    envelope = step.envelope
    return {"seq": envelope.seq, "n": len(out), "at": envelope.at // 1_000}


def _told(value: int) -> str | None:
    return plain(value) if value >= 0 else None
