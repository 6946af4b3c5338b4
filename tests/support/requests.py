"""Requests as clients send them."""

from aggregator.wire.reading import read_request

KINDS = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"


def a_request(**changes):
    """Return a request that every broker can serve, with members changed."""
    document = {
        "kind": f"{KINDS}/request/execution-request.yaml",
        "executable": {
            "kind": f"{KINDS}/executable/docker-container.yaml",
            "image": {
                "locations": ["images.example/notebook:latest"],
                "digest": "sha256:0000",
            },
        },
        "schedule": {"requested": {"duration": "PT10M"}},
        "compute": {
            "kind": f"{KINDS}/compute/simple-compute-resource.yaml",
            "cores": {"requested": {"min": 2}},
        },
        **changes,
    }
    return read_request(document, "2026-07")
