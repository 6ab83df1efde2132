"""What operators order, and what the audit keeps of it."""
