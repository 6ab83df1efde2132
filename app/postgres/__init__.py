"""What is true: requests, quotes and the outbox in PostgreSQL, applications sealed."""
