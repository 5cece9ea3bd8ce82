"""Questions about alerts and jobs that other terminals put to a run."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from dutchbook.alerts.book import Life
from dutchbook.alerts.notice import KINDS, Draft, Muted
from dutchbook.alerts.press import Press
from dutchbook.alerts.words import clean, tag
from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import SECOND, Ns
from dutchbook.runtime.jobs import record

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live

Args = tuple[str, ...]
MUTE_MAX: Final = 7 * 86_400


def alert_row(life: Life) -> dict[str, Any]:
    """An alert as lists show it."""
    notice = life.notice
    return {
        "id": notice.id, "kind": notice.kind, "priority": notice.priority, "at": notice.at,
        "mode": notice.mode, "text": notice.text, "key": notice.key,
        "settled": life.settled.text if life.settled else "",
        "executed_by": life.executed_by, "seen_by": life.seen_by,
        "until": notice.offered.until if notice.offered else 0,
        "channels": {
            name: {"sent": one.confirmed, "tries": one.tries, "why": one.why, "ref": one.ref,
                   "added": one.added}
            for name, one in life.channels.items()
        },
    }  # fmt: skip


def mute(live: "Live", args: Args) -> dict[str, Any]:
    """(kind, seconds, who): 0 seconds lift it."""
    kind, seconds, who = args
    if kind != "all" and kind not in KINDS:
        raise UsageError(f"no kind {kind[:40]!r}", todo=f"all, {', '.join(KINDS)}")
    now = live.clock.now()
    until = Ns(now + min(int(seconds), MUTE_MAX) * SECOND) if int(seconds) else Ns(0)
    live.alerting.do(Muted(kind, until, clean(who, 40), now))
    return {"kind": kind, "until": until}


def test(live: "Live", args: Args) -> dict[str, Any]:
    """A test alert over every channel that is switched on."""
    text = (
        f"{tag(live.house.settings.mode)} 🔔 Test of the alert channels, from {clean(args[0], 40)}"
    )
    now = live.clock.now()
    name = live.alerting.offer(Draft("test", f"test:{now}", text, "test"))
    return {"id": name, "channels": list(live.alerting.couriers)}


def press(live: "Live", args: Args) -> dict[str, Any]:
    """(alert, act, who): Execute or Dismiss from a terminal of this machine, whose owner may."""
    alert, act, who = args
    answers = [
        live.alerting.press(Press("terminal", who, True, alert=alert, act=one))
        for one in (("execute", "confirm") if act == "execute" else ("dismiss",))
    ]
    first = next((one for one in answers if one.execute is not None), answers[0])
    return {"ok": first.ok, "text": first.text}


def show(live: "Live", args: Args) -> Any:
    """(alert,): one, or (): the newest."""
    lives = live.alerting.center.book.lives
    if args:
        life = lives.get(args[0])
        if life is None:
            raise UsageError(f"no alert {args[0][:40]!r}", todo="dutchbook alert history")
        return alert_row(life)
    return [alert_row(life) for life in list(lives.values())[-200:]]


async def _run(live: "Live", args: Args) -> dict[str, Any]:
    return record(await live.jobs.run(args[0], args[1]))


def job_runs(live: "Live", args: Args) -> list[dict[str, Any]]:
    return [record(run) for run in live.jobs.history.ran()[-200:]]


QUESTIONS: Final[dict[str, Callable[["Live", Args], Any | Awaitable[Any]]]] = {
    "alerts": show,
    "alert_mute": mute,
    "alert_test": test,
    "alert_press": press,
    "alert_rules": lambda live, args: msgspec.to_builtins(live.alerting.center.rules),
    "jobs": lambda live, args: live.jobs.rows(),
    "job_runs": job_runs,
    "job": _run,
}
