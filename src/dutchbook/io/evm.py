"""Polymarket's signatures: secp256k1 over a digest, HMAC over a request, its API credentials."""

import base64
import binascii
import hashlib
import hmac as hmac_
from typing import Final

import msgspec
from coincurve import PrivateKey

from dutchbook.domain.clock import Clock
from dutchbook.domain.errors import ConfigError, VenueUnreachable
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import SECOND
from dutchbook.io.ports import Lost, Reply, Transport
from dutchbook.venues.base import Call
from dutchbook.venues.polymarket import typed

_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


class Credentials(msgspec.Struct, frozen=True):
    """What level 2 needs; all three are secret."""

    api_key: Secret
    secret: Secret
    passphrase: Secret


class _Given(msgspec.Struct, rename="camel"):
    api_key: str
    secret: str
    passphrase: str


def sign_digest(key: Secret, digest: bytes) -> bytes:
    """r, s and v (27 or 28): 65 bytes. RFC 6979, low s: the same digest, the same signature.

    `key` is 32 bytes, or 64 hex digits with or without 0x. ConfigError if it is no key.
    """
    if len(digest) != 32:
        raise ValueError(f"a digest has 32 bytes, not {len(digest)}")
    raw = _key(key).sign_recoverable(digest, hasher=None)
    return raw[:64] + bytes((27 + raw[64],))


def address(key: Secret) -> str:
    """The Ethereum address of a private key, with the capitals of EIP-55."""
    public = _key(key).public_key.format(compressed=False)[1:]
    return typed.checksum(typed.hashed(public)[12:].hex())


def hmac(secret: Secret, text: bytes) -> str:
    """HMAC-SHA256 in urlsafe base64 with padding; the secret is itself urlsafe base64."""
    given = secret.reveal().strip()
    try:
        key = base64.b64decode(given + b"=" * (-len(given) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise ConfigError(
            "the API secret is not urlsafe base64", todo="derive the credentials again"
        ) from None
    return base64.urlsafe_b64encode(hmac_.digest(key, text, hashlib.sha256)).decode()


async def credentials(
    transport: Transport, clock: Clock, clob_url: str, key: Secret, chain_id: int, nonce: int = 0
) -> Credentials:
    """The wallet's own API credentials: made, or derived again where they exist already.

    VenueUnreachable if the venue does not answer, ConfigError if it refuses the wallet.
    """
    made = await _ask(transport, clock, "POST", f"{clob_url}/auth/api-key", key, chain_id, nonce)
    if made.status == 400:
        url = f"{clob_url}/auth/derive-api-key"
        made = await _ask(transport, clock, "GET", url, key, chain_id, nonce)
    if made.status >= 500:
        raise VenueUnreachable(f"Polymarket gave no API credentials: HTTP {made.status}")
    if made.status != 200:
        raise ConfigError(
            f"Polymarket gave no API credentials: HTTP {made.status}",
            why=made.body[:200].decode("utf-8", "replace"),
            todo="check the key, the chain and this machine's clock",
        )
    try:
        given = msgspec.json.decode(made.body, type=_Given)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise ConfigError("Polymarket's answer holds no API credentials") from None
    return Credentials(Secret(given.api_key), Secret(given.secret), Secret(given.passphrase))


async def _ask(
    transport: Transport,
    clock: Clock,
    method: str,
    url: str,
    key: Secret,
    chain_id: int,
    nonce: int,
) -> Reply:
    """One request that the wallet itself signs (level 1)."""
    who, at = address(key), str(clock.now() // SECOND)
    signature = sign_digest(key, typed.clob_auth(who, at, nonce, chain_id))
    headers = {
        "POLY_ADDRESS": who,
        "POLY_SIGNATURE": f"0x{signature.hex()}",
        "POLY_TIMESTAMP": at,
        "POLY_NONCE": str(nonce),
    }
    try:
        return await transport.call(Call("credentials", method, url), headers)
    except Lost as lost:
        raise VenueUnreachable(f"Polymarket gave no API credentials: {lost.why}") from lost


def _key(key: Secret) -> PrivateKey:
    raw = key.reveal()
    if len(raw) != 32:
        try:
            raw = bytes.fromhex(raw.decode().strip().removeprefix("0x"))
        except ValueError:
            raw = b""
    if len(raw) != 32 or not 0 < int.from_bytes(raw, "big") < _ORDER:
        raise ConfigError(
            "the wallet's key is not a secp256k1 key", todo="give it as 64 hex digits"
        )
    return PrivateKey(raw)
