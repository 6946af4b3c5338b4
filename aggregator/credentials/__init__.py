"""Credentials towards others: secrets, and tokens that are issued for one site."""
