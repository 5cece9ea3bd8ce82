"""How well the verdicts do on labelled pairs: precision, recall, intervals, every error."""

from collections.abc import Iterable
from hashlib import sha256
from math import sqrt
from typing import Any, Literal

import msgspec

from dutchbook.match.claim import claim
from dutchbook.match.settlement import settlement
from dutchbook.match.terms import Stated

Part = Literal["all", "seen", "held out"]


class Labelled(msgspec.Struct, frozen=True):
    """Two markets, and whether a person called their claims the same (or what they are)."""

    a: Stated
    b: Stated
    label: str
    source: str = ""
    settles: str = ""

    @property
    def part(self) -> Part:
        """`seen` while the rules were written, or `held out`; by a digest of both names."""
        digest = sha256((self.a.symbol + self.b.symbol).encode()).digest()
        return "held out" if digest[0] & 1 else "seen"


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share; (0, 1) where nothing was tried."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    low = 0.0 if not hits else max(0.0, middle - half)
    return low, (1.0 if hits == of else min(1.0, middle + half))


def measure(pairs: Iterable[Labelled]) -> dict[str, Any]:
    """Precision and recall of `same`, the confusion, and every error with its reason."""
    confusion: dict[str, dict[str, int]] = {}
    errors: list[dict[str, str]] = []
    true_same = said_same = both = 0
    for pair in pairs:
        verdict = claim(pair.a, pair.b)
        row = confusion.setdefault(pair.label, {})
        row[verdict.claim] = row.get(verdict.claim, 0) + 1
        is_same, is_said = pair.label == "same", verdict.claim == "same"
        true_same += is_same
        said_same += is_said
        both += is_same and is_said
        expected = verdict.claim == pair.label or (pair.label == "not same" and not is_said)
        if not expected:
            errors.append(
                {
                    "label": pair.label,
                    "verdict": verdict.claim,
                    "a": pair.a.title,
                    "b": pair.b.title,
                    "symbol": pair.a.symbol,
                    "why": verdict.why,
                }
            )
    return {
        "pairs": sum(sum(row.values()) for row in confusion.values()),
        "precision": _share(both, said_same),
        "recall": _share(both, true_same),
        "false_same": said_same - both,
        "confusion": confusion,
        "errors": errors,
    }


def measure_settlement(pairs: Iterable[Labelled]) -> dict[str, Any]:
    """The same of `same_settlement`: where it is said wrongly, money is at stake."""
    confusion: dict[str, dict[str, int]] = {}
    errors: list[dict[str, str]] = []
    for pair in pairs:
        verdict = settlement(pair.a.rules, pair.b.rules)
        row = confusion.setdefault(pair.settles, {})
        row[verdict.settles] = row.get(verdict.settles, 0) + 1
        if verdict.settles != pair.settles:
            said = {"label": pair.settles, "verdict": verdict.settles, "why": verdict.why}
            errors.append({"a": pair.a.rules, "b": pair.b.rules, **said})
    said_same = sum(row.get("same_settlement", 0) for row in confusion.values())
    true = confusion.get("same_settlement", {})
    both = true.get("same_settlement", 0)
    return {
        "pairs": sum(sum(row.values()) for row in confusion.values()),
        "precision": _share(both, said_same),
        "recall": _share(both, sum(true.values())),
        "false_same": said_same - both,
        "confusion": confusion,
        "errors": errors,
    }


def _share(hits: int, of: int) -> dict[str, Any]:
    low, high = wilson(hits, of)
    value = round(hits / of, 4) if of else None
    return {"value": value, "hits": hits, "of": of, "interval_95": [round(low, 4), round(high, 4)]}
