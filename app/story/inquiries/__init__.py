"""Processes asked over Redis what they have in memory about one request."""
