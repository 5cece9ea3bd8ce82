"""What happened, told to whoever listens: one pure protocol, and thin transports beside it."""
