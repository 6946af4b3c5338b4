"""The API's own description: an OpenAPI 3.1 document, written by hand as YAML files."""

from aggregator.http.openapi.document import api_document

__all__ = ["api_document"]
