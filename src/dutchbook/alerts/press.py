"""A person pressed a button: who may, once, in time; what is answered, and what is to be done."""

from typing import Final, NamedTuple

from dutchbook.alerts.book import Life
from dutchbook.alerts.center import Center
from dutchbook.alerts.notice import Act, Muted, Notice, Pressed, Settled
from dutchbook.alerts.words import clean, clock
from dutchbook.domain.units import SECOND, Ns

MUTE: Final = Ns(3_600 * SECOND)
TOO_LATE: Final = "⌛ Not sent: its time is over."


class Press(NamedTuple):
    """`data` is the button's, or `alert` and `act` where a checked link or a command names them."""

    channel: str
    who: str
    allowed: bool
    data: str = ""
    alert: str = ""
    act: Act | None = None


class Answer(NamedTuple):
    """`text` goes to the person at once; `execute`: ask the engine; `say`: a message of its own."""

    text: str
    execute: Notice | None = None
    say: str = ""
    ok: bool = True


def press(center: Center, event: Press, now: Ns) -> Answer:
    """Judge a press. It is in the audit either way, and first click wins."""
    found = (event.alert, event.act) if event.act else center.book.mint.read(event.data)
    life = center.book.lives.get(found[0]) if found is not None else None
    if found is None or life is None or found[1] is None:
        return Answer("This button is not known here any more.", ok=False)
    act = found[1]
    if not event.allowed:
        _audit(center, life, act, event, now, ok=False, why="not on the allow-list")
        return Answer("You are not allowed to do this.", ok=False)
    return _ACTS[act](center, life, act, event, now)


def _audit(
    center: Center, life: Life, act: Act, event: Press, now: Ns, *, ok: bool = True, why: str = ""
) -> None:
    offered = life.notice.offered
    center.do(
        Pressed(
            life.notice.id, act, clean(event.who, 40), event.channel, now, ok, why,
            offered.per_share if offered else 0,
        )
    )  # fmt: skip


def _execute(center: Center, life: Life, act: Act, event: Press, now: Ns) -> Answer:
    notice, rules = life.notice, center.rules
    offered = notice.offered
    if offered is None or rules.execute == "off":
        _audit(center, life, act, event, now, ok=False, why="there is nothing to execute")
        return Answer("There is nothing to execute.", ok=False)
    if life.executed_by or (life.settled is not None and life.settled.final):
        by = life.executed_by
        _audit(center, life, act, event, now, ok=False, why="not the first")
        return Answer(f"Already pressed by {by}." if by else "It is over already.", ok=False)
    if now > offered.until:
        _audit(center, life, act, event, now, ok=False, why="too late")
        center.do(Settled(notice.id, TOO_LATE, now))
        return Answer(TOO_LATE, ok=False)
    small = rules.execute == "one_tap" and offered.capital < rules.one_tap_under
    if act == "execute" and not small:
        _audit(center, life, act, event, now, why="asked")
        return Answer("Press once more to execute.")
    if act == "confirm" and not life.asked_by:
        _audit(center, life, act, event, now, ok=False, why="Execute was not pressed first")
        return Answer("Press Execute first.", ok=False)
    _audit(center, life, act, event, now)
    return Answer("Sending …", notice)


def _cancel(center: Center, life: Life, act: Act, event: Press, now: Ns) -> Answer:
    _audit(center, life, act, event, now, ok=bool(life.asked_by))
    return Answer("Nothing was sent.")


def _dismiss(center: Center, life: Life, act: Act, event: Press, now: Ns) -> Answer:
    if life.executed_by or life.settled is not None:
        _audit(center, life, act, event, now, ok=False, why="over already")
        return Answer("It is over already.", ok=False)
    _audit(center, life, act, event, now)
    text = f"✖ Dismissed by {clean(event.who, 40)} {clock(now, center.zone)}"
    center.do(Settled(life.notice.id, text, now))
    return Answer("Dismissed.")


def _seen(center: Center, life: Life, act: Act, event: Press, now: Ns) -> Answer:
    _audit(center, life, act, event, now)
    if life.settled is None:
        text = f"👍 Seen by {clean(event.who, 40)} {clock(now, center.zone)}"
        center.do(Settled(life.notice.id, text, now))
    return Answer("Noted.")


def _why(center: Center, life: Life, act: Act, event: Press, now: Ns) -> Answer:
    _audit(center, life, act, event, now)
    return Answer("", say=life.notice.why or "No more is known of it than it says.")


def _mute(center: Center, life: Life, act: Act, event: Press, now: Ns) -> Answer:
    _audit(center, life, act, event, now)
    until = Ns(now + MUTE)
    center.do(Muted(life.notice.kind, until, clean(event.who, 40), now))
    return Answer(f"{life.notice.kind}: quiet until {clock(until, center.zone)[:5]}.")


_ACTS: Final = {
    "execute": _execute, "confirm": _execute, "cancel": _cancel, "dismiss": _dismiss,
    "why": _why, "mute": _mute, "ack": _seen,
}  # fmt: skip
