"""The pure heart: offers, requests, phases, merging, ranking; no I/O and no clock."""
