"""From what a run decided and saw to what people are told of it."""

from datetime import UTC, tzinfo
from typing import Final, NamedTuple

import msgspec

from dutchbook.alerts import text
from dutchbook.alerts.halts import halted
from dutchbook.alerts.look import Look, Position
from dutchbook.alerts.notice import Draft, Offered
from dutchbook.alerts.offers import offer_of, why_of
from dutchbook.alerts.words import cents, clean, size, tag, usd
from dutchbook.domain.account_events import NOT_TOLD, OrderFilled, OrderRejected
from dutchbook.domain.effects import Alert
from dutchbook.domain.events import FeedDown, FeedUp, MarketResolved, OperatorAsked, RunStarted
from dutchbook.domain.orders import Order
from dutchbook.domain.step import HaltMoved, Improved, Opened, Refused, Step
from dutchbook.domain.units import ONE, SECOND, Ns

SILENT: Final = Ns(10 * SECOND)
LONG: Final = Ns(300 * SECOND)
"""A component that is down for longer is a system error."""
ORDINARY: Final = frozenset({"no_match", "killed", "expired", "post_only_cross", "operator"})
"""Ends of orders that a trader expects; nobody is told."""
WARNING: Final = 50_000
"""A position that lost more than this share of its cost (millionths) is told of."""


class Follow(NamedTuple):
    """More of a matter that was told: stands under its alert."""

    key: str
    text: str


class Seen(NamedTuple):
    """What triggers are set to: `edge` and `confidence` in millionths, `valid` in ns."""

    mode: str
    edge: int = 30_000
    confidence: int = 800_000
    valid: Ns = Ns(40 * SECOND)
    loss: int = WARNING
    zone: tzinfo = UTC


