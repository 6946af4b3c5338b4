"""The service over HTTP: handlers parse, call one use case, and encode."""
