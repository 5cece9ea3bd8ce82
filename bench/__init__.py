"""One file per promise of the performance table; each measures, compares, and says if it holds."""
