"""Faults by script and by magic values."""
