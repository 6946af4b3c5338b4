"""Benchmarks, each with the peer that it is measured against in the same run."""
