"""What every adapter has to hold to, whoever wrote it: `pytest --pyargs osago_adapter_suite --adapter NAME`.

It asks a sandbox insurer through the adapter, with all that stands around one in production but the servers: circuit, retries,
limits on time and size. The sandbox speaks the adapter's dialect, and behaves in every way that it knows.
"""
