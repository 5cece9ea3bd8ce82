"""The gateway from the command line: beside a run, or alone for a run that goes on elsewhere."""

import asyncio
import contextlib
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dutchbook.cli.out import emit, say
from dutchbook.domain.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from dutchbook.runtime.layers import Loaded

ROLES = ("gateway",)


async def beside(loaded: "Loaded", work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Do the work of a run, with a gateway beside it once there is something to follow."""
    settings = loaded.settings
    if not settings.api.enabled:
        return await work
    from dutchbook.runtime.apichild import ApiChild

    child = ApiChild(settings, loaded.file, lambda text: say(f"  {text}"))
    starting = asyncio.create_task(_later(child, Path(settings.data_path())), name="gateway")
    try:
        return await work
    finally:
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        await child.stop()


async def _later(child: Any, root: Path) -> None:
    """The engine comes first: it starts alone."""
    from dutchbook.runtime.publish import NAME

    while not (root / NAME).exists():
        await asyncio.sleep(0.1)
    await child.keep()


def gateway(
    config: Path | None, profile: str, data_dir: Path | None, mode: str, role: str, *,
    read_only: bool, child: bool,
) -> None:  # fmt: skip
    """Serve until interrupted; as a child, until standard input ends."""
    import msgspec
    import uvloop

    from dutchbook.runtime.cores import serves
    from dutchbook.runtime.layers import load
    from dutchbook.runtime.serving import serve

    if role not in ROLES:
        raise UsageError(f"no role {role!r}", todo=f"one of: {', '.join(ROLES)}")
    if child:
        serves()
        loaded = _told(sys.stdin.buffer.readline())
    else:
        given = {"data_dir": data_dir, "mode": mode or None}
        texts = {key: str(value) for key, value in given.items() if value is not None}
        loaded = load(config, profile=profile, cli=texts)
    if read_only:
        api = msgspec.structs.replace(loaded.settings.api, read_only=True)
        settings = msgspec.structs.replace(loaded.settings, api=api)
        loaded = msgspec.structs.replace(loaded, settings=settings)

    async def go() -> None:
        gone = asyncio.Event()
        waiting = asyncio.create_task(_until_closed(gone)) if child else None
        await serve(loaded, _ready(child), gone)
        if waiting is not None:
            waiting.cancel()

    uvloop.run(go())


def _ready(child: bool) -> Any:
    def tell(said: dict[str, Any]) -> None:
        emit(said)
        if not child:
            say(f"gateway   {said['api']}/api/v1")
            if said["first_run"]:
                say(f"  nobody can sign in yet; one-time token: {said['first_run']}")

    return tell


async def _until_closed(gone: asyncio.Event) -> None:
    """Our parent holds the other end of standard input: it ends with it, however that ends."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    await reader.read()
    gone.set()


def _told(line: bytes) -> "Loaded":
    """The settings that a run passes on to its gateway."""
    import msgspec

    from dutchbook.runtime.layers import Loaded, load
    from dutchbook.runtime.settings import Api, Settings, Storage

    said = msgspec.json.decode(line)
    file = Path(said["file"]) if said["file"] else None
    try:
        known = load(file)
    except ConfigError:  # a profile or the command line made it whole: only this much is needed
        known = Loaded(Settings(), {}, file)
    settings = msgspec.structs.replace(
        known.settings, mode=said["mode"], data_dir=said["data_dir"],
        api=msgspec.convert(said["api"], Api), storage=msgspec.convert(said["storage"], Storage),
    )  # fmt: skip
    return Loaded(settings, known.origins, known.file)
