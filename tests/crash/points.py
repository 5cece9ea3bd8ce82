"""Numbered places at which a process can be made to die: before, within and after each write."""

import os
from collections.abc import Callable
from typing import Any

CALLS = ("fdatasync", "fsync", "replace", "rename")


class Points:
    """Counts every place; at number `target` the process is gone, as by kill -9. 0: never.

    `write` has three places: before it, with half of it written, and after it; the others two.
    Messages to the venue are written through the same call, so sending is among them.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.count = 0
        self._real: dict[str, Callable[..., Any]] = {}

    def hit(self) -> bool:
        """One place further; true at the place where it ends."""
        self.count += 1
        return self.count == self.target

    def die_here(self) -> None:
        if self.hit():
            os._exit(9)

    def install(self) -> None:
        """From now on each of these calls has its places."""
        self._real = {name: getattr(os, name) for name in ("write", *CALLS)}
        os.write = self._write
        for name in CALLS:
            setattr(os, name, self._wrapped(self._real[name]))

    def remove(self) -> None:
        for name, real in self._real.items():
            setattr(os, name, real)

    def _write(self, fd: int, data: Any) -> int:
        real = self._real["write"]
        self.die_here()
        if self.hit():
            real(fd, bytes(data)[: len(data) // 2])
            os._exit(9)
        done: int = real(fd, data)
        self.die_here()
        return done

    def _wrapped(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **named: Any) -> Any:
            self.die_here()
            done = real(*args, **named)
            self.die_here()
            return done

        return call
