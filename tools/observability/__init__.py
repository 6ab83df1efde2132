"""Files for Prometheus and Grafana, and pages for who is called at night, made from the promises and alerts under `deploy/observability`."""
