"""One file per part of the interface; each offers `router`."""
