"""The compiled kernels, ready before the first message: a start must not stop to compile."""

from collections.abc import Callable
from pathlib import Path

from dutchbook import kernels
from dutchbook.kernels.warm import warm

CACHE = Path(kernels.__file__).parent / "__pycache__"


def is_cold() -> bool:
    """Whether they have to be compiled: then it is done before anything else is started."""
    return not any(CACHE.glob("kernels-*/**/*.nbi"))


def ready(say: Callable[[str], None]) -> None:
    """Load the kernels from the cache beside their sources, or compile them, once, and say so.

    A checkout that can't be written compiles them in memory at each start, and says that.
    """
    cold = is_cold()
    if cold:
        say("compiling kernels (once; some seconds) ...")
    count = warm(CACHE, say=say)
    if cold:
        say(f"compiled {count} kernels")
