"""The plants file: mispricings asked for by a person, read strictly, refused with the field."""

from typing import Any, Literal, get_args

import msgspec

from dutchbook.domain.errors import UsageError
from dutchbook.domain.units import ONE, micros

KINDS = ("complement", "bundle_yes", "bundle_no", "cross_venue", "implication")
Miss = Literal["fees", "other", "unapproved", "thin", "stale"]
FIELDS = {"id", "kind", "start_s", "duration_s", "edge", "size", "legs", "near_miss"}


class PlantError(UsageError):
    """A plants file asks for something that can't be; `plant` and `field` name the place."""

    def __init__(self, plant: str, field: str, what: str) -> None:
        self.plant = plant
        self.field = field
        super().__init__(f"plant {plant}, {field}: {what}", todo="correct the plants file")


class PlantSpec(msgspec.Struct, frozen=True):
    """One plant asked for. Times in ns after the origin; `edge` millionths; `size` millionths.

    `legs` are (market key, 0 YES or 1 NO), empty to let the generator choose.
    """

    id: str
    kind: str
    start: int
    duration: int
    edge: int
    size: int
    legs: tuple[tuple[str, int], ...] = ()
    near_miss: Miss | None = None


def read_plants(data: bytes) -> list[PlantSpec]:
    """Read a plants file. Raises PlantError naming the plant and the field."""
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlantError("file", "json", str(error)) from None
    if (
        not isinstance(body, dict)
        or set(body) != {"plants"}
        or not isinstance(body["plants"], list)
    ):
        raise PlantError("file", "plants", 'expected {"plants": [...]} and nothing else')
    specs = [_plant(n, item) for n, item in enumerate(body["plants"])]
    seen: set[str] = set()
    for spec in specs:
        if spec.id in seen:
            raise PlantError(spec.id, "id", "used twice")
        seen.add(spec.id)
    return specs


def _plant(n: int, item: Any) -> PlantSpec:
    name = f"#{n + 1}"
    if not isinstance(item, dict):
        raise PlantError(name, "plant", "expected an object")
    if isinstance(item.get("id"), str) and item["id"]:
        name = item["id"]
    else:
        raise PlantError(name, "id", "expected a text that is not empty")
    for field in item:
        if field not in FIELDS:
            raise PlantError(name, field, "unknown field")
    if item.get("kind") not in KINDS:
        raise PlantError(name, "kind", f"expected one of {', '.join(KINDS)}")
    miss = item.get("near_miss")
    if miss is not None and miss not in get_args(Miss):
        raise PlantError(name, "near_miss", f"expected null or one of {', '.join(get_args(Miss))}")
    return PlantSpec(
        id=name,
        kind=item["kind"],
        start=_seconds(name, item, "start_s", 0.0),
        duration=_seconds(name, item, "duration_s", 0.1),
        edge=_amount(name, item, "edge", -ONE, ONE // 2),
        size=_amount(name, item, "size", 10_000, 1_000_000 * ONE),
        legs=_legs(name, item.get("legs", [])),
        near_miss=miss,
    )


def _seconds(name: str, item: dict[str, Any], field: str, low: float) -> int:
    value = item.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= 86_400:
        raise PlantError(name, field, f"expected a number of seconds from {low:g} to 86400")
    return round(value * 1_000) * 1_000_000


def _amount(name: str, item: dict[str, Any], field: str, low: int, high: int) -> int:
    value = item.get(field)
    if not isinstance(value, str):
        raise PlantError(name, field, 'expected a decimal as text, such as "0.035"')
    try:
        amount = micros(value)
    except ValueError as error:
        raise PlantError(name, field, str(error)) from None
    if not low <= amount <= high:
        raise PlantError(name, field, f"{value} is out of range")
    if field == "size" and amount % 10_000:
        raise PlantError(name, field, "expected hundredths of a contract at the finest")
    return amount


def _legs(name: str, items: Any) -> tuple[tuple[str, int], ...]:
    if not isinstance(items, list):
        raise PlantError(name, "legs", "expected a list")
    legs: list[tuple[str, int]] = []
    for n, leg in enumerate(items):
        place = f"legs[{n}]"
        if not isinstance(leg, dict) or set(leg) != {"market", "outcome"}:
            raise PlantError(name, place, "expected market and outcome, and nothing else")
        if not isinstance(leg["market"], str):
            raise PlantError(name, f"{place}.market", "expected a text")
        if leg["outcome"] not in ("yes", "no"):
            raise PlantError(name, f"{place}.outcome", 'expected "yes" or "no"')
        made = (leg["market"], 0 if leg["outcome"] == "yes" else 1)
        if made in legs:
            raise PlantError(name, place, "named twice")
        legs.append(made)
    return tuple(legs)
