"""Tools for asyncio that know nothing of insurance: clock, group commit, supervision, cancellation."""
