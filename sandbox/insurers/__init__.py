"""Insurers to try against: twelve invented ones with the `rest-poll` API, and scripted faults."""
