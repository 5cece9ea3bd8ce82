"""Signs requests with keys held by name: RSA-PSS (SHA-256, salt 32) or Ed25519."""

import asyncio
import base64
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.venues.base import Sign

_PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)


def read_secret(path: Path) -> Secret:
    """Read a file that only its owner may read; a ConfigError says what is wrong with it."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(f"secret file {path} can't be read", why=error.strerror or "") from error
    with os.fdopen(handle, "rb") as file:
        mode = os.fstat(handle).st_mode
        if mode & 0o077:
            raise ConfigError(
                f"secret file {path} can be read by others",
                why=f"its mode is {mode & 0o777:04o}",
                todo=f"chmod 600 {path}",
            )
        return Secret(file.read())


class Signer:
    """Private keys by name. A key is loaded and used once when it is added, so none is cold."""

    def __init__(self) -> None:
        self._keys: dict[str, RSAPrivateKey | Ed25519PrivateKey] = {}

    def __repr__(self) -> str:
        return f"Signer({', '.join(self._keys)})"

    def add(self, name: str, pem: Secret) -> None:
        """Hold a PEM private key (PKCS#1 or PKCS#8, not encrypted) under a name."""
        try:
            key = load_pem_private_key(pem.reveal(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(
                f"key {name!r} is not a PEM private key without a passphrase",
                todo="use the file as the venue gave it",
            ) from error
        if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
            raise ConfigError(f"key {name!r} is neither RSA nor Ed25519")
        self._keys[name] = key
        self._sign(name, b"warm")

    def add_file(self, name: str, path: Path) -> None:
        """Hold the key in a file that only its owner may read."""
        self.add(name, read_secret(path))

    async def headers(self, plain: dict[str, str], asked: tuple[Sign, ...]) -> dict[str, str]:
        """The headers with the signatures that were asked for."""
        signed = dict(plain)
        for sign in asked:
            signed[sign.header] = await self.sign(sign.key, sign.text)
        return signed

    async def sign(self, name: str, text: str) -> str:
        """Sign text, as standard base64. RSA takes milliseconds, so it works in a thread."""
        data = text.encode()
        if isinstance(self._keys.get(name), RSAPrivateKey):
            raw = await asyncio.to_thread(self._sign, name, data)
        else:
            raw = self._sign(name, data)
        return base64.b64encode(raw).decode()

    def _sign(self, name: str, data: bytes) -> bytes:
        key = self._keys.get(name)
        if key is None:
            raise ConfigError(
                f"no key named {name!r}",
                why=f"there are: {', '.join(self._keys) or 'none'}",
                todo="set key_id and key_file of the venue",
            )
        if isinstance(key, RSAPrivateKey):
            return key.sign(data, _PSS, SHA256())
        return key.sign(data)
