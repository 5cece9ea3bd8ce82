"""One raw message of a provider in, our own shape out; nothing is kept."""

from typing import Annotated, Literal

from fastapi import Path, Request

from dutchbook.domain.units import MILLI
from dutchbook.gateway import shapes
from dutchbook.gateway.bodies import Normalize
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.normalize import KINDS
from dutchbook.gateway.routes.common import gate

router = new_router()


@door(router, "POST", "/normalize/{kind}", scope="normalize:run", answer=shapes.Normalized,
      summary="Normalise one raw message")  # fmt: skip
async def normalize(
    request: Request, kind: Annotated[Literal["price", "whale", "news"], Path()], body: Normalize
) -> shapes.Normalized:
    """What can't be true is refused with the name of the field."""
    now_ms = gate(request).clock.now() // MILLI
    return shapes.Normalized(KINDS[kind](body.source, body.raw_data, now_ms))
