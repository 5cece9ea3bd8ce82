"""Composition root: settings, clock, inbox, modes."""
