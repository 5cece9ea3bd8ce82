"""Breaks one rule of the product at a time and asks the suite to notice: python tests/mutants.py

A mutant is a textual patch in a copy of the checkout, with the tests that should fail there. It is
not part of the suite, since it runs much of it many times over. `--only WORD` picks mutants by
name; the exit code is 1 if one survives, 2 if a patch no longer fits its file.
"""

# ruff: noqa: E501
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SRC = "src/dutchbook"
PATIENCE = 400


class Mutant(NamedTuple):
    """`old` occurs once in `file` and becomes `new`; one of `tests` must fail then."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


ENGINE = ("tests/unit/engine",)
PROOF = ("tests/unit/proof",)
FEES = ("tests/unit/domain", "tests/unit/proof")
STORAGE = ("tests/unit/storage",)
INBOX = ("tests/unit/runtime/test_runtime_inbox.py",)
KALSHI = ("tests/unit/kalshi/test_kalshi_feed.py",)
POLY = ("tests/unit/polymarket/test_polymarket_frames.py",)
ACCOUNT = ("tests/unit/account",)
TAPE_FIRST = """\
        if self._tape_buffer:
            self._tape.write(self._tape_buffer)
            self._tape_buffer.clear()
        if self._fsync == "always":
            self._tape.sync()
        self._base = self.seq
        wait = self._fsync == "always" or (durable and self._fsync == "promises")
        mark = self._mark(self.seq, self._journal.synced, wait)
        self._journal.write(self._journal_buffer + mark)
"""
TAPE_LAST = """\
        self._base = self.seq
        wait = self._fsync == "always" or (durable and self._fsync == "promises")
        self._tape.size += len(self._tape_buffer)
        mark = self._mark(self.seq, self._journal.synced, wait)
        self._tape.size -= len(self._tape_buffer)
        self._journal.write(self._journal_buffer + mark)
        self._tape.write(self._tape_buffer)
        self._tape_buffer.clear()
