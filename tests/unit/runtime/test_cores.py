"""Who decides goes first, where the system lets it; whoever serves or reports goes last."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="policies by thread are Linux's")
STORY = """
import json, os, subprocess, sys, threading
from dutchbook.runtime import cores

def seen(number):
    policy = os.sched_getscheduler(number) & ~os.SCHED_RESET_ON_FORK
    nice = os.getpriority(os.PRIO_PROCESS, number)
    return [policy, nice, os.sched_getparam(number).sched_priority]

def granted():
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(2))
    except OSError:
        return False
    return True

os.nice(int(sys.argv[1]))
end = threading.Event()
threading.Thread(target=end.wait, daemon=True).start()
cores.decides()
threads = [seen(int(number)) for number in os.listdir("/proc/self/task")]
child = subprocess.Popen(["sleep", "60"])
before = seen(child.pid)
cores.yields(child.pid)
after = seen(child.pid)
child.kill()
child.wait()
cores.yields(child.pid)
cores.is_elsewhere(child.pid)
with subprocess.Popen(["sleep", "60"]) as child:
    cores.is_elsewhere(child.pid)
    elsewhere = seen(child.pid)
    child.kill()
cores.serves()
print(json.dumps([threads, before, after, elsewhere, seen(0), granted()]))
"""


@pytest.mark.parametrize("asked", [0, 5])
def test_each_thread_of_who_decides_goes_first_and_its_children_do_not(asked):
    """Unless somebody started it as a nice process."""
    run = [sys.executable, "-c", STORY, str(asked)]
    told = subprocess.run(run, env=os.environ, capture_output=True, text=True, check=True)
    threads, before, after, elsewhere, served, granted = json.loads(told.stdout)
    nice = os.getpriority(os.PRIO_PROCESS, 0) + asked
    first = granted and nice <= 0
    policy = os.SCHED_RR if first else os.SCHED_OTHER
    assert threads == [[policy, nice, 2 if first else 0]] * 2
    assert before == [os.SCHED_OTHER, nice, 0] and after == [os.SCHED_OTHER, 10, 0]
    assert elsewhere == [policy, nice, 1 if first else 0], "behind who decides, before all else"
    assert served == [os.SCHED_BATCH, 10, 0]
