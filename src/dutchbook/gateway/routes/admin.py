"""Keys, people, and the audit: who may come in, and what they did."""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Path, Query, Request

from dutchbook.domain.errors import UsageError
from dutchbook.domain.secret import Secret
from dutchbook.domain.units import DAY, Ns
from dutchbook.gateway import audit, keys, people, shapes
from dutchbook.gateway.bodies import ChangePerson, NewKey, NewPerson
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import LIMIT, cursor_of, gate, read_cursor, who
from dutchbook.gateway.shapes import when

router = new_router()
T = TypeVar("T")
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{12}$")]
PersonName = Annotated[str, Path(min_length=1, max_length=64)]


async def _do(request: Request, what: str, act: Callable[[], T], shown: Callable[[T], object]) -> T:
    """Act in a thread and write it down, also where it was refused."""
    identity, asker = gate(request).identity, who(request)
    result, after = "invalid", None
    try:
        found = await asyncio.to_thread(act)
        result, after = "done", shown(found)
        return found
    except UsageError as error:
        code = "not_found" if error.what.startswith(("no key", "nobody")) else "invalid"
        raise Problem(code, error.what, fix=error.todo) from error
    finally:
        await identity.record(asker.label, request.state.address, what, result, None, after)


def _key(one: keys.Key, now: Ns) -> dict[str, object]:
    return {
        "id": one.id, "name": one.name, "role": one.role, "scopes": list(one.scopes),
        "addresses": list(one.addresses), "rate": one.rate, "made_at": when(one.made_at),
        "expires_at": when(one.expires_at), "revoked_at": when(one.revoked_at),
        "status": one.status(now),
    }  # fmt: skip


def _person(one: people.Person) -> shapes.Person:
    return shapes.Person(one.name, one.role, one.disabled, when(one.made_at))


@door(router, "GET", "/keys", scope="keys:admin", answer=list[shapes.Key], summary="API keys")
async def list_keys(request: Request) -> list[dict[str, object]]:
    """Without the keys themselves: those are shown once and kept nowhere."""
    now = gate(request).clock.now()
    return [_key(one, now) for one in gate(request).identity.keys.all()]


@door(router, "POST", "/keys", scope="keys:admin", answer=shapes.NewKey, summary="Make an API key",
      status=201)  # fmt: skip
async def new_key(request: Request, body: NewKey) -> dict[str, object]:
    """The answer is the only place where the key is ever shown."""
    gateway, now = gate(request), gate(request).clock.now()
    made, text = await _do(
        request, "new key",
        lambda: gateway.identity.keys.make(
            body.name, body.role, now, who(request).name, scopes=tuple(body.scopes),
            addresses=tuple(body.addresses), rate=body.rate, life=Ns(body.days * DAY),
        ),
        lambda pair: {"id": pair[0].id, "name": pair[0].name, "role": pair[0].role},
    )  # fmt: skip
    return _key(made, now) | {"key": text.reveal().decode()}


@door(router, "DELETE", "/keys/{key_id}", scope="keys:admin", answer=shapes.Key,
      summary="Revoke an API key")  # fmt: skip
async def revoke_key(request: Request, key_id: KeyId) -> dict[str, object]:
    """From this moment it opens nothing."""
    gateway, now = gate(request), gate(request).clock.now()
    gone = await _do(
        request, "revoke key", lambda: gateway.identity.keys.revoke(key_id, now),
        lambda key: {"id": key.id, "name": key.name},
    )  # fmt: skip
    return _key(gone, now)


@door(router, "GET", "/people", scope="people:admin", answer=list[shapes.Person], summary="People")
async def list_people(request: Request) -> list[shapes.Person]:
    """Who may sign in."""
    return [_person(one) for one in gate(request).identity.people.all()]


@door(router, "POST", "/people", scope="people:admin", answer=shapes.Person, summary="Add a person",
      status=201)  # fmt: skip
async def new_person(request: Request, body: NewPerson) -> shapes.Person:
    """They change their password at POST /auth/password."""
    gateway, now = gate(request), gate(request).clock.now()
    made = await _do(
        request, "new person",
        lambda: gateway.identity.people.add(body.name, body.role, Secret(body.password), now),
        lambda one: {"name": one.name, "role": one.role},
    )  # fmt: skip
    return _person(made)


@door(router, "POST", "/people/{name}", scope="people:admin", answer=shapes.Person,
      summary="Change role or password of a person, or shut them out")  # fmt: skip
async def change_person(request: Request, name: PersonName, body: ChangePerson) -> shapes.Person:
    """Their sessions end; the last admin stays one."""
    gateway, now = gate(request), gate(request).clock.now()

    def act() -> people.Person:
        secret = Secret(body.password) if body.password else None
        made = gateway.identity.people.change(
            name, now, role=body.role or "", password=secret, disabled=body.disabled
        )
        gateway.identity.sessions.end_all(name, now, "the person was changed")
        return made

    changed = await _do(
        request, "change person", act,
        lambda one: {"name": one.name, "role": one.role, "disabled": one.disabled},
    )  # fmt: skip
    return _person(changed)


@door(
    router,
    "GET",
    "/audit",
    scope="audit:read",
    answer=shapes.Page,
    summary="The audit, newest first",
)
async def audit_rows(
    request: Request, limit: Annotated[int, Query(ge=1, le=LIMIT)] = 50,
    cursor: Annotated[str, Query(max_length=600)] = "",
) -> shapes.Page:  # fmt: skip
    """Each line is chained to all before it; `dutchbook audit verify` checks the chain."""
    identity, before = gate(request).identity, read_cursor(cursor, int)
    lines = await asyncio.to_thread(audit.read, identity.audit.path)
    older = [line for line in reversed(lines) if before is None or line.n < before]
    page = [
        shapes.AuditRow(line.n, when(line.at), line.who, line.address, line.what, line.result,
                        line.before, line.after, line.hash)
        for line in older[:limit]
    ]  # fmt: skip
    return shapes.Page(page, cursor_of(page[-1].n) if len(older) > limit else "")
