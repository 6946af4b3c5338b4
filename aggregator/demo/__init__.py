"""The demo: a federation of simulated sites, and one request's way through it."""
