"""Turns candidate baskets into proved ones, in whole numbers."""
