"""Figures of backtests as people read them."""

from typing import Any, Final

from dutchbook.report.daily import moment

MONEY: Final = (
    "net", "gross", "fees", "slippage", "capital", "dollar_days", "expected", "mean", "best",
    "worst", "capital_start", "leg_risk", "equity_change", "unexplained", "net_p5", "net_p50",
    "net_p95", "drawdown", "drawdown_p95", "train_net", "test_net", "cash",
)  # fmt: skip
"""Figures in millionths of a dollar, which people read in dollars."""

MOMENTS: Final = ("train_from", "train_to", "test_from", "test_to")


def plain(name: str, value: Any) -> str:
    """A figure of a run by its name in the JSON: money in dollars, lists without brackets."""
    if name in MONEY and isinstance(value, int | float):
        return f"{'-' if value < 0 else ''}${abs(value) / 1e6:,.2f}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if value is None:
        return "–"
    if name in MOMENTS:
        return moment(value)
    return f"{value:,.4f}" if isinstance(value, float) else str(value)
