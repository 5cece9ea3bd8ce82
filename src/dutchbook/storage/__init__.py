"""Journal and tape: the record of a run."""
