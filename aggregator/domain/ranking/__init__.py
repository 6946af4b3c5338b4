"""Ranking: policy, filters, estimates, weighers, order and explanation; all pure."""
