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
DECIDES: Final = 2
ELSEWHERE: Final = 1
"""Real-time priorities."""
_SETATTR: Final = {"x86_64": 314, "aarch64": 274}
_ATTR: Final = struct.Struct("=IIQiIQQQ")
"""size, policy, flags, nice, priority, runtime, deadline, period: sched_setattr(2)."""


def decides() -> None:
    """This process wakes at once, also beside others that are busy.

    Where the system grants it (root, CAP_SYS_NICE, RLIMIT_RTPRIO) its threads are of a real-time
    priority, sched(7), the lowest but one; the kernel still leaves a twentieth of a core to others.
    Each thread is asked for: one that had to wait while it holds the interpreter would make the
    others wait, too. Later ones, and child processes, are ordinary. Elsewhere, and where somebody
    started it as a nice process, it asks for short slices: since Linux 6.12 such a task takes the
    core from one with longer ones.
    """
    sys.setswitchinterval(SWITCH_S)
    if sys.platform == "linux":
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        for thread in _threads(os.getpid()):
            if not _real_time(thread, DECIDES):
                _in_short(thread, nice)


def is_elsewhere(pid: int) -> None:
    """A child stands for other machines: what else is busy on this one must not make it late.

    It is of the lowest real-time priority where that is granted, behind who decides: the kernel
    moves such a task at once to a core where none runs; an ordinary one waits behind it.
    """
    if sys.platform == "linux":
        for thread in _threads(pid):
            _real_time(thread, ELSEWHERE)


def _threads(pid: int) -> list[int]:
    try:
        return [int(thread) for thread in os.listdir(f"/proc/{pid}/task")]
    except OSError:  # it has ended
        return []


def _real_time(thread: int, most: int) -> bool:
    """Whether it was granted that priority, or a lower one."""
    with contextlib.suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, thread) <= 0:
            for priority in range(most, 0, -1):
                with contextlib.suppress(PermissionError):
                    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
                    os.sched_setscheduler(thread, policy, os.sched_param(priority))
                    return True
    return False


def _in_short(thread: int, nice: int) -> None:
    number = _SETATTR.get(platform.machine())
    if number is not None:
        fields = (_ATTR.size, os.SCHED_OTHER, 0, nice, 0, SLICE_NS, 0, 0)
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).syscall(number, thread, _ATTR.pack(*fields), 0)


def yields(pid: int) -> None:
    """A child of the process that decides is a nice one from now on."""
    with contextlib.suppress(OSError):  # it may have ended
        os.setpriority(os.PRIO_PROCESS, pid, NICE)


def serves(nice: int = NICE) -> None:
    """A nice process, and one that never takes a core from whoever is on it because it woke."""
    os.nice(max(0, nice - os.nice(0)))
    with contextlib.suppress(OSError):  # where it is not allowed, niceness alone has to do
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
