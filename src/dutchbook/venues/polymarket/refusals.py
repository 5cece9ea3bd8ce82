"""Why the venue refused something: its texts as our reasons."""

from typing import Final

from dutchbook.domain.orders import Reason

_TEXTS: Final[tuple[tuple[str, Reason], ...]] = (
    ("duplicated", "duplicate"),
    ("not enough balance", "funds"),
    ("allowance is not enough", "funds"),
    ("post-only mode", "post_only_mode"),
    ("post_only_mode", "post_only_mode"),
    ("order crosses book", "post_only_cross"),
    ("cancel-only", "cancel_only"),
    ("trading is currently disabled", "disabled"),
    ("not yet ready to process", "disabled"),
    ("fok orders are fully filled or killed", "killed"),
    ("no orders found to match", "no_match"),
    ("invalid expiration", "expired"),
    ("no orderbook exists", "closed"),
    ("orderbook does not exist", "closed"),
    ("closed_only", "blocked"),
    ("closed only", "blocked"),
    ("restricted", "blocked"),
    ("geoblock", "blocked"),
    ("tick size", "price"),
    ("invalid price", "price"),
    ("invalid amount", "size"),
    ("lower than the minimum", "size"),
    ("min size", "size"),
    ("invalid api key", "unauthorized"),
    ("unauthorized", "unauthorized"),
)
"""Parts of texts in lower case, the first that fits counts."""


def reason(text: str) -> Reason:
    """Our word for what the venue says; "other" for what it never said before."""
    low = text.casefold()
    return next((word for part, word in _TEXTS if part in low), "other")


def gone(text: str) -> bool:
    """Whether a cancel failed because there is no such order any more, or there never was."""
    low = text.casefold()
    return any(
        part in low
        for part in (
            "already canceled",
            "already matched",
            "can't be found",
            "not found",
            "matched or",
        )
    )
