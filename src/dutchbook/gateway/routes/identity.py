"""Signing in and out, who one is, and the first person of all."""

import asyncio
from typing import Any

from fastapi import Request

from dutchbook.domain.errors import UsageError
from dutchbook.domain.secret import Secret
from dutchbook.gateway import shapes
from dutchbook.gateway.bodies import First, Login, Password, Refresh
from dutchbook.gateway.door import OPEN, door, new_router
from dutchbook.gateway.identity import LOGIN_RATE, LOGIN_ROOM
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import gate, who
from dutchbook.gateway.tokens import ACCESS

router = new_router()


def _slowly(request: Request, name: str) -> None:
    """Guessing passwords takes longer than it is worth."""
    for bucket in (f"login:{request.state.address}", f"name:{name}"):
        wait = gate(request).identity.rates.take(bucket, LOGIN_RATE, LOGIN_ROOM)
        if wait:
            raise Problem("too_many", "too many attempts", fix=f"try again in {wait} s", retry=wait)


def _tokens(request: Request, name: str, access: str, refresh: str) -> shapes.Tokens:
    known = gate(request).identity.people.role_of(name)
    return shapes.Tokens(access, "Bearer", ACCESS, refresh, known[0] if known else "", name)


@door(router, "POST", "/auth/login", scope=OPEN, answer=shapes.Tokens, summary="Sign in")
async def login(request: Request, body: Login) -> shapes.Tokens:
    """An access token for ten minutes, and a refresh token that turns with every use."""
    _slowly(request, body.name)
    identity = gate(request).identity
    try:
        await asyncio.to_thread(identity.people.check, body.name, Secret(body.password))
    except Problem as problem:
        await identity.denied("", request.state.address, "login", problem.code)
        raise
    access, refresh = await asyncio.to_thread(
        identity.sessions.begin, body.name, identity.clock.now()
    )
    await identity.record(body.name, request.state.address, "login", "done")
    return _tokens(request, body.name, access, refresh)


@door(router, "POST", "/auth/refresh", scope=OPEN, answer=shapes.Tokens,
      summary="New tokens for a refresh token")  # fmt: skip
async def refresh(request: Request, body: Refresh) -> shapes.Tokens:
    """A refresh token that comes twice ends its session: somebody else may have it."""
    _slowly(request, "refresh:" + body.refresh_token[:20])
    identity = gate(request).identity
    try:
        person, access, fresh = await asyncio.to_thread(
            identity.sessions.turn, body.refresh_token, identity.clock.now()
        )
    except Problem as problem:
        name = str(problem.more.pop("person", ""))
        await identity.denied(name, request.state.address, "refresh", problem.code)
        raise
    return _tokens(request, person, access, fresh)


@door(router, "POST", "/auth/logout", scope="self", answer=shapes.Simple, summary="Sign out")
async def logout(request: Request) -> shapes.Simple:
    """Ends this session; its tokens open nothing from now on."""
    identity, asker = gate(request).identity, who(request)
    if asker.kind != "session":
        raise Problem("conflict", "a key has no session", fix="revoke the key instead")
    await asyncio.to_thread(identity.sessions.end, asker.id, identity.clock.now(), "signed out")
    await identity.record(asker.label, request.state.address, "logout", "done")
    return shapes.Simple("signed out")


@door(router, "POST", "/auth/first", scope=OPEN, answer=shapes.Tokens,
      summary="Make the first admin with the one-time token")  # fmt: skip
async def first(request: Request, body: First) -> shapes.Tokens:
    """The token was printed where the gateway was started; it works once, while nobody is there."""
    _slowly(request, "first")
    identity, now = gate(request).identity, gate(request).clock.now()
    try:
        await asyncio.to_thread(
            identity.people.first, Secret(body.token), body.name, Secret(body.password), now
        )
    except UsageError as error:
        raise Problem("invalid", error.what, fix=error.todo) from error
    except Problem as problem:
        await identity.denied("", request.state.address, "first person", problem.code)
        raise
    access, fresh = await asyncio.to_thread(identity.sessions.begin, body.name, now)
    await identity.record(body.name, request.state.address, "first person", "done")
    return _tokens(request, body.name, access, fresh)


@door(router, "GET", "/auth/me", scope="self", answer=dict[str, Any], summary="Who I am")
async def me(request: Request) -> dict[str, Any]:
    """Name, role and scopes of the key or session."""
    asker = who(request)
    return {"name": asker.name, "kind": asker.kind, "role": asker.role,
            "scopes": sorted(asker.scopes)}  # fmt: skip


@door(router, "POST", "/auth/password", scope="self", answer=shapes.Simple,
      summary="Change my password")  # fmt: skip
async def change_password(request: Request, body: Password) -> shapes.Simple:
    """Needs the old one; every session of mine ends."""
    identity, asker, now = gate(request).identity, who(request), gate(request).clock.now()
    if asker.kind != "session":
        raise Problem("conflict", "a key has no password", fix="sign in")
    _slowly(request, asker.name)
    await asyncio.to_thread(identity.people.check, asker.name, Secret(body.old))
    try:
        await asyncio.to_thread(
            lambda: identity.people.change(asker.name, now, password=Secret(body.new))
        )
    except UsageError as error:
        raise Problem("invalid", error.what, fix=error.todo) from error
    await asyncio.to_thread(identity.sessions.end_all, asker.name, now, "the password was changed")
    await identity.record(asker.label, request.state.address, "password", "done")
    return shapes.Simple("changed; sign in again")
