"""The operator's console at `/operator`: its page, its JSON, its events."""
