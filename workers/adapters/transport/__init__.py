"""HTTP to insurers: connections, TLS, names, and limits on every byte."""
