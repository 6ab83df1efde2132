"""The servers of a database URL: their addresses, what each says of itself, and which of them is the primary."""
