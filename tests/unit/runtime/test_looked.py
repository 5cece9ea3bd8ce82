"""What `go-live` asks of look-ahead checks: the last of each strategy that trades has passed."""

from types import SimpleNamespace

from dutchbook.runtime.golive import _looked
from dutchbook.runtime.looked import FILE, Looked, last, remember
from dutchbook.runtime.settings import Settings, Strategies


def item(runs, enabled="", arbitrage="complement,cross_venue"):
    settings = Settings(strategies=Strategies(enabled=enabled, arbitrage=arbitrage))
    return _looked(SimpleNamespace(settings=settings), runs)


def test_the_last_check_of_each_strategy_counts(tmp_path):
    assert not item(tmp_path).ok and "complement" in item(tmp_path).todo
    remember(tmp_path, Looked("maker", True, 40, 1))
    assert item(tmp_path, "maker").ok and not item(tmp_path).ok
    assert "longshot" in item(tmp_path, "maker, longshot").found
    remember(tmp_path, Looked("maker", False, 40, 2))
    assert not item(tmp_path, "maker").ok
    remember(tmp_path, Looked("cross_venue", True, 3, 3))
    assert item(tmp_path).ok, "one kind of arbitrage stands for all: they share one path"


def test_a_check_without_decisions_proves_nothing_and_a_torn_line_is_passed_over(tmp_path):
    remember(tmp_path, Looked("maker", True, 0, 1))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"strategy": "ma\n')
    remember(tmp_path, Looked("probe", True, 5, 2))
    assert not item(tmp_path, "maker").ok and list(last(tmp_path)) == ["maker", "probe"]
