"""Runs that several stories look at; two go on at the same time, most of a run is waiting."""

import pytest
from processes import Command
from wishes import wishes

WAVES = (("none", "wishes"), ("rough", "storm"))


class Runs:
    """Name -> (command, data directory): started in waves, since more at once are too slow."""

    def __init__(self, folder):
        self.folder = folder
        self.found = {}
        self.plants = folder / "plants.json"
        self.plants.write_text(wishes(seed=5))

    def __getitem__(self, name):
        for wave in WAVES:
            if wave[0] not in self.found:
                self._start(wave)
            if name in wave:
                return self.found[name]
            for one in wave:
                self.found[one][0].end()
        raise KeyError(name)

    def _start(self, wave):
        asked = {
            "rough": ("--for", "12s", "--seed", 7, "--faults", "rough"),
            "none": ("--for", "12s", "--seed", 7),
            "storm": ("--for", "16s", "--seed", 11, "--faults", "storm"),
            "wishes": ("--for", "16s", "--seed", 5, "--plants", self.plants),
        }
        for name in wave:
            data, args = self.folder / name / "data", asked[name]
            command = Command(self.folder / name, "run", *args, "--data-dir", data, "--json")
            self.found[name] = command, data


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Quiet exchanges, plants of our own, rough ones, and a storm."""
    started = Runs(tmp_path_factory.mktemp("runs"))
    started["none"]
    yield started
    for command, _ in started.found.values():
        if command.process.poll() is None:
            command.kill()
