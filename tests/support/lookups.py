"""Short ways to look datasets up."""

import asyncio

from aggregator.domain.replicas import Did

PLENTY = 20.0


def did(text):
    namespace, _, name = text.partition(":")
    return Did(namespace, name)


def in_seconds(seconds):
    return asyncio.get_running_loop().time() + seconds


async def look_up(service, *texts, seconds=PLENTY):
    return await service.look_up([did(text) for text in texts], in_seconds(seconds))


def told(lookup):
    """Return the RSEs of each dataset that a lookup located, sorted."""
    return {
        str(one): sorted(replica.rse for replica in data.replicas)
        for one, data in lookup.located.items()
    }


def unknown(lookup):
    return sorted(map(str, lookup.unknown))
