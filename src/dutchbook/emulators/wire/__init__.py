"""What both emulated venues share: keys, limits, the log, outgoing frames, faults, sockets."""
