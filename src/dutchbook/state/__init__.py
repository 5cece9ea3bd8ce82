"""Folds events into books, feeds, links; knows no strategy."""
