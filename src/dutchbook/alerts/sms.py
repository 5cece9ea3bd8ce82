"""A text message: at most 160 characters of the GSM alphabet."""

import unicodedata
from typing import Final

MOST: Final = 160
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""GSM 03.38, one septet each. Its extension table ({ } [ ] ~ | and more) costs two: not used."""
_LIKE: Final = {"−": "-", "–": "-", "—": "-", "…": "...", "¢": "c", "×": "x", "“": '"',
                "”": '"', "’": "'", "≥": ">=", "→": "->", "±": "+-", "·": ".", "[": "(",
                "]": ")"}  # fmt: skip


def gsm(text: str) -> str:
    """The nearest text that the basic alphabet has; what it can't show is left out."""
    out = []
    for c in "".join(_LIKE.get(c, c) for c in text):
        if c in _BASIC:
            out.append(c)
        else:
            out += [d for d in unicodedata.normalize("NFKD", c) if d in _BASIC]
    return " ".join("".join(out).split())


def sms(mode: str, text: str, tail: str = "") -> str:
    """`DUTCHBOOK LIVE HALT ...`, cut where it is too long; `tail` (a link, a code) stays whole."""
    head = gsm(f"DUTCHBOOK {mode.upper()} {text}")
    end = f" {last}" if (last := gsm(tail)) else ""
    if len(head) + len(end) > MOST:
        head = head[: MOST - len(end) - 3].rstrip() + "..."
    return head + end


def halt(mode: str, basis: str, loss: int, cancelled: int) -> str:
    """A stop on losses; `loss` in millionths, positive."""
    cents = (loss + 5_000) // 10_000
    what = f"HALT {basis} -{cents // 100}.{cents % 100:02d}. {cancelled} orders cancelled."
    return sms(mode, f"{what} Resume in app.")
