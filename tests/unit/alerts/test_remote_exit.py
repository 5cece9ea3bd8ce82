"""/forceexit hands over the whole of what it was told."""

from types import SimpleNamespace
from typing import cast

import pytest

from dutchbook.runtime.live import Live
from dutchbook.runtime.remote import Remote


@pytest.mark.parametrize("words", [("b1-2-3",), ("kalshi:A", "yes")])
def test_a_basket_or_a_position_is_named_whole(words):
    told = []
    remote = Remote(cast(Live, SimpleNamespace(tell=told.append)))
    assert words[-1] in remote("ann", f"/forceexit {' '.join(words)}")
    assert [(event.verb, event.args) for event in told] == [("exit", words)]
