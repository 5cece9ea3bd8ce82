"""Setting up channels from a terminal, and trying them without a run."""

import asyncio
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from dutchbook.channels.base import Delivered, Failed, Message, Out, Said
from dutchbook.domain.errors import DutchbookError, Timeout, UsageError
from dutchbook.domain.secret import Secret
from dutchbook.io.courier import Courier
from dutchbook.runtime.alert_setup import Builder, enabled_of, secrets_for
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.config_file import set_value
from dutchbook.runtime.keys import secrets_of
from dutchbook.runtime.layers import FILE, load
from dutchbook.runtime.settings import Settings

SECRET: Final = {
    "telegram": "telegram.token", "discord": "discord.webhook", "email": "email.password",
    "sms": "sms.url", "pager": "pager.url", "slack": "slack.url",
}  # fmt: skip
Say = Callable[[str], None]


def set_up(channel: str, config: Path | None, seconds: int, say: Say) -> dict[str, Any]:
    """Keep the secret, find out where to send, switch it on, send a test. Raises DutchbookError."""
    if channel not in SECRET:
        raise UsageError(f"no channel {channel!r}", todo=f"there are {', '.join(SECRET)}")
    file = config or Path(FILE)
    settings = load(config).settings
    _keep(settings, SECRET[channel], say)
    told: dict[str, Any] = {"channel": channel}
    if channel == "telegram":
        found = asyncio.run(_chat(settings, seconds, say))
        set_value(file, "alerts.telegram.chat", found.chat)
        if found.user not in map(str, settings.alerts.telegram.allow):
            people = [*map(str, settings.alerts.telegram.allow), found.user]
            set_value(file, "alerts.telegram.allow", ",".join(people))
        told |= {"chat": found.chat, "allowed": found.user, "name": found.name}
        say(f"alerts go to chat {found.chat}; {found.name} ({found.user}) may execute")
    set_value(file, f"alerts.{channel}.enabled", "true")
    settings = load(config).settings
    row = try_one(settings, channel)
    told["test"] = row
    say(f"{channel}: {'a test was told' if row['sent'] else 'NOT told: ' + row['why']}")
    if not row["sent"]:
        raise DutchbookError(f"{channel} is set up but did not take the test", why=row["why"])
    return told


def _keep(settings: Settings, name: str, say: Say) -> None:
    if sys.stdin.isatty():
        value = Secret(getpass.getpass(f"{name} (empty keeps what is there): "))
    else:
        value = Secret(sys.stdin.readline().rstrip("\n"))
    if value:
        secrets_of(settings).set(name, value)
        say(f"{name} is kept, encrypted")
    elif name not in secrets_for(settings) and name != "email.password":
        raise UsageError(f"{name} is empty", todo="paste it, or pipe it in")


async def _chat(settings: Settings, seconds: int, say: Say) -> Said:
    """Who writes to the bot first: their chat is where alerts go."""
    heard: asyncio.Queue[Said] = asyncio.Queue()

    def sink(name: str, out: Out) -> None:
        if isinstance(out, Said):
            heard.put_nowait(out)

    courier = _courier(settings, "telegram", sink)
    say("open the bot's chat in Telegram and press Start, or write it anything ...")
    courier.start()
    try:
        async with asyncio.timeout(seconds):
            while True:
                said = await heard.get()
                if not said.group:
                    return said
    except TimeoutError:
        raise Timeout(
            f"nobody wrote to the bot within {seconds} s",
            todo="check the token; write to the bot itself, not in a group",
        ) from None
    finally:
        await courier.stop()
        await courier.transport.close()


def _courier(settings: Settings, name: str, sink: Any) -> Courier:
    return Builder(settings, secrets_for(settings), SystemClock(), sink).courier(name)


def try_one(settings: Settings, name: str) -> dict[str, Any]:
    """A test message over one channel: sent (ns, 0: no) and why not."""
    return asyncio.run(_tried(settings, name))


def try_all(settings: Settings) -> dict[str, Any]:
    """A test message over each channel that is switched on."""
    names = enabled_of(settings.alerts)
    return {"text": _text(settings), "channels": {n: try_one(settings, n) for n in names}}


def _text(settings: Settings) -> str:
    return f"[{settings.mode.upper()}] 🔔 Test of the alert channels"


async def _tried(settings: Settings, name: str) -> dict[str, Any]:
    ended: asyncio.Future[Out] = asyncio.get_running_loop().create_future()

    def sink(channel: str, out: Out) -> None:
        if isinstance(out, Delivered | Failed) and not ended.done():
            ended.set_result(out)

    courier = _courier(settings, name, sink)
    clock = SystemClock()
    sms = f"DUTCHBOOK {settings.mode.upper()} test of the alert channels"
    message = Message("test", _text(settings), "test", sms=sms, at=clock.now(), critical=True)
    courier.send(message)
    try:
        async with asyncio.timeout(30):
            out = await ended
    except TimeoutError:
        out = Failed("test", "no answer within 30 s")
    finally:
        await courier.stop()
        await courier.transport.close()
    sent = clock.now() if isinstance(out, Delivered) else 0
    why = out.why if isinstance(out, Failed) else ""
    row = {"sent": sent, "tries": 1, "why": why}
    return msgspec.to_builtins(row)  # type: ignore[no-any-return]
