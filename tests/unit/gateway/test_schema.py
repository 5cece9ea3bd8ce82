"""P15: schemathesis over every operation: no 5xx that is a defect, no answer off its schema."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from unit.gateway.served import served

CHECKS = (content_type_conformance, response_schema_conformance, status_code_conformance)
TOLD = (503, 504)
"""Answers above 500 that are no defects: no run, nobody knows."""


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_no_answer_is_off_its_schema_and_none_is_a_defect(
    tmp_path: Path, record_property
) -> None:
    async with served(tmp_path, key_rate="1000000") as (both, port):
        key = both.key("admin", rate=1_000_000)
        document = both.serving.app.openapi()
        codes = await asyncio.to_thread(_all, document, port, key)
    record_property("generated requests", sum(codes.values()))
    assert sum(codes.values()) > 200 and {200, 422} <= set(codes), codes


def _all(document: dict[str, Any], port: int, key: dict[str, str]) -> Counter[int]:
    """Every operation with a few generated requests; how often each status came."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"http://127.0.0.1:{port}")
    codes: Counter[int] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.startswith(("/webhook", "/health", "/ready", "/status", "/metrics")):
            continue  # the same ones again, at the root
        if operation.path.endswith("/kill"):
            continue  # it would be carried out, as it should: tests of commands do that

        @settings(max_examples=8, database=None, derandomize=True,
                  phases=[Phase.explicit, Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            answer = case.call(headers=key | {"Idempotency-Key": f"k{sum(codes.values())}"})
            codes[answer.status_code] += 1
            if answer.status_code not in TOLD:
                assert answer.status_code < 500, (case.method, case.path, answer.text[:500])
            case.validate_response(answer, checks=list(CHECKS))

        one()
    return codes
