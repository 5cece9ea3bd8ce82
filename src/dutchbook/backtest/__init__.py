"""The same engine over tapes in virtual time, against pretend venues."""
