"""Who may trade on the pretend Polymarket: wallets, their API keys, and how a request proves it."""

import base64
import hashlib
import hmac
from typing import Any, Final

import msgspec

from dutchbook.emulators.polymarket.signed import auth_signer
from dutchbook.emulators.wire.rest import Ask, Refusal

UNAUTHORIZED: Final = {"error": "Unauthorized/Invalid api key"}
BAD_L1: Final = {"error": "Invalid L1 Request headers"}
OLD_S: Final = 60


class ApiKey(msgspec.Struct, frozen=True):
    key: str
    secret: str
    passphrase: str
    address: str


class Owners:
    """`names`: address in lower case -> owner; a wallet that is new is an owner by its address."""

    def __init__(self, names: dict[str, str], seed: int) -> None:
        self.names = {address.lower(): name for address, name in names.items()}
        self.keys: dict[str, ApiKey] = {}
        self._seed = seed

    def owner_of(self, address: str) -> str:
        """The owner behind a wallet."""
        return self.names.setdefault(address.lower(), address.lower())

    # -- L1 --------------------------------------------------------------------------------------

    def create(self, ask: Ask) -> Any:
        """A new API key for a wallet; 400 where it has one already."""
        address = self._wallet(ask)
        if self._of(address) is not None:
            raise Refusal(400, {"error": "Could not create api key"})
        parts = [
            hashlib.sha256(f"{self._seed} {address} {what}".encode()).digest()
            for what in ("key", "secret", "passphrase")
        ]
        text = parts[0].hex()
        key = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))
        secret = base64.urlsafe_b64encode(parts[1]).decode()
        self.keys[key] = ApiKey(key, secret, parts[2].hex(), address)
        return _creds(self.keys[key])

    def derive(self, ask: Ask) -> Any:
        """The key that a wallet has."""
        found = self._of(self._wallet(ask))
        if found is None:
            raise Refusal(400, {"error": "Could not derive api key!"})
        return _creds(found)

    def _of(self, address: str) -> ApiKey | None:
        return next((key for key in self.keys.values() if key.address == address), None)

    def _wallet(self, ask: Ask) -> str:
        headers = ask.headers
        address = headers.get("poly_address") or ""
        stamp, nonce = headers.get("poly_timestamp") or "", headers.get("poly_nonce") or "0"
        try:
            signer = auth_signer(
                address, stamp, nonce, int(headers.get("poly_chain") or 137),
                headers.get("poly_signature") or "",
            )  # fmt: skip
            if signer != address.lower():
                signer = auth_signer(
                    address, stamp, nonce, 80002, headers.get("poly_signature") or ""
                )
        except (ValueError, KeyError):
            signer = ""
        if not signer or signer != address.lower():
            raise Refusal(401, BAD_L1)
        return signer

    # -- L2 --------------------------------------------------------------------------------------

    def key_of(self, ask: Ask) -> ApiKey:
        """The API key that a request proves to hold. Raises Refusal 401."""
        headers = ask.headers
        key = self.keys.get(headers.get("poly_api_key") or "")
        stamp = headers.get("poly_timestamp") or ""
        good = (
            key is not None
            and stamp.isascii()
            and stamp.isdigit()
            and abs(ask.now // 1_000_000_000 - int(stamp[:12])) <= OLD_S
            and headers.get("poly_passphrase") == key.passphrase
            and (headers.get("poly_address") or "").lower() == key.address
        )
        if key is None or not good:
            raise Refusal(401, UNAUTHORIZED)
        text = f"{stamp}{ask.method}{ask.path}".encode() + ask.body
        raw = hmac.digest(base64.urlsafe_b64decode(key.secret), text, "sha256")
        given = headers.get("poly_signature") or ""
        if not hmac.compare_digest(base64.urlsafe_b64encode(raw).decode(), given):
            raise Refusal(401, UNAUTHORIZED)
        return key

    def owner(self, ask: Ask) -> str:
        return self.owner_of(self.key_of(ask).address)

    def listed(self, ask: Ask) -> Any:
        key = self.key_of(ask)
        return {"apiKeys": [one.key for one in self.keys.values() if one.address == key.address]}

    def remove(self, ask: Ask) -> Any:
        del self.keys[self.key_of(ask).key]
        return "OK"


def _creds(key: ApiKey) -> dict[str, str]:
    return {"apiKey": key.key, "secret": key.secret, "passphrase": key.passphrase}
