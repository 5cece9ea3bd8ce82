"""API keys: 256 random bits, shown once, kept as HMAC-SHA256 under a pepper.

A key reads `db_ID_SECRET`. A fast hash is right here: there is nothing to guess in 256 bits.
"""

import base64
import hmac
import ipaddress
import os
import re
from pathlib import Path
from typing import Final

import msgspec

from dutchbook.domain.errors import UsageError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import DAY, Ns
from dutchbook.gateway import store
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.rights import ROLES, SCOPES, Principal, scopes_of
from dutchbook.gateway.store import Row, Tables

LIFE: Final = Ns(30 * DAY)
WARN: Final = Ns(14 * DAY)
"""A key is to be replaced after 30 days; it is told 14 days before."""
_SHAPE: Final = re.compile(r"db_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}", re.ASCII)


class Key(msgspec.Struct, frozen=True):
    """A key as it is kept."""

    id: str
    name: str
    role: str
    scopes: tuple[str, ...]
    mac: bytes
    addresses: tuple[str, ...]
    rate: int
    made_at: int
    expires_at: int
    revoked_at: int

    def status(self, now: Ns) -> str:
        if self.revoked_at:
            return "revoked"
        if now >= self.expires_at:
            return "expired"
        return "expires soon" if self.expires_at - now < WARN else "valid"

    def old(self, now: Ns) -> bool:
        """Whether it still opens and is to be replaced within 14 days, however long it lives."""
        lives = self.status(now) in ("valid", "expires soon")
        return lives and now >= self.made_at + LIFE - WARN


def old_keys(path: Path, now: Ns) -> list[Key]:
    """The keys in a gateway's tables that should be replaced; for who has no pepper."""
    tables = Tables(path)
    try:
        return [key for row in tables.all(store.keys) if (key := _key(row)).old(now)]
    finally:
        tables.close()


class Keys:
    """`make`, `find`, `revoke`; the rows are read once and again whenever the tables changed."""

    def __init__(self, tables: Tables, pepper: Secret) -> None:
        self.tables = tables
        self._pepper = pepper
        self._known: dict[str, Key] = {}
        self.load()

    def load(self) -> None:
        self._known = {row["id"]: _key(row) for row in self.tables.all(store.keys)}

    def all(self) -> list[Key]:
        return sorted(self._known.values(), key=lambda key: (key.made_at, key.id))

    def make(
        self, name: str, role: str, now: Ns, by: str, *, scopes: tuple[str, ...] = (),
        addresses: tuple[str, ...] = (), rate: int = 0, life: Ns = LIFE,
    ) -> tuple[Key, Secret]:  # fmt: skip
        """A new key and its text, which is kept nowhere. Raises UsageError."""
        check_name(name)
        if role not in ROLES:
            raise UsageError(f"no role {role!r}", todo=f"one of {', '.join(ROLES)}")
        beyond = [one for one in scopes if one not in ROLES[role]]
        if beyond:
            known = "which does not exist" if beyond[0] not in SCOPES else f"not of role {role}"
            raise UsageError(f"scope {beyond[0]!r}: {known}", todo=f"of: {_list(ROLES[role])}")
        for one in addresses:
            _network(one)
        if not 0 < life <= 365 * DAY:
            raise UsageError("a key lives between a moment and a year", todo="30 days are usual")
        key_id = os.urandom(6).hex()
        text = f"db_{key_id}_{base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip('=')}"
        row: Row = {
            "id": key_id, "name": name, "role": role, "scopes": " ".join(scopes),
            "mac": self._mac(text).hex(), "addresses": " ".join(addresses), "rate": rate,
            "made_at": now, "expires_at": now + life, "revoked_at": 0, "made_by": by,
        }  # fmt: skip
        self.tables.add(store.keys, row)
        self._known[key_id] = _key(row)
        return self._known[key_id], Secret(text)

    def revoke(self, key_id: str, now: Ns) -> Key:
        """From now on it opens nothing. Raises UsageError if there is none."""
        known = self._known.get(key_id)
        if known is None:
            raise UsageError(f"no key {key_id[:20]!r}", todo="dutchbook api token list")
        if not known.revoked_at:
            self.tables.change(store.keys, {"id": key_id}, {"revoked_at": now})
            self._known[key_id] = msgspec.structs.replace(known, revoked_at=now)
        return self._known[key_id]

    def find(self, text: str, address: str, now: Ns) -> Principal:
        """Whose key it is. Raises Problem: unauthenticated for anything that is no valid key.

        The answer is the same, and takes the same work, for an unknown id and a wrong secret.
        """
        match = _SHAPE.fullmatch(text) if len(text) <= 80 else None
        key = self._known.get(match[1]) if match else None
        right = hmac.compare_digest(self._mac(text[:200]), key.mac if key else bytes(32))
        if not right or key is None:
            raise Problem("unauthenticated", "the key is not known", fix="check X-Dutchbook-Key")
        status = key.status(now)
        if status in ("revoked", "expired"):
            raise Problem("unauthenticated", f"the key is {status}", fix="ask for a new one")
        if key.addresses and not any(_inside(address, one) for one in key.addresses):
            raise Problem(
                "forbidden", "the key does not open from this address",
                fix="call from an address on its list, or ask for another key",
            )  # fmt: skip
        return Principal(
            "key",
            key.id,
            key.name,
            key.role,
            scopes_of(key.role, key.scopes),
            key.rate,
            key.expires_at,
        )

    def stands(self, key_id: str, now: Ns) -> bool:
        """Whether a key that was found before would be found again."""
        key = self._known.get(key_id)
        return key is not None and key.status(now) not in ("revoked", "expired")

    def _mac(self, text: str) -> bytes:
        data = text.encode("utf-8", "replace")
        return hmac.digest(self._pepper.reveal(), data, "sha256")


def check_name(name: str) -> None:
    """Names of people and keys go into the journal and on screens: plain letters only."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:70]!r} can't be a name", todo="up to 64 letters, digits, blanks, . _ @ -"
        )


def _key(row: Row) -> Key:
    return Key(
        row["id"], row["name"], row["role"], tuple(row["scopes"].split()),
        bytes.fromhex(row["mac"]), tuple(row["addresses"].split()), row["rate"], row["made_at"],
        row["expires_at"], row["revoked_at"],
    )  # fmt: skip


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        found = ipaddress.ip_network(text)
    except ValueError as error:
        raise UsageError(f"{text[:60]!r} is no address", todo="10.0.0.7 or 10.0.0.0/24") from error
    mapped = getattr(found.network_address, "ipv4_mapped", None)
    if mapped is None or found.prefixlen < 96:
        return found
    return ipaddress.ip_network((mapped, found.prefixlen - 96))


def _inside(address: str, network: str) -> bool:
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(one, "ipv4_mapped", None)
    return (mapped or one) in _network(network)


def _list(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
