"""dutchbook: Kalshi and Polymarket as one book, every mispricing found and proved."""

__version__ = "0.1.0"
