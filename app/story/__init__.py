"""The story of a request: what became of it, and what it waits for, from PostgreSQL, Redis and every process."""
