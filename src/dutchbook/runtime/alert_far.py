"""The ports of alerts and jobs across processes: one question to the run for each call."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from dutchbook.alerts.notice import Act, Draft
from dutchbook.channels.base import Clicked
from dutchbook.domain.errors import UsageError

if TYPE_CHECKING:
    from dutchbook.runtime.alert_ports import AlertPorts

QUESTION: Final = "port"
JOB_SECONDS: Final = 90.0
"""How long a call waits for the end of a job."""
TAKES: Final[dict[str, Any]] = {
    "alerts": tuple[int], "alert": tuple[str], "press": tuple[str, Act, str],
    "proved": tuple[str, str, str], "external": tuple[Draft], "follow": tuple[str, str],
    "clicked": tuple[Clicked], "public_key": tuple[()], "mode": tuple[()], "jobs": tuple[()],
    "run_job": tuple[str, str],
}  # fmt: skip
"""The calls that there are, and what each takes."""


def called(ports: "AlertPorts", args: tuple[str, ...]) -> Any | Awaitable[Any]:
    """In the run: (name of a call, its arguments in JSON). Raises UsageError for another."""
    name, text = (*args, "", "")[:2]
    if name not in TAKES:
        raise UsageError(f"no call {name[:40]!r}", todo=f"one of {', '.join(TAKES)}")
    try:
        given = msgspec.json.decode(text, type=TAKES[name])
    except msgspec.DecodeError as error:
        raise UsageError(f"{name}: {error}", todo="the gateway is of another build") from error
    return getattr(ports, name)(*given)


class Ask(Protocol):
    """`RunPort.ask`."""

    async def __call__(
        self, question: str, args: tuple[str, ...] = (), *, seconds: float = 0
    ) -> Any: ...


class FarPorts:
    """Implements `alert_routes.Ports` for the run that `ask` reaches."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def _call(self, name: str, *given: Any, seconds: float = 0) -> Any:
        text = msgspec.json.encode(given).decode()
        return await self._ask(QUESTION, (name, text), seconds=seconds)

    async def alerts(self, limit: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._call("alerts", limit)
        return found

    async def alert(self, name: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await self._call("alert", name)
        return found

    async def press(self, alert: str, act: Act, who: str) -> tuple[bool, str]:
        done, words = await self._call("press", alert, act, who)
        return bool(done), str(words)

    async def proved(self, alert: str, token: str, code: str) -> bool:
        return bool(await self._call("proved", alert, token, code))

    async def external(self, draft: Draft) -> str:
        return str(await self._call("external", draft))

    async def follow(self, key: str, text: str) -> None:
        await self._call("follow", key, text)

    async def clicked(self, click: Clicked) -> str:
        return str(await self._call("clicked", click))

    async def public_key(self) -> str:
        return str(await self._call("public_key"))

    async def mode(self) -> str:
        return str(await self._call("mode"))

    async def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = await self._call("jobs")
        return found

    async def run_job(self, name: str, who: str) -> dict[str, Any]:
        found: dict[str, Any] = await self._call("run_job", name, who, seconds=JOB_SECONDS)
        return found
