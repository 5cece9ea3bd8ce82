"""What other processes ask of the alerts and jobs of a live run (`alert_far.called`)."""

from typing import TYPE_CHECKING, Any

from dutchbook.alerts.buttons import CODES_MAX
from dutchbook.alerts.notice import Act, Draft
from dutchbook.alerts.press import Answer, Press
from dutchbook.runtime.alerting import Alerting
from dutchbook.runtime.desks import alert_row, job_runs
from dutchbook.runtime.jobs import record

if TYPE_CHECKING:
    from dutchbook.runtime.live import Live


class AlertPorts:
    """The calls of `alert_far.TAKES`, save those about jobs."""

    def __init__(self, alerting: Alerting, public_key: str = "") -> None:
        self.alerting = alerting
        self._public_key = public_key
        self._wrong: dict[str, int] = {}

    def alerts(self, limit: int) -> list[dict[str, Any]]:
        lives = list(self.alerting.center.book.lives.values())
        return [alert_row(life) for life in lives[-limit:]]

    def alert(self, name: str) -> dict[str, Any] | None:
        life = self.alerting.center.book.lives.get(name)
        return alert_row(life) if life is not None else None

    def press(self, alert: str, act: Act, who: str) -> tuple[bool, str]:
        first = self._press(alert, act, who)
        if act == "execute" and first.ok and first.execute is None:
            first = self._press(alert, "confirm", who)  # the page, or the call, asked already
        return first.ok, first.text

    def _press(self, alert: str, act: Act, who: str) -> Answer:
        return self.alerting.press(Press("gateway", who, True, alert=alert, act=act))

    def proved(self, alert: str, token: str, code: str) -> bool:
        """A code is guessed at most CODES_MAX times."""
        mint = self.alerting.mint
        if token:
            return mint.is_token(alert, token)
        if not code or self._wrong.get(alert, 0) >= CODES_MAX or self.alert(alert) is None:
            return False
        if code == mint.code(alert):
            return True
        self._wrong[alert] = self._wrong.get(alert, 0) + 1
        if len(self._wrong) > 10_000:
            self._wrong.pop(next(iter(self._wrong)))
        return False

    def external(self, draft: Draft) -> str:
        return self.alerting.offer(draft)

    def follow(self, key: str, text: str) -> None:
        self.alerting.follow(key, text)

    def clicked(self, click: Any) -> str:
        return self.alerting.clicked("discord", click)

    def public_key(self) -> str:
        return self._public_key

    def mode(self) -> str:
        return self.alerting.center.rules.mode


class LivePorts(AlertPorts):
    """All of them, for a run."""

    def __init__(self, live: "Live") -> None:
        super().__init__(live.alerting, live.house.settings.alerts.discord.public_key)
        self.live = live

    def jobs(self) -> list[dict[str, Any]]:
        return job_runs(self.live, ())

    async def run_job(self, name: str, who: str) -> dict[str, Any]:
        return record(await self.live.jobs.run(name, who))
