"""A pretend Telegram, Discord and mail server, so that alerts can be seen without any account."""
