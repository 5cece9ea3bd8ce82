"""The door for screens and programs: HTTP over a read model that follows a run's Steps."""
