"""What the whole suite shares: at its end it says how much was tried, in numbers."""

import os
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

# How long one example takes is the machine's affair.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")
# The launcher's folder and a person's own switch must not reach the commands under test.
for _name in ("DUTCHBOOK_HOME", "DUTCHBOOK_CONFIRM_LIVE"):
    os.environ.pop(_name, None)
# Processes that a test starts find the package even where pytest was called by hand.
os.environ.setdefault("PYTHONPATH", str(Path(__file__).resolve().parents[1] / "src"))
# A gateway beside every run of a test would cost a second and a port; its own tests ask for one.
os.environ.setdefault("DUTCHBOOK__API__ENABLED", "false")
_TRIED = Counter()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """xdist names a test's group in its id; where it can't, it would part the groups in silence."""
    if getattr(config.option, "loadgroup", False):
        for item in items:
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
                raise pytest.UsageError(f"xdist does not see the group of {item.nodeid}")


def pytest_runtest_logreport(report):
    """Tests note how much they tried with `record_property("crash points", 38)`."""
    if report.when == "call":
        for name, value in report.user_properties:
            if isinstance(value, int):
                _TRIED[name] += value


def pytest_terminal_summary(terminalreporter):
    if _TRIED:
        told = ", ".join(f"{count:,} {name}" for name, count in sorted(_TRIED.items()))
        terminalreporter.write_line(f"tried: {told}")
