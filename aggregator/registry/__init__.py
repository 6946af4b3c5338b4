"""The site registry: SRCNet's directory of sites, read tolerantly."""
