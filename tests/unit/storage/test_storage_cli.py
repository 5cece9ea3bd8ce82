"""`dutchbook data verify` from outside: its exit code and its last line are the answer."""

import json
import os
import subprocess
import sys

from dutchbook.storage.store import Store
from storage_story import step


def verify(*args: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "dutchbook", "data", "verify", *args]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_verify_tells_a_good_record_from_a_damaged_one(tmp_path):
    store = Store.open(tmp_path, segment_bytes=600)
    for seq in range(1, 41):
        store.append(step(seq))
        store.commit()
    store.close()
    good = verify("--data-dir", str(tmp_path), "--json")
    answer = json.loads(good.stdout.splitlines()[-1])
    assert good.returncode == 0, good.stderr
    assert answer["holds"] and answer["seq"] == 40 and answer["problems"] == []
    assert len(answer["files"]) > 6
    path = tmp_path / "journal" / "000002.acct"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    bad = verify("--data-dir", str(tmp_path))
    assert bad.returncode == 1
    assert f"{path}: damaged at byte " in bad.stdout
    assert "does not hold" in bad.stdout and "Traceback" not in bad.stderr


def test_verify_names_a_missing_directory(tmp_path):
    answer = verify("--data-dir", str(tmp_path / "nowhere"))
    assert answer.returncode == 2 and "there is no record in" in answer.stderr
    (tmp_path / "journal").mkdir()
    empty = verify("--data-dir", str(tmp_path), "--json")
    assert empty.returncode == 1 and not json.loads(empty.stdout)["holds"]
