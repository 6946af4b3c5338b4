"""Replica catalogues: what says where data are."""
