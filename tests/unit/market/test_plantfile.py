"""A plants file gives exactly the plants that it asks for, or an error that names the place."""

import json

import pytest

from dutchbook.emulators.market import PlantError, World, read_plants
from dutchbook.emulators.market.plantfile import KINDS

SECOND = 1_000_000_000
START = 1_795_000_000 * SECOND
GOOD = {
    "id": "p1",
    "kind": "cross_venue",
    "start_s": 1.0,
    "duration_s": 2.5,
    "edge": "0.035",
    "size": "40",
}


def file(*plants):
    return json.dumps({"plants": list(plants)}).encode()


def world(*plants, seed=7):
    return World(seed, START, read_plants(file(*plants)))


def played(made, seconds):
    """The plant and end lines of a world up to so many seconds after its start."""
    made.advance(START + seconds * SECOND)
    return [row for row in made.drain_truth() if row["what"] in ("plant", "end")]


def legs_of(made, kind, link_kind):
    link = next(x for x in made.links() if x["kind"] == link_kind and x["approved"])
    a, b = link["members"]
    sides = {"cross_venue": ("yes", "no"), "implication": ("no", "yes")}[kind]
    return [{"market": key, "outcome": side} for key, side in zip((a, b), sides, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_plant_without_legs_stands_when_it_should(kind):
    """Start counts from the first client; the edge and the size are at least those asked for."""
    made = world({**GOOD, "kind": kind})
    made.begin(START + SECOND)
    start, end = played(made, 6)
    assert (start["id"], start["kind"], start["near_miss"]) == ("p1", kind, None)
    assert start["start"] == START + 2 * SECOND
    assert end == {"what": "end", "id": "p1", "at": START + 4 * SECOND + SECOND // 2}
    assert start["edge"] >= 35_000 and start["size"] == 40_000_000


def test_without_a_client_plants_begin_three_seconds_after_the_start():
    assert played(world(GOOD), 10)[0]["start"] == START + 4 * SECOND


@pytest.mark.parametrize(("kind", "link"), [("cross_venue", "same"), ("implication", "implies")])
def test_the_legs_asked_for_are_the_legs_planted(kind, link):
    """Whatever else these prices bring about is told as collateral."""
    legs = legs_of(World(7, START), kind, link)
    start, _ = played(world({**GOOD, "kind": kind, "legs": legs}), 10)
    assert [{k: leg[k] for k in ("market", "outcome")} for leg in start["legs"]] in (
        legs,
        legs[::-1],
    )
    assert isinstance(start["collateral"], list)


@pytest.mark.parametrize(
    ("miss", "kind", "edge", "size"),
    [
        ("fees", "cross_venue", "0.001", "50"),
        ("thin", "implication", "0.04", "1.5"),
        ("other", "bundle_yes", "0.03", "50"),
        ("unapproved", "cross_venue", "0.04", "50"),
        ("stale", "bundle_yes", "0.04", "50"),
    ],
)
def test_near_misses_can_be_asked_for(miss, kind, edge, size):
    plant = {**GOOD, "near_miss": miss, "kind": kind, "edge": edge, "size": size}
    start, _ = played(world(plant), 10)
    assert start["near_miss"] == miss and start["kind"] == kind


def test_nothing_but_the_file_is_planted():
    assert len(played(world(GOOD, {**GOOD, "id": "p2", "start_s": 5}), 60)) == 4
    assert played(world(), 60) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "maker"}, "kind"),
        ({"kind": None}, "kind"),
        ({"colour": 1}, "colour"),
        ({"start_s": -1}, "start_s"),
        ({"start_s": True}, "start_s"),
        ({"start_s": "1"}, "start_s"),
        ({"duration_s": 0}, "duration_s"),
        ({"duration_s": 1e400}, "json"),
        ({"edge": 0.03}, "edge"),
        ({"edge": "NaN"}, "edge"),
        ({"edge": "0.9"}, "edge"),
        ({"edge": "0.02"}, "edge"),
        ({"size": "0"}, "size"),
        ({"size": "-5"}, "size"),
        ({"size": "10.001"}, "size"),
        ({"size": "4"}, "size"),
        ({"near_miss": "luck"}, "near_miss"),
        ({"near_miss": "other"}, "near_miss"),
        ({"near_miss": "thin"}, "size"),
        ({"near_miss": "fees"}, "edge"),
        ({"legs": {}}, "legs"),
        ({"legs": ["x"]}, "legs[0]"),
        ({"legs": [{"market": 1, "outcome": "yes"}]}, "legs[0].market"),
        ({"legs": [{"market": "kalshi:A", "outcome": "up"}]}, "legs[0].outcome"),
        ({"legs": [{"market": "kalshi:A", "outcome": "yes", "px": 1}]}, "legs[0]"),
        ({"legs": [{"market": "kalshi:A", "outcome": "yes"}]}, "legs[0].market"),
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
    ],
)
def test_what_can_not_be_is_refused_by_name(change, field):
    """A typed error that names the plant and the field; no world is made."""
    with pytest.raises(PlantError) as refused:
        text = json.dumps({"plants": [{**GOOD, **change}]}).replace("Infinity", "1e999")
        World(7, START, read_plants(text.encode()))
    assert refused.value.field == field
    assert refused.value.code == 2


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"{}", b'{"plants":{}}', b'{"plants":[],"x":1}', b"\xff", b"[1"]
)
def test_a_file_that_is_none_is_refused(data):
    with pytest.raises(PlantError) as refused:
        read_plants(data)
    assert refused.value.plant == "file"


def test_the_same_id_twice_is_refused():
    with pytest.raises(PlantError, match=r"plant p1, id: used twice"):
        read_plants(file(GOOD, GOOD))


def test_legs_that_no_relation_supports_are_refused():
    made = World(7, START)
    same = [x["members"] for x in made.links() if x["kind"] == "same" and x["approved"]]
    legs = [{"market": same[0][0], "outcome": "yes"}, {"market": same[1][1], "outcome": "no"}]
    with pytest.raises(PlantError) as refused:
        world({**GOOD, "legs": legs})
    assert (refused.value.plant, refused.value.field) == ("p1", "legs")


def test_two_plants_on_related_markets_at_once_are_refused():
    legs = legs_of(World(7, START), "cross_venue", "same")
    with pytest.raises(PlantError) as refused:
        world({**GOOD, "legs": legs}, {**GOOD, "id": "p2", "start_s": 2, "legs": legs})
    assert (refused.value.plant, refused.value.field) == ("p2", "start_s")
    rows = played(
        world({**GOOD, "legs": legs}, {**GOOD, "id": "p2", "start_s": 8, "legs": legs}), 20
    )
    assert [row["id"] for row in rows] == ["p1", "p1", "p2", "p2"]
