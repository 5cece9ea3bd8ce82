"""Who decides goes first, where the system lets it; whoever serves or reports goes last."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="niceness by thread is Linux's")
STORY = """
import json, os, subprocess, sys, threading
from dutchbook.runtime import cores

def granted():
    try:
        os.setpriority(os.PRIO_PROCESS, 0, cores.FIRST)
    except OSError:
        return os.getpriority(os.PRIO_PROCESS, 0)
    return cores.FIRST

def nice(number):
    return os.getpriority(os.PRIO_PROCESS, number)

asked = int(sys.argv[1])
if asked:
    os.nice(asked)
end = threading.Event()
threading.Thread(target=end.wait, daemon=True).start()
cores.decides()
threads = [nice(int(number)) for number in os.listdir("/proc/self/task")]
child = subprocess.Popen(["sleep", "60"])
before = nice(child.pid)
cores.yields(child.pid)
after = nice(child.pid)
child.kill()
child.wait()
cores.yields(child.pid)
cores.serves()
print(json.dumps([threads, before, after, nice(0), granted() if before >= 0 else before]))
"""


@pytest.mark.parametrize("asked", [0, 5])
def test_each_thread_of_who_decides_goes_first_and_its_children_are_put_back(asked):
    run = [sys.executable, "-c", STORY, str(asked)]
    told = subprocess.run(run, env=os.environ, capture_output=True, text=True, check=True)
    threads, before, after, served, granted = json.loads(told.stdout)
    assert len(threads) == 2 and set(threads) == {before}
    assert before == (granted if granted < 0 else asked), "all it may have; never less than before"
    assert (after, served) == (10, 10)
