"""Pages: what people read in a browser, rendered here, with nothing to load or run."""
