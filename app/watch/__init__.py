"""From a notification to subscribers: the hub, its events, and those who watch."""
