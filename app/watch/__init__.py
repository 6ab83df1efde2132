"""From a notification to subscribers: the hub, its events, and the watches."""
