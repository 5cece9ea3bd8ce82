"""When jobs are due: cron strings, spans and moments, on whatever clock is given."""
