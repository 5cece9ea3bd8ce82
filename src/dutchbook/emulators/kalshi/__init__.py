"""The pretend Kalshi: its REST bodies and its WebSocket conversation."""
