"""The wire: media types, dialects, and documents to and from the domain."""