"""
MUTANTS = (
    # when a book may be read
    Mutant("a gap is no reason", "state/world.py",
           "if key not in feed.fit[token]:\n            return", "if False:\n            return", ENGINE),
    Mutant("a broken book takes changes", "state/feeds.py",
           "        self.fit[token].pop(key, None)\n", "", ENGINE),
    Mutant("a feed that is down is no reason", "state/world.py", "if not feed.up:", "if False:", ENGINE),
    Mutant("silence is no reason", "state/world.py",
           "silent = now - feed.last_data > self.limits.silent", "silent = False", ENGINE),
    Mutant("a sample that disagreed is no reason", "state/world.py",
           "if not feed.sample_ok:", "if False:", ENGINE),
    Mutant("a crossed book is no reason", "state/world.py",
           "if since is not None and now - since > self.limits.crossed:", "if False:", ENGINE),
    Mutant("a pause is no reason", "state/world.py", 'if instrument.status != "open":', "if False:", ENGINE),
    Mutant("claimed best prices are ignored", "state/world.py",
           "if event.bid != book.bid or event.ask != book.ask:", "if False:", ENGINE),
    Mutant("a complement needs no confirmation", "engine/view.py",
           'if candidate.kind == "complement" and not', "if False and not", ENGINE),
    Mutant("the first snapshot heals a gap", "state/feeds.py",
           "            if not gap.waiting:\n", "            if True:\n", ENGINE),
    # what may be believed
    Mutant("every link is approved", "state/graph.py",
           "for name in sorted(self.approvals)\n            if self.links[name].version == self.approvals[name]",
           "for name in sorted(self.links)", ENGINE),
    Mutant("an approval holds for later versions", "state/graph.py",
           "if self.links[name].version == self.approvals[name]", "if name", ENGINE),
    Mutant("a bundle needs no last outcome", "strategies/bundle.py",
           "if link is None:\n            return None", "if link is None:\n            continue", PROOF),
    # what it costs
    Mutant("Kalshi's fee is rounded down", "domain/fees.py",
           "ceil_div(rate * qty * px * (ONE - px), ONE**3)", "rate * qty * px * (ONE - px) // ONE**3", FEES),
    Mutant("an order is not rounded", "domain/fees.py",
           "if fees.precision else exact", "if False else exact", FEES),
    Mutant("Polymarket's least fee is nothing", "domain/fees.py", "max(10, tens * 10)", "tens * 10", FEES),
    Mutant("fees are forgotten in the walk", "optimize/walk.py",
           "net -= (px + unit_fee(schedule, px)) * w", "net -= px * w", PROOF),
    Mutant("the deepest leg decides the size", "optimize/walk.py", "step = min(rest)", "step = max(rest)", PROOF),
    Mutant("an order may be as small as it likes", "optimize/walk.py",
           "if spent < market.cost_min:", "if False:", PROOF),
    # what is proved
    Mutant("the checksum is not compared", "verifier.py", "if d != digest(data)", "if False", PROOF),
    Mutant("fees are not reckoned again", "verifier.py",
           '"fee": [f["fee"] for f in fills] == charged', '"fee": True', PROOF),
    Mutant("end states are not compared", "verifier.py",
           "if digest(c[what]) != digest(full):", "if False:", PROOF),
    Mutant("members of a bundle are not compared", "verifier.py",
           'ok = group["members"] == keys and', "ok = True and", PROOF),
    # what is recorded
    Mutant("the journal is written before the tape", "storage/store.py", TAPE_FIRST, TAPE_LAST, STORAGE),
    Mutant("a torn frame is believed", "storage/frames.py",
           "if not length or start > end or crc32(data[first:start], kind) != crc:",
           "if not length or start > end:", STORAGE),
    Mutant("effects leave before their commit", "runtime/loop.py",
           "self._asked.append(effect)", "self.carry(effect)", ("tests/unit/runtime",)),
    Mutant("anybody may write to a directory", "storage/lock.py",
           "fcntl.LOCK_EX | fcntl.LOCK_NB", "fcntl.LOCK_SH | fcntl.LOCK_NB", STORAGE),
    # what is taken in
    Mutant("changes are merged across a gap", "runtime/inbox.py",
           "self._open.pop(event.stream, None)", "pass", INBOX),
    Mutant("changes are merged across a new grid", "runtime/inbox.py",
           "elif isinstance(event, _KEY_BARRIERS):\n            self._close(event.key)",
           "elif isinstance(event, _KEY_BARRIERS):\n            pass", INBOX),
    Mutant("time may go back", "runtime/inbox.py",
           "self._at = max(self._at, self._clock.now())", "self._at = self._clock.now()", INBOX),
    Mutant("Kalshi's holes are not seen", "venues/kalshi/feed.py",
           "gap = seq != sid.last + 1", "gap = False", KALSHI),
    Mutant("Kalshi's duplicates are applied", "venues/kalshi/feed.py", "if seq <= sid.last:", "if False:", KALSHI),
    Mutant("Polymarket's late messages are applied", "venues/polymarket/frames.py",
           "if at < asset.last:\n            self.gap", "if False:\n            self.gap", POLY),
    Mutant("Polymarket's hash is not compared", "venues/polymarket/frames.py",
           "if digest and digest != message.hash:", "if False:", POLY),
    # what is ordered
    Mutant("MUT1 record after send", "runtime/loop.py",
           "self._asked.append(effect)", "self.carry(effect)", ("tests/crash",)),
    Mutant("MUT2 new id on retry", "venues/kalshi/trading.py", "one = (effect.order,)",
           'one = (__import__("msgspec").structs.replace(effect.order, id=effect.order.id + "r" * effect.again),)',
           ("tests/regress/test_r1_r2.py", "tests/regress/test_r7_r8.py")),
    Mutant("MUT3 count DNS error as not found", "venues/kalshi/inquiries.py",
           "            if listing.why:\n                return _failed(look, listing.why)\n            for body",
           "            if listing.why:\n                return [OrderMissing(look.order.id)]\n            for body",
           ("tests/regress/test_r9_r10.py",)),
    Mutant("MUT4 fill without dedup", "state/account.py",
           "if (known.trade, known.leg) == (fill.trade, fill.leg):", "if False:", ACCOUNT),
    Mutant("MUT5 release reservation on timeout", "state/lives.py",
           'if order.action == "sell" or not left:',
           'if order.action == "sell" or not left or self.state == "unknown":', ACCOUNT),
    Mutant("MUT6 read limits from cache", "risk/gate.py", "now, self.limits, certificate", 'now, vars(self).setdefault("_read", self.limits), certificate',
           ("tests/unit/risk",)),
    Mutant("a late fill leaves its basket over", "execution/trader.py",
           "if name and name not in self.baskets.working:", "if False:", ("tests/unit/execution",)),
    Mutant("a refused repair is tried for ever", "execution/basket.py",
           "key=lambda p: (_refused(lives, p.stage), -p.worth)", "key=lambda p: -p.worth", ("tests/regress/test_r3_r4.py",)),
    # what is shown
    Mutant("a terminal obeys venue text", "cli/out.py",
           'return "".join(c if c.isprintable() else f"\\\\x{ord(c):02x}" for c in text)', "return text",
           ("tests/unit/proof/test_proof_cli.py", "tests/unit/runtime")),
)  # fmt: skip


def broken(mutant: Mutant, folder: Path) -> str:
    """Run the mutant's tests in a patched copy: "killed", "SURVIVED", or why that can't be said."""
    copy = folder / "copy"
    ignored = shutil.ignore_patterns("__pycache__", ".git", ".venv", "data", "build")
    shutil.copytree(ROOT, copy, ignore=ignored, symlinks=True)
    file = copy / SRC / mutant.file
    text = file.read_text(encoding="utf-8")
    if text.count(mutant.old) != 1:
        return f"PATCH DOES NOT FIT ({text.count(mutant.old)} places)"
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    data = os.environ.get("DUTCHBOOK_DATA") or str(ROOT.parent / "shared" / "data")
    env = os.environ | {"PYTHONPATH": str(copy / "src"), "DUTCHBOOK_DATA": data}
    command = [sys.executable, "-m", "pytest", "-x", "-q", *mutant.tests]
    try:
        done = subprocess.run(command, cwd=copy, env=env, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return "killed (by time)"
    if done.returncode == 1:
        return "killed"
    return "SURVIVED" if done.returncode == 0 else f"NOT RUN ({done.stdout.decode()[-300:]})"


def main() -> int:
    """Print one line a mutant; 0 if all were killed, 1 if one survived, 2 if one was not run."""
    parser = argparse.ArgumentParser(description="Break one rule at a time; the tests must notice.")
    parser.add_argument("--only", default="", help="part of a name")
    wanted = parser.parse_args().only
    worst = 0
    for mutant in MUTANTS:
        if wanted not in mutant.name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            said = broken(mutant, Path(folder))
        print(f"{said:10} {mutant.name}", flush=True)
        worst = max(worst, 0 if said.startswith("killed") else 1 if said == "SURVIVED" else 2)
    return worst


if __name__ == "__main__":
    sys.exit(main())