class Triggers:
    """Told every step with something in it, and once a second that time passed."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self._told: dict[str, None] = {}
        self._down: dict[str, tuple[Ns, int]] = {}
        self._silent: dict[str, None] = {}
        self._long: dict[str, None] = {}
        self._losing: dict[tuple[str, str], None] = {}

    def saw(self, step: Step, look: Look) -> list[Draft | Follow]:
        """What is to be told of a step."""
        out: list[Draft | Follow] = []
        event, now = step.envelope.event, step.envelope.at
        if isinstance(event, RunStarted):
            self._told, self._down, self._silent, self._long = {}, {}, {}, {}
        elif isinstance(event, FeedDown):
            since, tries = self._down.get(event.stream, (now, 0))
            self._down[event.stream] = (since, tries + 1)
        elif isinstance(event, FeedUp):
            out += self._up(event.stream, now, look)
        elif isinstance(event, OrderFilled):
            out.append(self._filled(event, look))
        elif isinstance(event, OrderRejected):
            out += self._rejected(event, look)
        elif isinstance(event, MarketResolved):
            out += self._resolved(event, look)
        for note in step.notes:
            if isinstance(note, Opened | Improved):
                out += self._opportunity(note, look, now, step.envelope.seq)
            elif isinstance(note, HaltMoved):
                out.append(halted(self.seen.mode, note, step, look))
            elif isinstance(note, Refused):
                out += self._refused(note, step)
        halts = any(isinstance(note, HaltMoved) for note in step.notes)
        for effect in step.effects:
            if isinstance(effect, Alert) and not halts:
                out.append(self._alert(effect))
        seq = step.envelope.seq
        return [_numbered(one, seq) if isinstance(one, Draft) else one for one in out]

    def tick(self, now: Ns, look: Look) -> list[Draft | Follow]:
        """What time alone brings about: silence that lasts, positions that lose."""
        out: list[Draft | Follow] = []
        for stream, (since, tries) in self._down.items():
            if now - since >= SILENT and stream not in self._silent:
                self._silent[stream] = None
                line = f"{tag(self.seen.mode)} {text.feed_down(stream, Ns(now - since), tries)}"
                out.append(Draft("feed_down", f"feed:{stream}", line, f"feed {stream} is silent"))
        downs = [*((name, since) for name, (since, _) in self._down.items()), *look.down()]
        self._long = {name: None for name in self._long if name in dict(downs)}
        for name, since in downs:
            if now - since > LONG and name not in self._long:
                self._long[name] = None
                out.append(self._system(name, Ns(now - since)))
        return [*out, *self._losses(look.alone(), look)]

    # -- each of them ----------------------------------------------------------------------------

    def _opportunity(
        self, note: Opened | Improved, look: Look, now: Ns, seq: int
    ) -> list[Draft | Follow]:
        seen, certificate = self.seen, note.certificate
        good = certificate.edge > seen.edge and certificate.confidence > seen.confidence
        if not good or note.id in self._told:
            return []
        self._told[note.id] = None
        if len(self._told) > 10_000:
            self._told = dict.fromkeys(list(self._told)[5_000:])
        offer = offer_of(certificate, look)
        until = Ns(now + seen.valid)
        body = text.arbitrage(seen.mode, offer, now, seen.valid, seen.zone)
        offered = Offered(
            note.id, certificate.edge, offer.per_share, offer.capital, offer.net, until
        )
        fields = (
            ("Market", clean(offer.title)),
            *((f"{leg.venue} {leg.outcome}", f"{cents(leg.px)} ×{size(leg.qty)}")
              for leg in offer.legs),
            ("Cost", usd(offer.cost)), ("Fees", usd(offer.fees)), ("Net", usd(offer.net)),
        )  # fmt: skip
        title = f"arbitrage {cents(offer.per_share, sign=True)}/share"
        short = f"arbitrage {usd(offer.net)} on {size(offer.qty)}: {clean(offer.title, 60)}"
        return [
            Draft("opportunity", f"opportunity:{note.id}", body, title, fields, short,
                  why_of(certificate, look), offered=offered)
        ]  # fmt: skip

    def _filled(self, event: OrderFilled, look: Look) -> Draft:
        fee = f" fee {usd(event.fee)}" if event.fee != NOT_TOLD else ""
        word = f"{event.action.upper()} {event.outcome.upper()}"
        line = (
            f"{tag(self.seen.mode)} 💵 Fill  {text.VENUES.get(event.venue, event.venue)} {word} "
            f"{size(event.qty)} @ {cents(event.px)} “{self._title(event.key, look)}”{fee}"
        )
        key = f"fill:{event.venue}:{event.trade}:{event.venue_order or event.order}:{event.leg}"
        return Draft("fill", key, line, f"filled {size(event.qty)}")

    def _rejected(self, event: OrderRejected, look: Look) -> list[Draft | Follow]:
        order = look.order(event.order)
        if order is None or event.reason in ORDINARY:
            return []
        line = (
            f"{tag(self.seen.mode)} ✖ Order failed  {_worded(order)} "
            f"“{self._title(order.key, look)}”: {event.reason} {clean(event.text, 120)}"
        )
        return [Draft("order_failed", f"order:{event.order}", line.rstrip(), "order failed")]

    def _resolved(self, event: MarketResolved, look: Look) -> list[Draft | Follow]:
        mine = [one for one in look.holdings() if one.key == event.key]
        if not mine:
            return []
        pays = {"yes": event.yes_pays, "no": ONE - event.yes_pays}
        gain = sum(pays[one.outcome] * one.qty // ONE - one.cost for one in mine)
        outcome = {ONE: "YES", 0: "NO"}.get(event.yes_pays, cents(event.yes_pays))
        body = text.resolved(self._title(event.key, look), outcome, gain, look.arb_of(event.key))
        line = f"{tag(self.seen.mode)} {body}"
        return [Draft("resolution", f"resolved:{event.key}", line, f"resolved {outcome}")]

    def _refused(self, note: Refused, step: Step) -> list[Draft | Follow]:
        """Signals and orders by hand; what a button led to is answered under its alert."""
        event = step.envelope.event
        if not isinstance(event, OperatorAsked) or event.verb not in ("order", "signal"):
            return []
        line = (
            f"{tag(self.seen.mode)} ⛔ Refused  {clean(event.who, 40)}: "
            f"{clean(note.check, 40)}, {clean(note.reason, 160)}"
        )
        return [Draft("refused", f"refused:{step.envelope.seq}", line, f"refused: {note.check}")]

    def _alert(self, effect: Alert) -> Draft:
        """The deciding tower's own words to a person."""
        mark = {"critical": "🚨", "warning": "⚠", "info": "ℹ"}[effect.level]
        line = f"{tag(self.seen.mode)} {mark} {clean(effect.text, 1_000)}"
        draft = Draft("trouble", f"trouble:{effect.key}", line, clean(effect.key, 80))
        priority = {"critical": "CRITICAL", "warning": "HIGH", "info": "LOW"}[effect.level]
        return _with(draft, priority=priority)

    def _up(self, stream: str, now: Ns, look: Look) -> list[Draft | Follow]:
        since, _ = self._down.pop(stream, (now, 0))
        self._long.pop(stream, None)
        if stream not in self._silent:
            return []
        del self._silent[stream]
        orders = look.open_orders(stream.partition(".")[0])
        return [Follow(f"feed:{stream}", text.feed_back(Ns(now - since), orders))]

    def _system(self, name: str, span: Ns) -> Draft:
        line = (
            f"{tag(self.seen.mode)} 🚨 System error  {clean(name, 60)} is down for "
            f"{span // (60 * SECOND)} min"
        )
        return Draft("system_error", f"down:{name}", line, f"{name} is down")

    def _losses(self, positions: list[Position], look: Look) -> list[Draft]:
        out: list[Draft] = []
        losing: dict[tuple[str, str], None] = {}
        for one in positions:
            loss = one.cost - one.bid * one.qty // ONE
            if one.cost <= 0 or loss * ONE <= one.cost * self.seen.loss:
                continue
            losing[one.key, one.outcome] = None
            if (one.key, one.outcome) in self._losing:
                continue
            line = (
                f"{tag(self.seen.mode)} ⚠ Position  {one.outcome.upper()} "
                f"“{self._title(one.key, look)}” ×{size(one.qty)}: {usd(-loss)} "
                f"({loss * 100 // one.cost} % of {usd(one.cost)})"
            )
            out.append(Draft("risk_warning", f"loss:{one.key}:{one.outcome}", line, "position"))
        self._losing = losing
        return out

    def _title(self, key: str, look: Look) -> str:
        market = look.market(key)
        return clean(market.title if market is not None else key, 120)


def _worded(order: Order) -> str:
    venue = text.VENUES.get(order.venue, order.venue)
    word = f"{order.action.upper()} {order.outcome.upper()}"
    return f"{venue} {word} {size(order.qty)} @ {cents(order.px)}"


def _numbered(draft: Draft, seq: int) -> Draft:
    return _with(draft, seq=seq)


def _with(draft: Draft, **changes: object) -> Draft:
    return msgspec.structs.replace(draft, **changes)
