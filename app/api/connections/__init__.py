"""Which origins may connect, and how many connections each caller may hold."""
