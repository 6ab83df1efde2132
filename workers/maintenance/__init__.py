"""Keeping Redis and PostgreSQL in step: relay, recovery, gauges."""
