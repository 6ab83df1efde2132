"""Values of the domain as bytes, for PostgreSQL and Redis."""
