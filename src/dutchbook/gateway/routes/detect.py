"""Detection on demand."""

from typing import Any

import msgspec
from fastapi import Request

from dutchbook.domain.certificate import Certificate
from dutchbook.domain.units import Ns
from dutchbook.gateway import rows, shapes
from dutchbook.gateway.bodies import Detect
from dutchbook.gateway.door import door, new_router
from dutchbook.gateway.problems import Problem
from dutchbook.gateway.routes.common import asked, gate
from dutchbook.gateway.told import Held

router = new_router()


@door(router, "POST", "/detect", scope="detect:run", answer=shapes.Detected,
      summary="Judge every basket that nearly pays, now")  # fmt: skip
async def detect(request: Request, body: Detect) -> shapes.Detected:
    """Detection goes on by itself with every change; this looks with thresholds of one's own.

    Nothing is traded. At most two a second.
    """
    gateway = gate(request)
    wait = gateway.rates.take("detect", 2)
    if wait:
        raise Problem("too_many", "detection was asked for just now",
                      fix="GET /api/v1/opportunities is always up to date", retry=wait)  # fmt: skip
    wanted = {
        "edge": body.min_profit_threshold // 100, "most": body.max_positions,
        "age_ns": body.time_window_seconds * 10**9, "platforms": list(body.platforms),
    }  # fmt: skip
    found: dict[str, Any] = await asked(
        gateway.run.ask("detect", (msgspec.json.encode(wanted).decode(),))
    )
    items = [
        rows.opportunity(Held(name, Ns(at), msgspec.convert(proof, Certificate), 0))
        for name, at, proof in found["found"]
    ]
    return shapes.Detected(items, found["took_us"] / 1_000, found["scanned"])
