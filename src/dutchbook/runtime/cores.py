"""How the processes of one machine share its cores: who decides first, who serves last.

What a platform does not know or allow is left out: it is about milliseconds, not about being right.
"""

import contextlib
import ctypes
import os
import platform
import struct
import sys
from typing import Final

SLICE_NS: Final = 100_000
"""What the process that decides asks for at a time; the kernel's least (sched(7), EEVDF)."""
SWITCH_S: Final = 0.0005
"""How long another thread may keep the interpreter from the one that decides; 5 ms by default."""
NICE: Final = 10
FIRST: Final = -10
"""The niceness of who decides, where the system grants it (root, CAP_SYS_NICE, RLIMIT_NICE)."""
_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
_ATTR: Final = struct.Struct("=IIQiIQQQ")
"""size, policy, flags, nice, priority, runtime, deadline, period: sched_setattr(2)."""


def decides() -> None:
    """This process wakes at once, also beside others that are busy: it asks to go before them,
    and for short slices.

    Since Linux 6.12 a task with a shorter slice takes the core from one with a longer; it gets no
    more of the core in all. Threads are asked for one by one: one that the system lets wait while
    it holds the interpreter would make the one that decides wait, too. Later ones inherit it, and
    so do processes: those that are no part of deciding call `serves`, or are put back by `yields`.
    """
    sys.setswitchinterval(SWITCH_S)
    number = _SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    with contextlib.suppress(OSError, AttributeError):
        ask = ctypes.CDLL(None).syscall
        now = os.getpriority(os.PRIO_PROCESS, 0)
        for thread in os.listdir("/proc/self/task"):
            for nice in (min(now, FIRST), now):
                fields = (_ATTR.size, os.SCHED_OTHER, 0, nice, 0, SLICE_NS, 0, 0)
                if ask(number, int(thread), _ATTR.pack(*fields), 0) == 0:
                    break


def yields(pid: int) -> None:
    """A child of the process that decides is a nice one from now on."""
    with contextlib.suppress(OSError):  # it may have ended
        os.setpriority(os.PRIO_PROCESS, pid, NICE)


def serves(nice: int = NICE) -> None:
    """A nice process, and one that never takes a core from whoever is on it because it woke."""
    os.nice(max(0, nice - os.nice(0)))
    with contextlib.suppress(OSError):  # where it is not allowed, niceness alone has to do
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
