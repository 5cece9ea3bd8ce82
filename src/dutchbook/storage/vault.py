"""Secrets at rest: each under a key of its own, those under one key that is not kept beside them.

AES-256-GCM with a random 96-bit nonce; name and version are bound in as associated data, so that
no entry can stand for another. The outer key comes from a passphrase (Argon2id, RFC 9106) or from
a key file of mode 0600. Whoever changes the file holds a lock, over processes.
"""

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from dutchbook.domain.errors import ConfigError, UsageError
from dutchbook.domain.secret import Secret

FILE: Final = "secrets.json"
NAME_MAX: Final = 64


class Entry(msgspec.Struct, frozen=True):
    """One secret: its key under the outer key, and itself under its key; base64."""

    version: int
    key: str
    sealed: str


class Vault(msgspec.Struct, forbid_unknown_fields=True):
    """The file. `salt` is the passphrase's, "" with a key file; `probe` tells a wrong key.

    `key_file` names a key file of its own, beside the one that is every folder's at first.
    """

    salt: str = ""
    key_file: str = ""
    probe: str = ""
    entries: dict[str, Entry] = {}


class Outer:
    """Where the outer key comes from: a passphrase if there is one, else a key file."""

    def __init__(self, key_file: Path, passphrase: Secret | None = None) -> None:
        self.key_file = key_file
        self.passphrase = passphrase

    def key(self, salt: bytes, name: str = "", *, make: bool) -> bytes:
        """32 bytes; `name` is another key file beside the usual one. Raises ConfigError.

        With `make` a key file that is not there is written.
        """
        if self.passphrase:
            kdf = Argon2id(salt=salt, length=32, iterations=3, lanes=4, memory_cost=64 * 1024)
            return kdf.derive(self.passphrase.reveal())
        path = self.key_file.with_name(Path(name).name) if name else self.key_file
        if make and not path.exists():
            _make_key(path)
        try:
            mode = path.stat().st_mode & 0o777
            raw = base64.b64decode(path.read_bytes(), validate=True)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"the key file {path} can't be read", why=str(error),
                todo="restore it from your backup, or set the secrets again",
            ) from error  # fmt: skip
        if mode & 0o077 or len(raw) != 32:
            raise ConfigError(
                f"the key file {path} is not fit for use",
                why=f"mode {mode:04o}, {len(raw)} bytes", todo=f"chmod 600 {path}",
            )  # fmt: skip
        return raw


class Secrets:
    """Set, get, list, remove and rotate. A wrong key or a changed byte is a ConfigError."""

    def __init__(self, root: Path, outer: Outer) -> None:
        self.path = root / FILE
        self.outer = outer

    def names(self) -> list[str]:
        """What there is; needs no key."""
        return sorted(self._read().entries)

    def set(self, name: str, value: Secret) -> int:
        """Keep a secret, as a new version where there was one; returns the version."""
        if not 0 < len(name) <= NAME_MAX or not name.replace(".", "").replace("_", "").isalnum():
            raise UsageError(
                f"{name[:70]!r} can't name a secret", todo="use a name like kalshi.key"
            )
        if not value:
            raise UsageError(f"{name}: an empty secret", todo="give its value on standard input")
        with self._alone():
            return self._put(name, value)

    def made(self, name: str) -> Secret:
        """The secret; one of 32 random bytes is kept first where there is none of that name."""
        with self._alone():
            if name not in self._read().entries:
                self._put(name, Secret(os.urandom(32).hex()))
        found = self.get(name)
        assert found is not None
        return found

    def _put(self, name: str, value: Secret) -> int:
        vault = self._read()
        outer = self._outer(vault, make=True)
        before = vault.entries.get(name)
        version = before.version + 1 if before else 1
        vault.entries[name] = _sealed(outer, name, version, value.reveal())
        self._save(vault)
        return version

    def get(self, name: str) -> Secret | None:
        """The secret, None if there is none of that name."""
        vault = self._read()
        entry = vault.entries.get(name)
        if entry is None:
            return None
        return Secret(_opened(self._outer(vault, make=False), name, entry))

    def remove(self, name: str) -> None:
        with self._alone():
            vault = self._read()
            if vault.entries.pop(name, None) is None:
                raise UsageError(f"no secret {name!r}", todo="dutchbook secret list")
            self._save(vault)

    def rotate(self, passphrase: Secret | None) -> int:
        """Put every secret under another outer key, all or none; returns how many.

        That is the new passphrase, else a new key file; old key files stay, since secrets of other
        folders may be under them.
        """
        with self._alone():
            vault = self._read()
            old = self._outer(vault, make=False)
            plain = {name: _opened(old, name, entry) for name, entry in vault.entries.items()}
            path = self.outer.key_file
            fresh = f"{path.stem}-{os.urandom(4).hex()}{path.suffix}"
            moved = Vault(key_file="" if passphrase else fresh)
            self.outer = Outer(path, passphrase)
            outer = self._outer(moved, make=True)
            for name, value in plain.items():
                moved.entries[name] = _sealed(outer, name, vault.entries[name].version + 1, value)
            self._save(moved)
            return len(plain)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes the file meanwhile."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)

    def _outer(self, vault: Vault, *, make: bool) -> bytes:
        if make and not vault.probe:
            vault.salt = _b64(os.urandom(16)) if self.outer.passphrase else ""
            key = self.outer.key(base64.b64decode(vault.salt), vault.key_file, make=True)
            vault.probe = _b64(_seal(key, b"probe", b"dutchbook"))
            return key
        if bool(vault.salt) != bool(self.outer.passphrase):
            want = "a passphrase (DUTCHBOOK_PASSPHRASE)" if vault.salt else "its key file"
            raise ConfigError(f"{self.path} was made with {want}", todo="use the same again")
        key = self.outer.key(base64.b64decode(vault.salt), vault.key_file, make=False)
        try:
            _open(key, b"probe", base64.b64decode(vault.probe))
        except (InvalidTag, ValueError) as error:
            raise ConfigError(f"{self.path}: this is not the key it was made with") from error
        return key

    def _read(self) -> Vault:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Vault)
        except FileNotFoundError:
            return Vault()
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(f"{self.path} can't be read", why=str(error)) from error

    def _save(self, vault: Vault) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".tmp")
        _write(fresh, msgspec.json.format(msgspec.json.encode(vault)))
        os.replace(fresh, self.path)


def _sealed(outer: bytes, name: str, version: int, value: bytes) -> Entry:
    bound = f"{name}\0{version}".encode()
    inner = AESGCM.generate_key(256)
    return Entry(version, _b64(_seal(outer, bound, inner)), _b64(_seal(inner, bound, value)))


def _opened(outer: bytes, name: str, entry: Entry) -> bytes:
    bound = f"{name}\0{entry.version}".encode()
    try:
        inner = _open(outer, bound, base64.b64decode(entry.key))
        return _open(inner, bound, base64.b64decode(entry.sealed))
    except (InvalidTag, ValueError) as error:
        raise ConfigError(
            f"secret {name!r} was changed on disk or belongs to another key",
            todo="set it again: dutchbook secret set " + name,
        ) from error


def _seal(key: bytes, bound: bytes, value: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, value, bound)


def _open(key: bytes, bound: bytes, sealed: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], bound)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _make_key(path: Path) -> None:
    """A key file, whole as soon as it is there; one that another process made meanwhile stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    _write(fresh, base64.b64encode(os.urandom(32)))
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
