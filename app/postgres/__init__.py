"""The truth in PostgreSQL: requests, quotes and the outbox, with sealed applications."""
