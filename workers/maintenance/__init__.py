"""What keeps Redis and PostgreSQL in step: relay, recovery, gauges."""
