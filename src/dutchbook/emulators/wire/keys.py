"""The API keys of the pretend Kalshi, made for a data directory and never printed.

The Ed25519 key follows from the seed. An RSA key can't be made from a seed with the library in
use, so it is generated once for a directory and stored there; its id follows from the seed.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from msgspec import Struct

from dutchbook.domain.errors import ConfigError

PublicKey = RSAPublicKey | Ed25519PublicKey
RSA_BITS: Final = 2048


class Keys(Struct, frozen=True):
    """Key ids, the files that hold the private halves (0600), and the public halves by id."""

    rsa_id: str
    rsa_file: Path
    ed25519_id: str
    ed25519_file: Path
    public: dict[str, PublicKey]


def make_keys(folder: Path, seed: int) -> Keys:
    """Make or read the two keys of a directory. Raises ConfigError on an unreadable key file."""
    rsa_file, ed_file = folder / "kalshi_rsa.pem", folder / "kalshi_ed25519.pem"
    rsa = _stored_rsa(rsa_file)
    ed = Ed25519PrivateKey.from_private_bytes(
        hashlib.sha256(f"kalshi-ed25519-{seed}".encode()).digest()
    )
    _write(ed_file, ed.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    rsa_id, ed_id = _key_id("rsa", seed), _key_id("ed25519", seed)
    public: dict[str, PublicKey] = {rsa_id: rsa.public_key(), ed_id: ed.public_key()}
    return Keys(rsa_id, rsa_file, ed_id, ed_file, public)


def _stored_rsa(path: Path) -> RSAPrivateKey:
    if path.exists():
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except ValueError as error:
            raise ConfigError(
                f"{path}: not a private key", why=str(error), todo="delete it"
            ) from error
        if isinstance(key, RSAPrivateKey):
            return key
        raise ConfigError(f"{path}: not an RSA key", todo="delete it; a new one is made")
    key = generate_private_key(65537, RSA_BITS)
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    return key


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)


def _key_id(kind: str, seed: int) -> str:
    text = hashlib.sha256(f"kalshi-key-{kind}-{seed}".encode()).hexdigest()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))
