"""One file per strategy: reads a view, returns wishes."""
