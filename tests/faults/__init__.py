"""Faults between real processes: a proxy, storms, and disks that refuse."""
