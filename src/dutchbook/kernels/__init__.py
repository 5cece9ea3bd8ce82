"""Compiled loops over arrays of whole numbers; imports nothing of ours."""
