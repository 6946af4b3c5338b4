"""The use cases: asking the sites, accepting, following, releasing."""
