"""People: names, roles and passwords (argon2id), and the token that makes the first of them."""

import base64
import hashlib
import hmac
import os
from typing import Final

import argon2
import msgspec
from argon2.exceptions import Argon2Error, InvalidHashError

from dutchbook.domain.errors import UsageError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import SECOND, Ns
from dutchbook.gateway import store
from dutchbook.gateway.keys import check_name
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.rights import ROLES
from dutchbook.gateway.store import Row, Tables

LEAST: Final = 12
MOST: Final = 256
FIRST_RUN: Final = "first_run"
FIRST_LIFE: Final = Ns(24 * 3_600 * SECOND)
_HASHER: Final = argon2.PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)


class Person(msgspec.Struct, frozen=True):
    name: str
    role: str
    password: str
    made_at: int
    changed_at: int
    disabled: bool


class People:
    """Calls with a password take a tenth of a second on purpose: make them in a thread."""

    def __init__(self, tables: Tables, pepper: Secret) -> None:
        self.tables = tables
        self._pepper = pepper
        self._decoy = _HASHER.hash(os.urandom(16).hex())
        self._known: dict[str, Person] = {}
        self.load()

    def load(self) -> None:
        self._known = {row["name"]: _person(row) for row in self.tables.all(store.people)}

    def all(self) -> list[Person]:
        return sorted(self._known.values(), key=lambda one: one.name)

    def role_of(self, name: str) -> tuple[str, int] | None:
        """(role, ns of the last change); None for strangers and those who were shut out."""
        one = self._known.get(name)
        return (one.role, one.changed_at) if one and not one.disabled else None

    def add(self, name: str, role: str, password: Secret, now: Ns) -> Person:
        """Raises UsageError: a bad name, role or password, or one who is there already."""
        check_name(name)
        if role not in ROLES or role == "service":
            raise UsageError(f"nobody can have role {role!r}", todo="services have keys")
        row: Row = {
            "name": name, "role": role, "password": hashed(password), "made_at": now,
            "changed_at": now, "disabled": False,
        }  # fmt: skip
        if not self.tables.add(store.people, row):
            raise UsageError(f"there is a {name!r} already", todo="take another name")
        self._known[name] = _person(row)
        return self._known[name]

    def change(
        self, name: str, now: Ns, *, role: str = "", password: Secret | None = None,
        disabled: bool | None = None,
    ) -> Person:  # fmt: skip
        """Raises UsageError. Whoever is changed has to sign in again."""
        known = self._known.get(name)
        if known is None:
            raise UsageError(f"nobody is called {name[:64]!r}", todo="GET /api/v1/people")
        values: Row = {"changed_at": now}
        if role:
            if role not in ROLES or role == "service":
                raise UsageError(f"nobody can have role {role!r}", todo="services have keys")
            values["role"] = role
        if password is not None:
            values["password"] = hashed(password)
        if disabled is not None:
            values["disabled"] = disabled
        last = [p for p in self._known.values() if p.role == "admin" and not p.disabled]
        if [p.name for p in last] == [name] and (
            disabled or values.get("role", "admin") != "admin"
        ):
            raise UsageError(f"{name} is the last admin", todo="make another one first")
        self.tables.change(store.people, {"name": name}, values)
        self._known[name] = msgspec.structs.replace(known, **values)
        return self._known[name]

    def check(self, name: str, password: Secret) -> Person:
        """Raises Problem with the same words, after the same work, whatever was wrong."""
        known = self._known.get(name)
        right = False
        try:
            right = _HASHER.verify(known.password if known else self._decoy, password.reveal())
        except (Argon2Error, InvalidHashError, ValueError):
            right = False
        if not right or known is None or known.disabled:
            raise Problem("unauthenticated", "name or password is wrong", fix="try again")
        return known

    # -- the first of them -----------------------------------------------------------------------

    def first_token(self, now: Ns) -> Secret | None:
        """A one-time token that makes the first admin; None once there is anybody."""
        if self._known:
            return None
        text = base64.urlsafe_b64encode(os.urandom(18)).decode()
        self.tables.mark(FIRST_RUN, f"{now + FIRST_LIFE} {self._mac(text)}")
        return Secret(text)

    def first(self, token: Secret, name: str, password: Secret, now: Ns) -> Person:
        """The first admin. Raises Problem, UsageError; the token is spent by success only."""
        until, _, mac = self.tables.marked(FIRST_RUN).partition(" ")
        right = hmac.compare_digest(self._mac(token.reveal().decode("utf-8", "replace")), mac)
        if self._known or not mac or not right or now >= int(until):
            raise Problem(
                "unauthenticated", "the first-run token is not valid",
                fix="restart the gateway: it prints a new one while nobody is there",
            )  # fmt: skip
        made = self.add(name, "admin", password, now)
        self.tables.mark(FIRST_RUN, "")
        return made

    def _mac(self, text: str) -> str:
        data = b"first." + text.encode()
        return hmac.new(self._pepper.reveal(), data, hashlib.sha256).hexdigest()


def hashed(password: Secret) -> str:
    """As it is kept. Raises UsageError where it is too short or too long."""
    text = password.reveal().decode("utf-8", "replace")
    if not LEAST <= len(text) <= MOST:
        raise UsageError(f"a password has {LEAST} to {MOST} characters", todo="take a sentence")
    return _HASHER.hash(password.reveal())


def _person(row: Row) -> Person:
    return Person(
        row["name"], row["role"], row["password"], row["made_at"], row["changed_at"],
        bool(row["disabled"]),
    )  # fmt: skip
