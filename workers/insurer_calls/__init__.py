"""One job's conversation with its insurer, from the first call to the answer."""
