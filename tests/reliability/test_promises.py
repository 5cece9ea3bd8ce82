"""Promises of reliability.md by name: a short form here, the whole one with DUTCHBOOK_TEST_ALL."""

import os
import re
import shutil

import pytest
from bench.reliability import attempts, deaths, fills, lives, ordering, restart, trips
from bench.reliability.promises import ended
from bench.reliability.served import DATA, served

ALL = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))
COUNT = 1_000_000 if ALL else 20_000
needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is not installed: nothing was proved"
)


@pytest.mark.timeout(1_800)
def test_p1_simulated_order_lives(record_property):
    tally = lives.simulate(COUNT, 11)
    record_property("order lives", tally.lives)
    print(f"{tally.lives:,} lives, {tally.events:,} events, {tally.restarts} restarts")
    assert tally.broken == [] and tally.lives == COUNT
    assert min(tally.unknown, tally.voided, tally.never_arrived, tally.restarts) > 0


def test_p1_the_simulation_sees_a_fill_that_counts_twice(monkeypatch):
    """It must see what it is for."""
    from dutchbook.state.account import Account

    monkeypatch.setattr(Account, "_again", lambda self, life, known, fill: life.fills.append(fill))
    assert lives.simulate(200, 11).broken


@pytest.mark.timeout(900)
def test_p4_every_fill_is_counted_once(record_property):
    record_property("fills", COUNT)
    assert fills.count_once(COUNT, 7) == []


@pytest.mark.timeout(1_800)
def test_p6_limits_are_never_exceeded_by_one_unit(record_property):
    """64 proposers at once; what they may is worked out again from the orders alone."""
    tally = attempts.attempt(COUNT, 11)
    record_property("limit attempts", tally.attempts)
    print(f"{tally.attempts:,} attempts, {tally.passed:,} passed, {tally.restarts} restarts")
    assert tally.broken == [] and tally.restarts > 0
    assert attempts.PER_VENUE - tally.venue_most < 1_000_000 * 30, "the limit was never near"


def test_p7_nothing_leaves_after_the_kill_file_stands(tmp_path):
    spans = trips.race(tmp_path, 1_000 if ALL else 60)
    assert len(spans) == (1_000 if ALL else 60)
    assert sorted(spans)[int(len(spans) * 0.99)] <= 100


@pytest.mark.timeout(300)
def test_p8_a_killed_process_is_reconciled_before_it_orders(tmp_path):
    opened, filled = (1_000, 100_000) if ALL else (100, 5_000)
    _, told = restart.measure(tmp_path, opened, filled)
    assert told == {"reconciled": True, "early": 0, "open": opened, "fills": filled}


LOG = """\
7 write(5</d/journal/a.seg>, "..ab12cd34-10-1..", 90) = 90
7 {sync}
7 sendto(9<socket:[1]>, "{{\\"client_order_id\\":\\"ab12cd34-10-1\\"}}", 40) = 40
7 fdatasync(5</d/journal/a.seg>) = 0
"""


@pytest.mark.parametrize(
    ("sync", "late"),
    [
        ("fdatasync(5</d/journal/a.seg>) = 0", []),
        ("fdatasync(5</d/journal/a.seg>) = -1 EIO (Input/output error)", ["ab12cd34-10-1"]),
        ("fdatasync(6</d/tape/a.seg>) = 0", ["ab12cd34-10-1"]),
        ("fdatasync(5</d/journal/a.seg> <unfinished ...>", ["ab12cd34-10-1"]),
        ("fdatasync(5</d/journal/a.seg> <unfinished ...>\n7 <... fdatasync resumed>) = 0", []),
    ],
)
def test_p13_the_proof_sees_an_order_that_left_too_early(tmp_path, sync, late):
    """What it reads: an id counts as kept only once the sync of its own file came back."""
    log = tmp_path / "log"
    log.write_text(LOG.format(sync=sync).replace("\n7 ", "\n7     "))  # pids are padded to five
    found = ordering.proof(log)
    assert (found.sends, found.late) == (1, late)


KILLS = [
    *((call, when) for call in ("sendto", "write") for when in range(10, 250, 24)),
    *(("fdatasync", when) for when in range(6, 126, 12)),
]


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory):
    with served(tmp_path_factory.mktemp("exchanges")) as one:
        yield one


@pytest.mark.timeout(900)
@pytest.mark.xdist_group("deaths")
@needs_strace
class TestProcesses:
    """Real processes against exchanges that outlive them."""

    def test_p3_p13_every_order_is_on_disk_before_its_bytes_leave(self, exchanges):
        found = ordering.watched(exchanges, 100 if ALL else 12)
        print(f"{found.sends} orders sent, {found.syncs} syncs")
        assert found.sends > 0 and found.syncs > 0
        assert found.late == []

    @pytest.mark.parametrize(
        ("call", "when"),
        KILLS if ALL else [("sendto", 58), ("write", 160)],
    )
    def test_p1_p2_p5_killed_at_a_system_call(self, exchanges, call, when, record_property):
        death = deaths.killed(exchanges, call, when)
        record_property("kills at a system call", int(death.died))
        assert death.died, "the call was never reached: nothing was tried"
        assert death.broken == []

    def test_p14_no_order_leaves_after_the_disk_failed(self, exchanges):
        death = deaths.disk_error(exchanges, 30)
        assert death.died and death.broken == []


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("deaths")
def test_p14_a_full_disk_ends_the_run_and_more_room_brings_it_back(tmp_path):
    with served(tmp_path) as alone:
        death = deaths.disk_full(alone, 3)
    if death is None:
        pytest.skip("no small file system can be mounted here: nothing was tried")
    assert death.died and death.broken == []


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("deaths")
def test_p7_p20_kill_from_another_terminal(tmp_path):
    with served(tmp_path) as alone:
        worst, before, told = trips.tripped(alone, tmp_path / DATA, 1.0)
    assert worst <= 100 and before > 0
    assert told["ledger_equals_venue"] and told["throttled"] == 0


@pytest.mark.timeout(300)
@pytest.mark.xdist_group("storm")
def test_p2_p10_p11_through_a_storm(tmp_path):
    """Every order in view, none priced off a stale book, no basket left silently open."""
    with served(tmp_path, seed=5, faults="storm") as stormy:
        told = ended(stormy, "60" if ALL else "14")
    assert told["ledger_differences"] == [] and told["stale_orders"] == []
    assert told["unknown_seen"] == told["unknown_resolved"]
    assert max(told["unknown_ms"], default=0) <= 90_000
    assert told["baskets_open"] == 0 and len(told["residuals"]) == told["stuck"]


def test_every_promise_has_a_row():
    """`bench reliability` speaks of P1 to P14 and P20."""
    import inspect

    from bench.reliability import promises

    named = {int(n) for n in re.findall(r'"p(\d+)_', inspect.getsource(promises))}
    assert named == {*range(1, 15), 20}
