"""Circuits and rate limits, shared by all workers."""
