"""`osago insurers pause` and the like: what operators order from a terminal."""
