"""Adapters through which the meta-broker speaks to the sites of a federation."""
