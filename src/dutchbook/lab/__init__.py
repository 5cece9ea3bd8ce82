"""Fitting and measuring on recorded data, offline; what it fits ships as small tables."""
