"""Checks a signed request as Kalshi does: timestamp + METHOD + path, neither query nor body."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256

from dutchbook.domain.units import MILLI, SECOND
from dutchbook.emulators.wire.keys import PublicKey

OLD_NS: Final = 15 * SECOND
KEY, TIME, SIGNATURE = "kalshi-access-key", "kalshi-access-timestamp", "kalshi-access-signature"


def nested(code: str, message: str = "", details: str = "") -> dict[str, Any]:
    """The error shape of most 4xx answers."""
    return {"error": {"code": code, "message": message or code, "details": details}}


def refusal(
    public: Mapping[str, PublicKey], headers: Mapping[str, str], method: str, path: str, now: int
) -> dict[str, Any] | None:
    """The body of the 401 that this request deserves, or None when its signature is good.

    Timestamps older than 15 s are refused, future ones accepted. `headers` ignores case.
    """
    key_id, stamp, signature = (headers.get(name) or "" for name in (KEY, TIME, SIGNATURE))
    if not (key_id and stamp and signature):
        code = "signature_is_missing_from_headers"
        return nested(code, "signature is missing from headers", code)
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
        return nested("authentication_error", details="INCORRECT_API_KEY_SIGNATURE")
    if now - int(stamp) * MILLI > OLD_NS:
        code = "header_timestamp_expired"
        return nested(code, "header timestamp expired", code)
    if key_id not in public:
        return nested("authentication_error", details="NOT_FOUND")
    if not _signed(public[key_id], signature, f"{stamp}{method}{path}".encode()):
        return nested("authentication_error", details="INCORRECT_API_KEY_SIGNATURE")
    return None


def _signed(key: PublicKey, signature: str, text: bytes) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
        if isinstance(key, Ed25519PublicKey):
            key.verify(raw, text)
        else:
            key.verify(raw, text, PSS(MGF1(SHA256()), 32), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
