"""What a setting is: money written as people write it, spans, shares."""

from typing import Annotated, Final

from msgspec import Meta

MONEY: Final = {"money": True}
MONEY_TEXT: Final = {
    "type": ["string", "number"],
    "pattern": r"^[0-9]{1,15}(\.[0-9]{1,6})?$",
}


def money(description: str, least: int = 0, most: int = 10**15) -> Meta:
    """Millionths in the program, "12.50" in a file."""
    return Meta(
        ge=least, le=most, description=description, extra=MONEY, extra_json_schema=MONEY_TEXT
    )


Millis = Annotated[int, Meta(ge=1, le=86_400_000)]
