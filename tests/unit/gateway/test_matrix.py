"""P15, F72: every route, method, role and kind of key of the OpenAPI file: none without a right."""

import itertools
from typing import Any

import pytest

from dutchbook.domain.units import DAY, Ns
from dutchbook.gateway.rights import ROLES, SCOPES
from unit.gateway.house import Both, plain

pytestmark = pytest.mark.asyncio(loop_scope="module")
FILLED = {"platform": "kalshi", "market_id": "A", "order_id": "none", "opportunity_id": "none",
          "key_id": "0" * 12, "approval_id": "0" * 16, "name": "nobody", "kind": "price",
          "source": "whale", "secret": "guess", "channel": "signals"}  # fmt: skip


def operations(stood: Both) -> list[tuple[str, str, dict[str, Any]]]:
    """(method, path with something in its holes, operation)."""
    document = stood.serving.app.openapi()
    return [
        (method.upper(), path.format(**FILLED), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def denied(stood: Both, method: str, path: str, headers: dict[str, str]) -> int:
    # The body is no JSON at all: whoever has no right must not even learn that.
    answer = await stood.call(method, path, headers | {"Content-Type": "application/json"},
                              content=b"{" if method == "POST" else b"")  # fmt: skip
    return answer.status_code


async def test_no_route_is_reachable_without_its_right(stood: Both, record_property) -> None:
    now = stood.gateway.clock.now()
    revoked = stood.key("admin")
    stood.gateway.identity.keys.revoke(revoked["X-Dutchbook-Key"][3:15], now)
    good = stood.key("admin")["X-Dutchbook-Key"]
    bad = {
        "none": {},
        "empty (AUTH1)": {"X-Dutchbook-Key": ""},
        "wrong": {"X-Dutchbook-Key": good[:-3] + ("AAA" if good[-3:] != "AAA" else "BBB")},
        "prefix (AUTH3)": {"X-Dutchbook-Key": good[:-1]},
        "long (AUTH2)": {"X-Dutchbook-Key": good + "A" * 4_000},
        "expired": stood.key("admin", at=Ns(now - 2 * DAY), life=Ns(DAY)),
        "revoked": revoked,
        "elsewhere": stood.key("admin", addresses=("192.168.7.0/24",)),
        "token": {"Authorization": "Bearer a.b.c"},
        "basic": {"Authorization": "Basic YTpi"},
    }
    before, tried = stood.mark(), 0
    for (method, path, operation), (name, headers) in itertools.product(
        operations(stood), bad.items()
    ):
        if operation["x-scope"] == "open":
            continue
        status = await denied(stood, method, path, headers)
        assert status in (401, 403), (name, method, path, status)
        tried += 1
    assert stood.mark() == before
    record_property("requests without a right", tried)
    assert tried > 400


async def test_each_role_reaches_what_is_its_own_and_nothing_else(stood: Both) -> None:
    before = stood.mark()
    for role, scopes in ROLES.items():
        headers = stood.key(role)
        for method, path, operation in operations(stood):
            scope = operation["x-scope"]
            if scope == "open" or scope in scopes:
                continue
            assert await denied(stood, method, path, headers) == 403, (role, method, path)
    assert stood.mark() == before


async def test_a_key_with_fewer_scopes_reaches_fewer_routes(stood: Both) -> None:
    headers = stood.key("admin", scopes=("markets:read",))
    for method, path, operation in operations(stood):
        if operation["x-scope"] in ("open", "markets:read", "self"):
            continue
        assert await denied(stood, method, path, headers) == 403, (method, path)
    assert (await stood.call("GET", "/api/v1/markets", headers)).status_code == 200


async def test_every_operation_says_its_scope_and_the_open_ones_are_few(stood: Both) -> None:
    found = operations(stood)
    assert {operation["x-scope"] for _, _, operation in found} <= SCOPES | {"open"}
    open_paths = {path for _, path, operation in found if operation["x-scope"] == "open"}
    roots = {path.removeprefix("/api/v1") for path in open_paths}
    assert roots == {"/health", "/ready", "/webhook/whale", "/webhook/whale/guess", "/auth/login",
                     "/auth/refresh", "/auth/first", "/alerts/nobody/confirm",
                     "/webhook/discord"}  # fmt: skip


async def test_where_errors_point_there_is_the_interface_itself(stood: Both) -> None:
    """Answers said "see /api/v1/openapi.json", where nothing was."""
    headers = stood.key("viewer")
    lost = await stood.call("GET", "/api/v1/marketz", headers)
    where = plain(lost)["fix"].removeprefix("see ")
    answer = await stood.call("GET", where, headers)
    assert answer.status_code == 200 and plain(answer) == stood.serving.app.openapi()
    assert (await stood.call("GET", where, {})).status_code == 401


async def test_other_methods_are_not_there(stood: Both) -> None:
    admin = stood.key("admin")
    paths = {path for _, path, _ in operations(stood)}
    known = {(method, path) for method, path, _ in operations(stood)}
    for path in sorted(paths):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"):
            if (method, path) in known:
                continue
            answer = await stood.call(method, path, admin)
            assert answer.status_code in (404, 405), (method, path)


async def test_a_route_without_a_scope_is_not_mounted() -> None:
    from fastapi import APIRouter, Depends, FastAPI

    from dutchbook.gateway.app import mount
    from dutchbook.gateway.door import Guarded

    router = APIRouter()
    router.add_api_route("/open", lambda: None)
    with pytest.raises(ValueError, match="nobody would close"):
        Guarded("/held", lambda: None, dependencies=[Depends(lambda: None)])
    with pytest.raises(ValueError, match="has no scope"):
        mount(FastAPI(), router, "")


async def test_refusals_are_written_down_but_not_without_end(stood: Both) -> None:
    audit = stood.gateway.identity.audit
    before = audit.n
    for _ in range(200):
        await stood.call("GET", "/api/v1/keys", {"X-Dutchbook-Key": "db_x"})
    assert audit.n - before <= 2
    assert await denied(stood, "GET", "/api/v1/keys", stood.key("viewer")) == 403
    rows = plain(await stood.call("GET", "/api/v1/audit?limit=500", stood.key("auditor")))
    assert {"unauthenticated", "forbidden"} <= {row["result"] for row in rows["items"]}
