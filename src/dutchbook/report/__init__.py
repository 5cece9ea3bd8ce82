"""Reports of runs and backtests: one record in, figures, tables, one HTML file and exports out."""
