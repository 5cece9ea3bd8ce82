"""Signs requests with secrets held by name, as of the moment in which they leave."""

import base64
import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import MILLI, SECOND, Ns
from dutchbook.venues.base import Call, Sign

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
    """Secrets by name. A private key is loaded and used once when it is added: none is cold."""

    def __init__(self) -> None:
        self._keys: dict[str, RSAPrivateKey | Ed25519PrivateKey] = {}
        self._secrets: dict[str, Secret] = {}

    def __repr__(self) -> str:
        return f"Signer({', '.join([*self._keys, *self._secrets])})"

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

    def add_secret(self, name: str, secret: Secret) -> None:
        """Hold a secret that is no PEM: an HMAC secret in base64, a secp256k1 key in hex."""
        if not secret:
            raise ConfigError(f"secret {name!r} is empty", todo="set it, or leave the venue out")
        self._secrets[name] = secret

    def prepare(self, call: Call, now: Ns) -> tuple[dict[str, str], bytes]:
        """A call's headers and body, signed as of `now`. Raises ConfigError for a missing secret.

        What is signed into the body comes first, so that a header can sign the final body.
        """
        body = self.fill(call.body, call.sign)
        headed = tuple(sign for sign in call.sign if not sign.into)
        return self.headers(call.headers, headed, now, body), body

    def fill(self, text: bytes, asked: tuple[Sign, ...]) -> bytes:
        """A body or a first frame with what is signed or revealed into it."""
        for sign in asked:
            if sign.kind == "eip712":
                text = text.replace(sign.into.encode(), self._eip712(sign).encode())
            elif sign.kind == "reveal" and sign.into:
                # Between the quotation marks of a JSON string: a secret can't end it early.
                quoted = json.dumps(self._plain(sign.key), ensure_ascii=False)[1:-1]
                text = text.replace(sign.into.encode(), quoted.encode())
        return text

    def headers(
        self, plain: dict[str, str], asked: tuple[Sign, ...], now: Ns, body: bytes = b""
    ) -> dict[str, str]:
        """The headers with the signatures that were asked for, as of `now`, in order."""
        signed = dict(plain)
        for sign in asked:
            ms, s = str(now // MILLI), str(now // SECOND)
            text = sign.text.replace("{ms}", ms).replace("{s}", s)
            if sign.stamp:
                signed[sign.stamp] = s if sign.kind == "hmac" else ms
            if sign.kind == "hmac":
                signed[sign.header] = self._hmac(sign, text.encode() + body * sign.with_body)
            elif sign.kind == "reveal":
                signed[sign.header] = self._plain(sign.key)
            else:
                signed[sign.header] = self.sign(sign.key, text)
        return signed

    def sign(self, name: str, text: str) -> str:
        """Sign text, as standard base64.

        In place, also RSA (0.5 ms with 2,048 bits): to hand it to a thread and to come back takes
        a busy loop several times as long, and an order would wait for that.
        """
        return base64.b64encode(self._sign(name, text.encode())).decode()

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

    def _hmac(self, sign: Sign, text: bytes) -> str:
        secret = self._secret(sign.key)
        made: str = _evm().hmac(secret, text)
        return made

    def _eip712(self, sign: Sign) -> str:
        try:
            digest = bytes.fromhex(sign.text.removeprefix("0x"))
        except ValueError:
            digest = b""
        if len(digest) != 32 or not sign.into:
            raise ConfigError("a digest to sign is 32 bytes in hex, with a place for its signature")
        secret = self._secret(sign.key)
        made: bytes = _evm().sign_digest(secret, digest)
        return f"0x{made.hex()}"

    def _plain(self, name: str) -> str:
        """A secret that the venue wants to see, as text without the blanks around it."""
        try:
            return self._secret(name).reveal().decode().strip()
        except UnicodeDecodeError:
            raise ConfigError(f"secret {name!r} is not text") from None

    def _secret(self, name: str) -> Secret:
        try:
            return self._secrets[name]
        except KeyError:
            held = ", ".join(self._secrets) or "none"
            raise ConfigError(f"no secret named {name!r}", why=f"there are: {held}") from None


def _evm() -> Any:
    """The signatures of Polymarket, loaded only where somebody asks for one."""
    return import_module("dutchbook.io.evm")
