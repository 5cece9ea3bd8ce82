"""Telegram, Discord, email and others as pure protocols, like the venues."""
