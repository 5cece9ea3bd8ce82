"""What a run refuses to go on with: a record of another mode, or one that ends in the future."""

import pytest

from dutchbook.domain.errors import ConfigError
from dutchbook.domain.events import Envelope, RunStarted
from dutchbook.domain.step import Step
from dutchbook.domain.units import SECOND, Ns
from dutchbook.runtime.bootstrap import House
from dutchbook.runtime.clock import SystemClock
from dutchbook.runtime.feeds import Addresses, KalshiAt, PolymarketAt
from dutchbook.runtime.live import Live
from dutchbook.runtime.settings import Settings
from dutchbook.storage.store import Store

AT = Addresses(
    KalshiAt("http://127.0.0.1:1", "ws://127.0.0.1:1", "k", "k.pem", account="us"),
    PolymarketAt("http://127.0.0.1:1", "http://127.0.0.1:1", "ws://127.0.0.1:1", account="us"),
)


def record(folder, ahead, mode="sim"):
    store = Store.open(folder, background=False)
    event = RunStarted("r1", mode, 7, "0", "", "e1", (("kalshi", "us"), ("polymarket", "us")))
    store.append(Step(Envelope(1, Ns(SystemClock().now() + ahead * SECOND), event)))
    store.close()


def opened(folder):
    return Live(House(Settings(data_dir=str(folder)), AT), lambda live, step: None)


async def test_a_record_that_ends_in_the_future_is_not_gone_on_with(tmp_path):
    record(tmp_path, 3_600)
    with pytest.raises(ConfigError, match=r"ends 3\d\d\d s in the future"):
        opened(tmp_path)


async def test_a_second_ahead_is_no_matter(tmp_path):
    record(tmp_path, 1)
    opened(tmp_path).store.close()


async def test_a_record_of_another_mode_is_not_gone_on_with(tmp_path):
    record(tmp_path, 0, "live")
    with pytest.raises(ConfigError, match="record of mode live, not sim"):
        opened(tmp_path)
