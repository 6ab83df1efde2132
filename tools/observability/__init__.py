"""Files for Prometheus and Grafana, and runbooks, made from the promises and alerts under `deploy/observability`."""
