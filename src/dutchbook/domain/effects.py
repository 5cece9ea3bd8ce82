"""What the deciding tower asks the world to do: imperative, recorded before it is done."""

import msgspec

from dutchbook.domain.units import Ns


class SetTimer(msgspec.Struct, frozen=True, array_like=True, tag="SetTimer"):
    """Send TimerFired(name) at the given time; the same name set again replaces it."""

    name: str
    at: Ns


class AskSnapshot(msgspec.Struct, frozen=True, array_like=True, tag="AskSnapshot"):
    """Ask a venue to send these books whole again, in stream order."""

    venue: str
    stream: str
    keys: tuple[str, ...]
    why: str


class AskCheck(msgspec.Struct, frozen=True, array_like=True, tag="AskCheck"):
    """Ask a venue's REST for a copy of these books, to compare with ours."""

    venue: str
    keys: tuple[str, ...]


Effect = SetTimer | AskSnapshot | AskCheck
