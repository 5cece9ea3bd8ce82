"""The venues' own client libraries, unmodified, each in an environment of its own, as judges."""
