"""`osago bridge`: events from the feed to brokers and webhooks of others; its place and its truth are in PostgreSQL."""
