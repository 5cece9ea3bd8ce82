"""A plants file of the test's own: every kind, near misses, legs chosen here and left open."""

import json
import time

from dutchbook.emulators.market import World, read_plants
from dutchbook.emulators.market.plantfile import KINDS, PlantError


def wishes(seed: int) -> str:
    """The JSON text. Legs are taken from a claim of this seed's links that the books can bear."""
    plants = [plant(f"w{n}", kind, 1.0 + n, edge="0.045") for n, kind in enumerate(sorted(KINDS))]
    plants += [
        plant("eaten", "cross_venue", 1.5, edge="0.001", near_miss="fees"),
        plant("open", "bundle_yes", 2.5, edge="0.05", near_miss="other"),
        plant("wrong", "cross_venue", 3.5, edge="0.05", near_miss="unapproved"),
        plant("thin", "complement", 4.5, edge="0.04", size="2", near_miss="thin"),
        plant("paused", "cross_venue", 5.5, edge="0.05", near_miss="stale"),
    ]
    plants.append(chosen(seed))
    return json.dumps({"plants": plants})


def plant(name, kind, start, *, edge, size="60", near_miss=None, legs=None):
    line = {"id": name, "kind": kind, "start_s": start, "duration_s": 4.0, "edge": edge}
    return line | {"size": size, "near_miss": near_miss} | ({"legs": legs} if legs else {})


def chosen(seed):
    """A cross-venue plant on the first approved pair whose books can be made to give it."""
    start = time.time_ns()  # the names of markets hold dates
    links = World(seed, start).links()
    pairs = [link["members"] for link in links if link["kind"] == "same" and link["approved"]]
    for a, b in pairs:
        legs = [{"market": a, "outcome": "yes"}, {"market": b, "outcome": "no"}]
        line = plant("chosen", "cross_venue", 3.0, edge="0.06", legs=legs)
        try:
            World(seed, start, read_plants(json.dumps({"plants": [line]}).encode()))
        except PlantError:
            continue
        return line
    raise AssertionError("no pair of this seed can carry a plant")
