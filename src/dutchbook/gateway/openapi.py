"""The OpenAPI file: FastAPI's own for what comes in, and our structs for what goes out."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from dutchbook.gateway import shapes
from dutchbook.gateway.door import ANSWERS, OPEN
from dutchbook.gateway.examples import ANSWERED, SENT
from dutchbook.gateway.problems import MEDIA, PROBLEM_SCHEMA, TITLES
from dutchbook.gateway.rights import ROLES, SCOPES

SECURITY: Final = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Dutchbook-Key"},
    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
ABOUT: Final = """Opportunities, orders and positions of a dutchbook run.

Money, prices and sizes are exact decimals, times UTC. Errors are problem documents (RFC 9457)
with a stable `code` and a `fix`. `x-scope` of an operation is what a key or role must hold."""


def routes(app: FastAPI) -> list[APIRoute]:
    """Every route of the interface."""
    return [route for route in app.router.routes if isinstance(route, APIRoute)]


def document(app: FastAPI) -> dict[str, Any]:
    """The file, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _made(app)
    return app.openapi_schema


def _made(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, routes=app.router.routes, description=ABOUT
    )
    operations = {route.operation_id or "": route for route in routes(app)}
    kinds = {name: kind for name, kind in ANSWERS.items() if kind is not str}
    made, parts = shapes.schemas(*kinds.values())
    answers = dict(zip(kinds, made, strict=True))
    components = found.setdefault("components", {})
    components.setdefault("schemas", {}).update(parts)
    components["schemas"]["Problem"] = PROBLEM_SCHEMA
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["securitySchemes"] = SECURITY
    components["responses"] = {
        "Problem": {
            "description": "A problem document",
            "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    }
    for path in found["paths"].values():
        for operation in path.values():
            _describe(operation, operations[operation["operationId"]], answers)
    found["x-roles"] = {role: sorted(scopes) for role, scopes in ROLES.items()}
    found["x-scopes"] = sorted(SCOPES)
    return found


def _describe(operation: dict[str, Any], route: APIRoute, answers: dict[str, Any]) -> None:
    name = operation["operationId"].removeprefix("root_")
    media, scope = operation.pop("x-media"), operation["x-scope"]
    raw, _ = operation.pop("x-raw"), operation.pop("x-shows")
    body: dict[str, Any] = {"schema": answers.get(name, {"type": "string"})}
    if name in ANSWERED:
        body["example"] = ANSWERED[name]
    problem: dict[str, Any] = {"$ref": "#/components/responses/Problem"}
    statuses = {400, 404, 405, 408, 413, 421, 429, 500, 503} | (
        {401, 403} if scope != OPEN else set()
    )
    if operation.get("requestBody"):
        statuses |= {409, 410, 415, 422, 504, 401, 403}
        for content in operation["requestBody"]["content"].values():
            if name in SENT:
                content["example"] = SENT[name]
    statuses |= {422} if operation.get("parameters") else set()
    statuses |= {409, 504, 422} if scope not in (OPEN,) and "get" not in name[-4:] else set()
    if raw:  # what is wrong with a body is known to the route itself
        statuses |= {401, 403, 409, 410, 415, 422, 504}
    if media == "text/html":
        problem = {"description": "A page, or a problem document",
                   "content": {media: {"schema": {"type": "string"}}, MEDIA: {"schema": {
                       "$ref": "#/components/schemas/Problem"}}}}  # fmt: skip
    operation["responses"] = {
        str(route.status_code or 200): {"description": "Done", "content": {media: body}},
        **{str(status): problem for status in sorted(statuses & set(_KNOWN))},
    }
    operation["tags"] = [scope.partition(":")[0]]


_KNOWN: Final = {status for status, _ in TITLES.values()}
