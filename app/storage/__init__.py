"""PostgreSQL: what is true. Functions here take a connection and neither open nor commit transactions of their own."""
