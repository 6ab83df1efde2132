"""Logs, metrics, health: what operators look at."""
