"""Every crash point of the order path: a process that dies there, and the one that goes on."""
