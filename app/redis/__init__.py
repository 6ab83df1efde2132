"""Jobs and news in Redis, none of it the truth: job streams, event streams, notifications and shared states."""
