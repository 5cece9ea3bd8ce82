"""Receipts: signals and their outcomes, chained and signed, so that a record can be checked.

`hash` = SHA-256 of the hash before it (32 bytes; zeros at first) and the message's JSON without
`receipt`, `subscription` and `prev`, keys sorted, no blanks. `signature` = Ed25519 over `hash`.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dutchbook.domain.units import ONE, micros
from dutchbook.hub.wire import Outcome, Receipt, Signal

FIRST: Final = "0" * 64
T = TypeVar("T", Signal, Outcome)
_APART: Final = ("receipt", "subscription", "prev")
_encode = msgspec.json.Encoder(order="deterministic").encode


class Signer:
    """Signs in order; `head` is the hash of the last one. `seed`: 32 secret bytes."""

    def __init__(self, seed: bytes, head: str = FIRST) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.head = head or FIRST
        self.public = self._key.public_key().public_bytes_raw().hex()

    def sign(self, body: T) -> T:
        """The same message with its receipt."""
        made = digest(self.head, msgspec.to_builtins(body))
        receipt = Receipt(self.head, made, self._key.sign(bytes.fromhex(made)).hex())
        self.head = made
        return msgspec.structs.replace(body, receipt=receipt)


def digest(before: str, plain: dict[str, Any]) -> str:
    """The hash of one message as plain data, behind the hash before it."""
    bare = {name: value for name, value in plain.items() if name not in _APART}
    return sha256(bytes.fromhex(before) + _encode(bare)).hexdigest()


def verify(messages: Iterable[dict[str, Any]], key: str, before: str = "") -> tuple[list[str], str]:
    """What is wrong with a run of signals and outcomes, [] if nothing; and the last hash.

    `key` is the publisher's public key (hex); `before` the hash that the first one must follow,
    "" where that is not known. Gaps, changed words and other people's signatures all show.
    """
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    wrong: list[str] = []
    for plain in messages:
        name = f"{plain.get('type')} {plain.get('seq')}.{plain.get('n')}"
        receipt = plain.get("receipt") or {}
        try:
            told, made = receipt["before"], receipt["hash"]
            if before and told != before:
                wrong.append(f"{name}: does not follow the one before it")
            if digest(told, plain) != made:
                wrong.append(f"{name}: its words are not those that were signed")
            public.verify(bytes.fromhex(receipt["signature"]), bytes.fromhex(made))
            before = made
        except (KeyError, ValueError, TypeError):
            wrong.append(f"{name}: no receipt")
        except InvalidSignature:
            wrong.append(f"{name}: not signed by this key")
    return wrong, before


def brier(probability: int, paid: int) -> int:
    """Brier (1950): the squared error of a probability; all in millionths, rounded half up."""
    return ((probability - paid) ** 2 + ONE // 2) // ONE


def record_of(outcomes: Iterable[Outcome]) -> dict[str, dict[str, Any]]:
    """Per publisher: signals that ended, mean Brier score, mean closing-line value (6 places)."""
    sums: dict[str, list[int]] = {}
    for item in outcomes:
        row = sums.setdefault(item.publisher, [0, 0, 0, 0, 0])
        row[0] += 1
        if item.brier is not None:
            row[1] += 1
            row[2] += micros(item.brier)
        if item.closing_line is not None:
            row[3] += 1
            row[4] += micros(item.closing_line)
    return {
        name: {
            "ended": n,
            "brier": round(b / bn / ONE, 6) if bn else None,
            "closing_line": round(c / cn / ONE, 6) if cn else None,
        }
        for name, (n, bn, b, cn, c) in sums.items()
    }
