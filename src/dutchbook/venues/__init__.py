"""Pure protocols, one folder per venue: bytes in, events and requests out."""
