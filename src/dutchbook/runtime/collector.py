"""The garbage collector of a process that is in haste: what is there at first is not looked at."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def freeze() -> None:
    """From now on only what is made anew is looked at, and seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@contextmanager
def frozen() -> Iterator[None]:
    """The same for as long as the block lasts."""
    before = gc.get_threshold()
    freeze()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
