"""Durations in words."""


def in_words(seconds: float) -> str:
    """`12 ms`, `1.5 s`."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
