"""Redis: it only moves what PostgreSQL knows, and may lose everything at any moment."""
