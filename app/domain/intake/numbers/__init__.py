"""What numbers look like: those of plates, documents, registers and countries, each kind a row of a table."""
