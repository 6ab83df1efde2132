"""What every adapter has to hold to: `pytest --pyargs osago_adapter_suite --adapter NAME`.

It asks a sandbox insurer through the adapter, with everything around it that production has but the servers: circuit,
retries, limits on time and size. The sandbox speaks the adapter's dialect, and behaves in every way that it knows.
"""
