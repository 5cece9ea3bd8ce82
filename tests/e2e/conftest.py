"""Runs that several stories look at; they go on at the same time, most of a run is waiting."""

import pytest
from processes import Command
from wishes import wishes


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Name -> (command, data directory): quiet exchanges, rough ones, and plants of our own."""
    folder = tmp_path_factory.mktemp("runs")
    file = folder / "plants.json"
    file.write_text(wishes(seed=5))
    asked = {
        "rough": ("--for", "20s", "--seed", 7, "--faults", "rough"),
        "none": ("--for", "12s", "--seed", 7),
        "storm": ("--for", "20s", "--seed", 11, "--faults", "storm"),
        "wishes": ("--for", "16s", "--seed", 5, "--plants", file),
    }
    found = {}
    for name, args in asked.items():
        data = folder / name / "data"
        found[name] = Command(folder / name, "run", *args, "--data-dir", data, "--json"), data
    yield found
    for command, _ in found.values():
        if command.process.poll() is None:
            command.kill()
