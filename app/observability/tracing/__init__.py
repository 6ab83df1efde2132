"""Traces: from the caller's `traceparent` to the frame. Without `OTEL_EXPORTER_OTLP_ENDPOINT` there are none, and nothing of OpenTelemetry is imported."""
