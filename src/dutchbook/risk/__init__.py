"""The last word before an order: limits, halts, exposure."""
