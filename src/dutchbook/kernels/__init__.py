"""Loops over thousands of books at memory speed: numba, arrays and row numbers only."""
