"""The interface's own description, for programs that make a client of it."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from dutchbook.gateway import openapi, shapes
from dutchbook.gateway.door import door, new_router

router = new_router()


@door(router, "GET", "/openapi.json", scope="self", answer=dict[str, Any],
      summary="This interface, as OpenAPI")  # fmt: skip
async def document(request: Request) -> Response:
    """The same file as `dutchbook api openapi` prints, for whoever has any key."""
    app = request.app
    if not hasattr(app.state, "document"):
        app.state.document = shapes.encode(openapi.document(app))
    return Response(app.state.document, media_type="application/json")
