"""The words that everything else is written in: units, instruments, events, effects, steps."""
