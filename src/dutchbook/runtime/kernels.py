"""The compiled kernels, ready before the first message: a start must not stop to compile."""

from collections.abc import Callable
from pathlib import Path

from dutchbook import kernels
from dutchbook.kernels.warm import warm


def ready(say: Callable[[str], None]) -> None:
    """Load the kernels from the cache beside their sources, or compile them, once, and say so.

    A checkout that can't be written compiles them in memory at each start, and says that.
    """
    cache = Path(kernels.__file__).parent / "__pycache__"
    cold = not any(cache.glob("kernels-*/**/*.nbi"))
    if cold:
        say("compiling kernels (once; some seconds) ...")
    count = warm(cache, say=say)
    if cold:
        say(f"compiled {count} kernels")
