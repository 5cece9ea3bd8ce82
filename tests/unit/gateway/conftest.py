"""One run with its gateway for all tests of a module that only ask; others make their own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from unit.gateway.house import Both, standing


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The key of the secrets and the head of the audit go where nobody else keeps them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stood(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    root: Path = tmp_path_factory.mktemp("data")
    async with standing(root) as both:
        yield both
    await asyncio.sleep(0)
