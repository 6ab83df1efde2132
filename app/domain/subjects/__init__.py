"""The people that an application names, and what of theirs is destroyed."""
