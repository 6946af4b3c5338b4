"""Observability: metrics and logs, as implementations of ``ports.Telemetry``."""
