"""Benchmarks: each figure beside its yardstick in the same run, on the machine it is run on. Never timed tests."""
