"""Jobs that kill their worker: found, isolated and given up."""
