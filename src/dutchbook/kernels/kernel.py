"""How a kernel is declared: its exact signature beside it, compiled only when somebody asks.

Whole numbers only: no fastmath, no parallel loops, so that a kernel gives the same on every
machine. `LADDER` is the memory of one tick class as `state/pool.py` lays it out.
"""

from collections.abc import Callable
from typing import Any, Final

from numba import njit

KERNELS: Final[list[tuple[Any, str]]] = []
"""Every kernel with its signature, in the order of declaration; `warm.py` compiles them."""

I8: Final = "int64[::1]"
U1: Final = "uint8[::1]"
U8: Final = "uint64[::1]"
LADDER: Final = f"{I8}, {U1}, {U8}, {I8}"
"""sizes, occupied (a byte per cell), the same bytes as 64-bit words, best slots."""

ONE: Final = 1_000_000
SIZE_MAX: Final = 500_000_000_000_000
"""The largest size of a level; see state/books.py. All bounds in the kernels start from it."""


def kernel(signature: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a kernel. Unwarmed, it compiles at its first call, without the disk cache."""

    def declare(function: Callable[..., Any]) -> Any:
        compiled = njit(nogil=True)(function)
        KERNELS.append((compiled, signature))
        return compiled

    return declare


part = njit(nogil=True)
"""A piece of kernels: compiled into its callers."""
