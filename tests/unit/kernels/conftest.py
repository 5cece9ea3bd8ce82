"""Kernels are compiled once for all tests of them."""

import pytest

from dutchbook.kernels.warm import warm


@pytest.fixture(scope="session", autouse=True)
def warmed():
    warm()
