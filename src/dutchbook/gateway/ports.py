"""What the gateway asks of a run; `runtime` implements it."""

from typing import Any, Protocol

import msgspec


class Told(msgspec.Struct, frozen=True):
    """What a command brought about: its step's number, notes as (kind, fields), orders."""

    seq: int
    notes: tuple[tuple[str, list[Any]], ...]
    orders: tuple[str, ...]


class Run(Protocol):
    """A run that goes on in another process. All raise NotRunning, Timeout, DutchbookError.

    Timeout means that nobody knows whether the command was carried out.
    """

    async def command(self, who: str, verb: str, args: tuple[str, ...]) -> Told:
        """Have the engine carry out a command, in order with all other events."""
        ...

    async def ask(self, question: str, args: tuple[str, ...] = ()) -> Any:
        """A question about the run as it stands."""
        ...

    async def kill(self, who: str, *, flatten: bool) -> Told | None:
        """Stop everything, also where no run answers (then None): the next one begins killed."""
        ...

    async def clear_kill(self, who: str, reason: str) -> Told: ...

    async def reload(self, who: str) -> dict[str, list[str]]:
        """Read the settings anew and have the run take its strategies from them: `changed` paths
        with values, and those that need a `restart`."""
        ...

    async def raise_limit(self, path: str, value: str) -> str:
        """Write a limit into the settings file; what it was before. UsageError, ConfigError."""
        ...


class Secrets(Protocol):
    """Secrets by name, as `storage.vault.Secrets` has them."""

    def get(self, name: str) -> Any: ...
