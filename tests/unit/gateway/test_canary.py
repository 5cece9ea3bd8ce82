"""P15, P18, F75: a secret that went everywhere is found nowhere: files, answers, logs, metrics."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dutchbook.domain.secret import Secret
from unit.gateway.house import PATH, WEBHOOK, standing


def test_a_process_that_opened_secrets_leaves_no_dump(tmp_path: Path) -> None:
    """P18, F75: no core file, no dump to a program, no debugger of the same user."""
    said = subprocess.run(
        [sys.executable, "-c", (
            "import ctypes, resource\n"
            "from dutchbook.runtime.keys import secrets_of\n"
            "from dutchbook.runtime.layers import load\n"
            "before = ctypes.CDLL(None).prctl(3)\n"
            "secrets_of(load(env={}, cli={'data_dir': 'sim'}).settings)\n"
            "print(before, ctypes.CDLL(None).prctl(3), resource.getrlimit(resource.RLIMIT_CORE))"
        )],
        cwd=tmp_path, check=True, capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ).stdout  # fmt: skip
    assert said == "1 0 (0, 0)\n"


async def test_no_secret_is_found_anywhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    password = "canary password 5c1d7f"
    said = []
    async with standing(tmp_path) as both:
        admin, now = both.key("admin"), both.gateway.clock.now()
        both.gateway.identity.people.add("ann", "trader", Secret(password), now)
        token = both.gateway.identity.sessions.begin("ann", now)
        key = admin["X-Dutchbook-Key"]
        for method, path, head, json in (
            ("GET", "/api/v1/auth/me", admin, None),
            ("POST", "/api/v1/auth/login", None, {"name": "ann", "password": password}),
            ("POST", "/api/v1/auth/login", None, {"name": "ann", "password": password + "x"}),
            ("POST", "/api/v1/auth/login", None, {"name": "ann", "password": [password]}),
            ("POST", "/api/v1/auth/refresh", None, {"refresh_token": token[1], password: 1}),
            ("POST", "/api/v1/people", admin, {"name": password, "password": password}),
            ("GET", "/api/v1/keys", admin, None), ("GET", "/api/v1/audit", admin, None),
            ("GET", f"/api/v1/orders/{key}", admin, None), ("GET", "/metrics", admin, None),
            ("POST", "/api/v1/control/kill", {"Authorization": f"Bearer {key}x"}, {}),
            ("POST", f"/webhook/news/{PATH}", None, {"title": 7}),
        ):  # fmt: skip
            answer = await both.call(method, path, head, json)
            if "refresh" not in path:  # its own answer is where tokens belong
                said.append(answer.text)
        files = list(both.files())
        raw = b"".join(file.read_bytes() for file in files)
        kept = [both.gateway.identity.sessions._key.reveal(), WEBHOOK, PATH.encode(),
                both.gateway.identity.keys._pepper.reveal()]  # fmt: skip
    # The client's own log names the paths that it calls; it is not ours.
    log = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith("http"))
    text = "\n".join([*said, log])
    assert len(files) > 6 and len(raw) > 10_000
    for secret in (key, key[16:], password, token[0], token[1]):
        assert secret.encode() not in raw, "on disk"
        assert secret not in log, "in the log"
        assert all(secret not in one for one in said), "in an answer"
    for value in kept:
        assert value not in raw and value.decode("latin-1") not in text
