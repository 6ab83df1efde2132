"""Destinations of events; each kind needs its extra, and is imported only when it is used."""
