"""A pretend exchange as pure values: matching, accounts, for emulators and paper trading."""
