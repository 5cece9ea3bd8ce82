"""From a press to what became of it: asks the engine, follows the basket, says how it ended."""

from collections.abc import Callable
from typing import NamedTuple

from dutchbook.alerts import text
from dutchbook.alerts.center import Center
from dutchbook.alerts.notice import Notice, Offered, Pressed
from dutchbook.alerts.press import TOO_LATE
from dutchbook.alerts.words import clean, size, usd
from dutchbook.domain.events import OperatorAsked
from dutchbook.domain.step import (
    BasketBegun,
    BasketMoved,
    Improved,
    Opened,
    Passed,
    Refused,
    Step,
)
from dutchbook.domain.units import Ns
from dutchbook.engine.pressing import EXECUTE
from dutchbook.state.account import Account, BasketLife


class Asked(NamedTuple):
    """A press that the engine was told of."""

    event: OperatorAsked
    notice: Notice
    who: str
    channel: str


class Following(NamedTuple):
    """A basket that an alert led to. `since`: when it was decided."""

    notice: Notice
    who: str
    since: Ns


class Follower:
    """`tell` gives the engine an event; `account` reads the account, None where none trades."""

    def __init__(
        self, center: Center, tell: Callable[[OperatorAsked], None],
        account: Callable[[], Account | None],
    ) -> None:  # fmt: skip
        self.center = center
        self.tell = tell
        self.account = account
        self._asked: dict[int, Asked] = {}
        self._baskets: dict[str, Following] = {}

    def execute(self, notice: Notice, who: str, channel: str) -> None:
        """The press is on disk; now the engine decides."""
        offered = notice.offered
        assert offered is not None
        args = (notice.id, offered.opportunity, str(offered.edge), str(offered.until))
        event = OperatorAsked(who, EXECUTE, args)
        self._asked[id(event)] = Asked(event, notice, who, channel)
        self.tell(event)

    def resume(self, now: Ns) -> None:
        """After a restart: presses whose end nobody has told yet."""
        account = self.account()
        for life in list(self.center.book.lives.values()):
            if not life.executed_by or life.settled is not None or life.notice.offered is None:
                continue
            basket = _basket_of(account, life.notice.offered.opportunity)
            if basket is None:
                self.center.settle(life.notice.id, "⌛ Not sent: the run ended before.", now)
            elif basket.over:
                self._settle(Following(life.notice, life.executed_by, basket.begun.at), basket, now)
            else:
                self._baskets[basket.begun.id] = Following(
                    life.notice, life.executed_by, basket.begun.at
                )

    def saw(self, step: Step) -> None:
        """Told every step with notes, or that a command led to."""
        now = step.envelope.at
        asked = self._asked.pop(id(step.envelope.event), None)
        for note in step.notes:
            if isinstance(note, Opened | Improved):
                self._late(note.id, now)
            elif isinstance(note, BasketBegun):
                self._begun(note, asked, now)
            elif isinstance(note, BasketMoved) and note.id in self._baskets:
                account = self.account()
                basket = account.baskets.get(note.id) if account is not None else None
                if basket is not None and basket.over:
                    self._settle(self._baskets.pop(note.id), basket, now)
        if asked is not None:
            self._answered(asked, step, now)

    def _late(self, opportunity: str, now: Ns) -> None:
        """It was told only now, of an opportunity that is taken already."""
        name = self.center.book.by_key.get(f"opportunity:{opportunity}", "")
        life, basket = self.center.book.lives.get(name), _basket_of(self.account(), opportunity)
        if life is None or basket is None or life.executed_by or life.settled is not None:
            return
        following = Following(life.notice, "dutchbook", basket.begun.at)
        if basket.over:
            self._settle(following, basket, now)
        else:
            self._baskets[basket.begun.id] = following

    def _begun(self, note: BasketBegun, asked: Asked | None, now: Ns) -> None:
        name = self.center.book.by_key.get(f"opportunity:{note.opportunity}", "")
        life = self.center.book.lives.get(name)
        if asked is not None:
            self._baskets[note.id] = Following(asked.notice, asked.who, now)
        elif life is not None and not life.executed_by and life.settled is None:
            self._baskets[note.id] = Following(life.notice, "dutchbook", now)

    def _answered(self, asked: Asked, step: Step, now: Ns) -> None:
        offered = asked.notice.offered
        assert offered is not None
        begun = [note for note in step.notes if isinstance(note, BasketBegun)]
        why, edge = ("", 0) if begun else _refusal(step, offered)
        self.center.do(
            Pressed(asked.notice.id, "execute", asked.who, asked.channel, now, not why,
                    why or f"basket {begun[0].id}", offered.per_share, edge)
        )  # fmt: skip
        if why:
            self.center.settle(asked.notice.id, why, now)

    def _settle(self, following: Following, basket: BasketLife, now: Ns) -> None:
        account = self.account()
        assert account is not None
        text_ = _ended(following, basket, account, self.center)
        self.center.settle(following.notice.id, text_, now)


def _basket_of(account: Account | None, opportunity: str) -> BasketLife | None:
    baskets = account.baskets.values() if account is not None else ()
    return next((one for one in baskets if one.begun.opportunity == opportunity), None)


def _refusal(step: Step, offered: Offered) -> tuple[str, int]:
    """What the person reads, and the edge per share at the click."""
    for note in step.notes:
        if isinstance(note, Refused) and note.check == "edge":
            now = note.numbers.get("edge", 0) * offered.per_share // max(offered.edge, 1)
            return text.not_sent(now, offered.per_share), now
        if isinstance(note, Refused) and note.check == "ttl":
            return TOO_LATE, 0
        if isinstance(note, Refused):
            return f"⛔ Not sent: {clean(note.check, 40)}, {clean(note.reason, 160)}.", 0
        if isinstance(note, Passed):
            return f"⛔ Not sent: {clean(note.reason, 160)}.", 0
    return "⛔ Not sent: nothing was decided.", 0


def _ended(following: Following, basket: BasketLife, account: Account, center: Center) -> str:
    begun, offered = basket.begun, following.notice.offered
    assert offered is not None
    lives = [account.orders[name] for name in basket.orders if name in account.orders]
    if basket.stage == "stuck":
        rest = ", ".join(f"{size(qty)} {outcome} {key}" for key, outcome, qty in basket.residual)
        return f"🚨 Stuck with {clean(rest, 300)}: dutchbook trade show {begun.id}"
    repairs = [x for x in lives if x.order.purpose in ("complete", "unwind") and x.filled]
    if repairs:
        first = [x for x in lives if x.order.purpose == "leg"]
        short = min(range(len(first)), key=lambda n: first[n].filled) if first else 0
        hedged = sum(x.filled for x in repairs)
        paid = sum(fill.px * fill.qty for x in repairs for fill in x.fills)
        leg = first[short] if first else repairs[0]
        return text.one_leg(short + 1, leg.filled, leg.order.qty, hedged,
                            paid // max(hedged, 1), basket.locked, offered.opportunity)  # fmt: skip
    filled = min((x.filled for x in lives if x.order.purpose == "leg"), default=0)
    if not filled:
        return f"⌛ Nothing filled; nothing is held ({usd(basket.locked)}). #{offered.opportunity}"
    return text.executed(following.who, following.since, filled, begun.qty, len(begun.legs),
                         basket.locked, offered.net, offered.opportunity, center.zone)  # fmt: skip
