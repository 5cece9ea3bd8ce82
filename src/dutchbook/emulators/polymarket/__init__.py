"""The pretend Polymarket: CLOB and Gamma bodies and the market WebSocket conversation."""
