"""Insurers' APIs: an adapter per dialect."""
