"""Everything that commits: accept, settle, complete, erase, and the limits of callers."""
