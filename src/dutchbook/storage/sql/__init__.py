"""SQL tables as projections of the account journal: SQLite by default, Postgres by URL."""
