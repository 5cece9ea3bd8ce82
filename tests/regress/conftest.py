"""A house for each story."""

from collections.abc import AsyncIterator

import pytest

from regress.house import House, living


@pytest.fixture
async def house(tmp_path, monkeypatch) -> AsyncIterator[House]:
    async with living(tmp_path, monkeypatch) as made:
        yield made
