"""Sessions of people: a short-lived JWT, and a refresh token that turns with every use.

HS256 under one key of ours and nothing else (RFC 8725). A refresh token that was used before
means that somebody else has it: its whole session ends.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from typing import Any, Final

import jwt
import msgspec

from dutchbook.domain.secret import Secret
from dutchbook.domain.units import DAY, SECOND, Ns
from dutchbook.gateway import store
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.rights import Principal, scopes_of
from dutchbook.gateway.store import Row, Tables

ALGORITHM: Final = "HS256"
TYPE: Final = "at+jwt"
ISSUER: Final = "dutchbook"
ACCESS: Final = 600
"""Seconds that an access token lives."""
REFRESH: Final = Ns(12 * 3_600 * SECOND)
"""How long a session may be refreshed, from its beginning."""
_CLAIMS: Final = ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "role")
_HEAD: Final = {"alg": ALGORITHM, "typ": TYPE}


class Session(msgspec.Struct, frozen=True):
    id: str
    person: str
    turn: int
    made_at: int
    expires_at: int
    revoked_at: int


class Sessions:
    """`role_of` gives (role, when it last changed) of a person, None if there is none any more."""

    def __init__(
        self, tables: Tables, key: Secret, mode: str,
        role_of: Callable[[str], tuple[str, int] | None],
    ) -> None:  # fmt: skip
        self.tables = tables
        self.audience = f"dutchbook:{mode}"
        self._key = key
        self._role_of = role_of
        self._known: dict[str, Session] = {}
        self.load()

    def load(self) -> None:
        rows = self.tables.all(store.sessions)
        self._known = {row["id"]: _session(row) for row in rows}

    def begin(self, person: str, now: Ns) -> tuple[str, str]:
        """(access token, refresh token) of a new session."""
        row: Row = {
            "id": os.urandom(9).hex(), "person": person, "turn": 0, "made_at": now,
            "expires_at": now + REFRESH, "revoked_at": 0, "why": "",
        }  # fmt: skip
        self.tables.add(store.sessions, row)
        session = self._known[row["id"]] = _session(row)
        return self._access(session, now), self._refresh(session)

    def turn(self, text: str, now: Ns) -> tuple[str, str, str]:
        """(person, access, refresh) for a refresh token, which is worth nothing afterwards.

        Raises Problem; a token of an earlier turn ends the session.
        """
        parts = text.split(".") if len(text) < 200 and text.isascii() else []
        session = self._known.get(parts[0]) if len(parts) == 3 else None
        turn = int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else -1
        if session is None or not hmac.compare_digest(text, self._stamp(parts[0], turn)):
            raise Problem("unauthenticated", "the refresh token is not known", fix="sign in")
        if turn != session.turn:
            self.end(session.id, now, "a refresh token was used twice")
            raise Problem(
                "unauthenticated", "the refresh token was used before: the session is over",
                fix="sign in again; if this was not you, change your password",
                more={"reuse": True, "person": session.person},
            )  # fmt: skip
        if session.revoked_at or now >= session.expires_at or not self._role_of(session.person):
            raise Problem("unauthenticated", "the session is over", fix="sign in again")
        moved = msgspec.structs.replace(session, turn=turn + 1)
        key = {"id": session.id, "turn": turn}
        if not self.tables.change(store.sessions, key, {"turn": turn + 1}):
            raise Problem("unauthenticated", "the refresh token was used before", fix="sign in")
        self._known[session.id] = moved
        return session.person, self._access(moved, now), self._refresh(moved)

    def end(self, session_id: str, now: Ns, why: str) -> None:
        """Its tokens open nothing any more, from this moment."""
        session = self._known.get(session_id)
        if session is not None and not session.revoked_at:
            self.tables.change(store.sessions, {"id": session_id}, {"revoked_at": now, "why": why})
            self._known[session_id] = msgspec.structs.replace(session, revoked_at=now)

    def end_all(self, person: str, now: Ns, why: str) -> None:
        for session in list(self._known.values()):
            if session.person == person:
                self.end(session.id, now, why)

    def find(self, text: str, now: Ns) -> Principal:
        """Whose access token it is. Raises Problem: unauthenticated for anything else."""
        claims = self._claims(text, now)
        session = self._known.get(claims["sid"])
        if session is None or session.person != claims["sub"] or session.revoked_at:
            raise Problem("unauthenticated", "the session is over", fix="sign in again")
        known = self._role_of(session.person)
        if (
            known is None
            or known[1] > claims["iat"] * SECOND + SECOND
            or known[0] != claims["role"]
        ):
            # No role is believed from a token that is older than the last change of the person.
            raise Problem("unauthenticated", "the person was changed since", fix="sign in again")
        return Principal(
            "session", session.id, session.person, known[0], scopes_of(known[0]),
            expires=claims["exp"] * SECOND,
        )  # fmt: skip

    def stands(self, session_id: str, role: str) -> bool:
        """Whether a session goes on and its person's role is still this one."""
        session = self._known.get(session_id)
        known = self._role_of(session.person) if session and not session.revoked_at else None
        return known is not None and known[0] == role

    def _claims(self, text: str, now: Ns) -> dict[str, Any]:
        bad = Problem("unauthenticated", "the token is not valid", fix="sign in, or refresh it")
        if len(text) > 2_000 or not text.isascii() or text.count(".") != 2:
            raise bad
        try:
            if jwt.get_unverified_header(text) != _HEAD:
                raise bad  # neither kid nor jku, x5u, jwk, crit: nothing of ours has them
            claims: dict[str, Any] = jwt.decode(
                text, self._key.reveal(), algorithms=[ALGORITHM], audience=self.audience,
                issuer=ISSUER,
                options={"require": list(_CLAIMS), "verify_exp": False, "verify_nbf": False,
                         "verify_iat": False, "strict_aud": True},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise bad from error
        iat, nbf, exp = claims["iat"], claims["nbf"], claims["exp"]
        seconds = now // SECOND
        whole = all(type(one) is int for one in (iat, nbf, exp))
        if not whole or not all(type(claims[one]) is str for one in ("sub", "sid", "role")):
            raise bad
        if exp - iat != ACCESS or not nbf <= seconds < exp:
            raise Problem("unauthenticated", "the token is no longer valid", fix="refresh it")
        return claims

    def _access(self, session: Session, now: Ns) -> str:
        known = self._role_of(session.person)
        at = now // SECOND
        claims = {
            "iss": ISSUER, "aud": self.audience, "sub": session.person, "sid": session.id,
            "jti": os.urandom(9).hex(), "iat": at, "nbf": at, "exp": at + ACCESS,
            "role": known[0] if known else "",
        }  # fmt: skip
        return jwt.encode(claims, self._key.reveal(), ALGORITHM, headers={"typ": TYPE})

    def _refresh(self, session: Session) -> str:
        return self._stamp(session.id, session.turn)

    def _stamp(self, session_id: str, turn: int) -> str:
        """The refresh token of a turn follows from the key: none is kept, old ones are known."""
        data = f"refresh.{self.audience}.{session_id}.{turn}".encode()
        mac = hmac.new(self._key.reveal(), data, hashlib.sha256).hexdigest()
        return f"{session_id}.{turn}.{mac}"


def _session(row: Row) -> Session:
    return Session(
        row["id"], row["person"], row["turn"], row["made_at"], row["expires_at"],
        row["revoked_at"],
    )  # fmt: skip


KEPT: Final = Ns(7 * DAY)
"""How long ended sessions stay in the table."""
