"""Jobs from a stream to a task each: a lane per insurer."""
