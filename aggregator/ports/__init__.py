"""Ports: the Protocols through which the use cases reach the world outside."""
