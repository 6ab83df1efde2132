"""Settings of the environment, and `insurers.toml`."""
