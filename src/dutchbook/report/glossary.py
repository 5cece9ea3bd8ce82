"""Each metric in one line, with its formula: section 14 of the report."""

from typing import Final

GLOSSARY: Final = (
    ("Net", "gross − fees − slippage − leg risk − lock-up − other",
     "What is left after every cost; open trades at the value that the honesty box names."),
    ("Gross", "profit at the prices seen at decision", "What it would have been at no cost."),
    ("Slippage", "Σ size × (price paid − price seen)", "Worse prices than those decided on."),
    ("Leg risk", "Σ loss of failed legs and their unwinding", "What broken baskets cost."),
    ("Return", "net ÷ capital at the start", "Not annualised."),
    ("Per $-day locked", "net ÷ Σ capital × days locked", "What a tied dollar earns a day."),
    ("APR", "per $-day × 365", "Simple, on locked money only."),
    ("Sharpe", "mean ÷ deviation of daily returns × √365",
     "Interval: stationary bootstrap, blocks of about n^⅓ days."),
    ("Max drawdown", "max (peak − equity) ÷ peak", "Days: the longest time below a peak."),
    ("Hit rate", "winners ÷ ended trades", "Interval: Wilson, 95 %."),
    ("Brier score", "mean (claimed − outcome)²", "0 is perfect; 0.25 is a coin."),
    ("Log loss", "−mean ln(probability of what happened)", "Punishes sure errors hard."),
    ("Skill", "1 − ours ÷ market mid's", "Above 0: better than the market's own price."),
    ("Reliability, resolution, uncertainty", "Brier = reliability − resolution + uncertainty",
     "Murphy's parts: honest claims, telling claims, hard questions."),
    ("Calibration", "share that happened in each bin of claims", "On the diagonal: honest."),
    ("Favourite–longshot bias", "paid out − price, by price decile",
     "Below 0 at low prices: longshots are too dear."),
    ("Edge decay", "mean edge left some time after the signal", "How fast one must be."),
    ("Adverse move", "mid at fill − mid later, signed by side", "Above 0: sold to us by who knew."),
    ("Fill ratio", "size filled ÷ size asked", "Over all orders sent."),
    ("Effective events", "1 ÷ Σ share²", "So many equal winners are as concentrated."),
    ("Deflated Sharpe", "Φ((SR − SR₀)√(T−1) ÷ √(1 − γ₃SR + (γ₄−1)SR²/4))",
     "Chance that the Sharpe is real after so many trials. Bailey and López de Prado 2014."),
    ("Entry p-value", "(1 + random draws as good) ÷ (1 + draws)",
     "The same trades entered at random moments, both at mids."),
    ("Trade shuffle", "max drawdown of the same trades in random orders",
     "P95: one order in twenty is worse."),
    ("Risk of ruin", "share of draws that fall to half of the capital",
     "As many trades drawn with replacement."),
)  # fmt: skip
"""(name, formula, one line)."""
