"""A value that must never be shown: keys and passwords are held in it from reading to use."""

import hmac
from typing import Any, NoReturn


class Secret:
    """Wraps text or bytes. str, repr and format give "***"; it can't be pickled or copied out.

    `reveal()` is the one way to the value, so that a search for it finds every use.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | bytes) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(Secret)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> Any:
        return self._refuse()

    def _refuse(self) -> NoReturn:
        raise TypeError("a Secret is not written down")
