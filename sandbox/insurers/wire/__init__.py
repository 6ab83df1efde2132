"""Insurers' dialects over HTTP."""
