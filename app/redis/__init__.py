"""What only moves the truth: job streams, event streams, notifications and shared states in Redis."""
