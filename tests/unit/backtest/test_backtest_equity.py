"""The trades of a run and the change of its equity are two sums of the same money."""

import os

import pytest

from dutchbook.backtest.generated import generated
from dutchbook.backtest.plan import Plan
from dutchbook.backtest.run import play
from dutchbook.domain.units import SECOND, Ns
from dutchbook.report import metrics

LONG = bool(os.environ.get("DUTCHBOOK_TEST_ALL"))


@pytest.mark.parametrize(
    ("seed", "seconds", "names"),
    [
        (7, 120, "arbitrage"),
        (3, 60, "maker,bundle,complement,cross_venue,implication"),
        *([(seed, 300, "arbitrage") for seed in range(8, 14)] if LONG else []),
    ],
)
def test_nothing_of_the_change_of_equity_is_left_unexplained(seed, seconds, names):
    """Also where baskets were sold back, got stuck, or netted with what another one holds."""
    played = play(Plan(names), generated(seed, Ns(seconds * SECOND)), digest=False)
    account = played.session.engine.trading.account
    stages = {basket.stage for basket in account.baskets.values()}
    assert "done" in stages and stages & {"unwound", "stuck"}
    summary = metrics.document(played.record)["summary"]
    assert summary["fills"] > 50
    assert summary["unexplained"] == 0


def test_our_books_hold_what_the_pretend_venue_says():
    """Cash too, to the millionth, though Kalshi gives back roundings: a fee below nothing."""
    played = play(Plan("arbitrage"), generated(7, Ns(120 * SECOND)), digest=False)
    account, papers = played.session.engine.trading.account, played.session.exchange.papers
    fees = [fill.fee for life in account.orders.values() for fill in life.fills]
    assert min(fees) < 0 < max(fees)
    assert {venue: account.cash(venue) for venue in papers} == {
        venue: paper.cash for venue, paper in papers.items()
    }
    assert all(account.reconciled.values())
