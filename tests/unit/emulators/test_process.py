"""The command as a child process: its first line, its files, and every way that it ends."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rig import running

from dutchbook.domain.errors import DutchbookError, UsageError
from dutchbook.emulators.ports import PortInUse, take_ports

SRC = Path(__file__).resolve().parents[3] / "src"
COMMAND = [sys.executable, "-m", "dutchbook", "exchange", "serve"]
ENV = os.environ | {"PYTHONPATH": str(SRC)}


def child(folder, *more, which="kalshi"):
    return subprocess.Popen(
        [*COMMAND, which, "--data-dir", str(folder), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENV,
    )


def finish(process):
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def test_first_line_says_where_everything_is_and_a_signal_ends_it_in_order(tmp_path):
    """Keys are for their owner only and never printed; every log line is whole."""
    process = child(tmp_path, which="both")
    places = json.loads(process.stdout.readline())
    assert set(places) == {"kalshi", "polymarket", "truth", "wire", "links", "control"}
    keys = [Path(places["kalshi"][f"{kind}key_file"]) for kind in ("", "ed25519_")]
    secret = [part for key in keys for part in key.read_text().splitlines()[1:-1]]
    bare = [places["polymarket"]["wallet_key_file"], places["control"]["token_file"]]
    secret += [Path(file).read_text() for file in bare]
    keys += map(Path, bare)
    for file in (*keys, *(Path(places[name]) for name in ("truth", "wire", "links"))):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    url = places["kalshi"]["rest"].removeprefix("http://").partition("/")[0].partition(":")
    with socket.create_connection((url[0], int(url[2]))) as line:
        line.sendall(b"GET /trade-api/v2/exchange/status HTTP/1.1\r\nHost: x\r\n\r\n")
        assert line.recv(4096).startswith(b"HTTP/1.1 200")
    process.send_signal(signal.SIGTERM)
    code, out, err = finish(process)
    assert code == 0 and not any(part in out + err + json.dumps(places) for part in secret)
    (rest,) = [json.loads(line) for line in Path(places["wire"]).read_text().splitlines()]
    assert (rest["rest"], rest["status"]) == ("GET /trade-api/v2/exchange/status", 200)
    truth = [json.loads(line) for line in Path(places["truth"]).read_text().splitlines()]
    assert truth[0]["what"] == "header"


def test_a_child_ends_with_its_standard_input(tmp_path):
    process = child(tmp_path, "--child")
    process.stdout.readline()
    process.stdin.close()
    assert process.wait(timeout=20) == 0


def test_a_child_ends_with_its_parent(tmp_path):
    """The parent is killed with no chance to say anything; no orphan remains."""
    code = (
        "import subprocess, sys\n"
        f"p = subprocess.Popen({[*COMMAND, 'kalshi', '--data-dir', str(tmp_path)]!r},"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline()\nprint(p.pid, flush=True)\nsys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=ENV,
    )
    grandchild = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(200):
        if not _lives(grandchild):
            break
        time.sleep(0.05)
    assert not _lives(grandchild)


def _lives(pid):
    """A zombie that nobody has waited for yet does not live."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_port_in_use_is_named_with_what_to_do(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, err = finish(child(tmp_path, "--port", str(port)))
        assert (code, out) == (1, "")
        assert f"port {port} (kalshi_rest) is in use" in err and "--port" in err
        with pytest.raises(PortInUse) as refused:
            take_ports("both", port - 2)
        assert refused.value.port == port


def test_wrong_words_are_usage_errors(tmp_path):
    for wrong in (["--faults", "wild"], ["--tier", "gold"], ["--tape", str(tmp_path / "absent")]):
        code, out, err = finish(child(tmp_path, *wrong))
        assert code != 0 and out == "" and "Traceback" not in err
    with pytest.raises(UsageError):
        take_ports("kraken", 0)
    with pytest.raises(UsageError):
        take_ports("both", 65_535)


async def test_a_directory_holds_one_exchange_and_keeps_its_logs(tmp_path):
    """The second one is refused before it touches a file; afterwards the place is free again."""
    async with running(tmp_path, "kalshi") as rig:
        rig.exchange.log.note("kalshi.ws#0", note="kept")
        rig.exchange.log.flush()
        with pytest.raises(DutchbookError, match="another exchange"):
            async with running(tmp_path, "kalshi"):
                pass
        assert [line["note"] for line in rig.wire()] == ["kept"]
    async with running(tmp_path, "kalshi") as rig:
        assert rig.wire() == []


def test_the_same_seed_makes_the_same_ed25519_key_and_catalogue(tmp_path):
    from dutchbook.emulators import source
    from dutchbook.emulators.wire.keys import make_keys

    one, two = make_keys(tmp_path, 3), make_keys(tmp_path, 3)
    assert one.ed25519_file.read_bytes() == two.ed25519_file.read_bytes()
    assert (one.rsa_id, one.ed25519_id) == (two.rsa_id, two.ed25519_id)
    assert make_keys(tmp_path, 4).ed25519_id != one.ed25519_id
    assert list(source.generated(3).markets) == list(source.generated(3).markets)
    assert list(source.generated(3).markets) != list(source.generated(4).markets)
