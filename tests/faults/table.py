"""The faults that the federation must stand, by number, and what is wanted of it.

Each has tests in this directory that are called ``test_row_NN_...``, or says where it
is held instead. What a row says beyond what exists is in its ``limits``.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A fault.

    Attributes:
        fault: What goes wrong.
        wanted: What is to come of it.
        limits: What of it isn't tested in this directory, and why.
        held_by: A file of tests, where no test of this directory has the row.
    """

    fault: str
    wanted: str
    limits: str = ""
    held_by: str = ""


TABLE = {
    1: Row(
        "a site refuses connections, its name is unknown, there is no route",
        "the others' offers, at once; it is named; its breaker counts",
    ),
    2: Row(
        "a site's packets are dropped",
        "an answer at the deadline; waits of several requests don't add up",
    ),
    3: Row(
        "a site takes the request and never answers",
        "an answer at the deadline; the call ends with the late answers; nothing leaks",
    ),
    4: Row(
        "a site stalls within its answer, or sends it byte by byte",
        "one deadline for the whole answer",
    ),
    5: Row(
        "a site answers after the deadline",
        "its offers join the set while it is open, and are released afterwards",
    ),
    6: Row("all sites are slow", "one deadline, and 504 with what each did"),
    7: Row(
        "statuses 500, 502, 503, 504 and 429, with Retry-After",
        "told apart; never sent again; the shortest wait is passed on to the client",
        limits="a site's Retry-After delays releases, but not other users' requests",
    ),
    8: Row(
        "a site wants credentials",
        "that site is named; no 401 of ours unless all want them; no breaker trips",
    ),
    9: Row(
        "a site redirects within itself, elsewhere, in circles",
        "followed within its origin, five times; nothing is sent anywhere else",
    ),
    10: Row(
        "bodies that are cut off, pages, of odd types, with odd members",
        "decoded, or said to be bad; never a 500",
    ),
    11: Row(
        "bodies made to exhaust: aliases, gigabytes, depth, many offers",
        "bounded in size, depth and time; memory stays flat",
    ),
    12: Row(
        "kinds and members that nobody knows, members that are missing",
        "passed through; ranked as unknown",
    ),
    13: Row(
        "two sites, or one, give the same uuid twice",
        "no collision; nothing goes to the wrong site",
    ),
    14: Row(
        "a site is reached by two ways, or a request comes back",
        "shown once; the loop is refused",
    ),
    15: Row(
        "times that are past, inverted, in other zones, of a wrong clock",
        "taken out with the reason, or ranked as unknown",
        limits="by how much a clock is wrong is shown and not corrected",
    ),
    16: Row(
        "an offer vanishes before it is accepted",
        "refused with the reason; the rest of the set stays open",
    ),
    17: Row(
        "the site accepts, its answer is lost", "found out by reading; accepted once"
    ),
    18: Row(
        "the acceptance is lost on its way, or the site fails",
        "found out by reading; sent once more; nothing else is touched meanwhile",
    ),
    19: Row(
        "siblings are accepted at the same time",
        "one wins, the others are refused and released",
        limits="several replicas on one database: tests/replicas",
    ),
    20: Row(
        "the service is killed at each step of an acceptance",
        "it goes on where it was; one winner; losers are released",
        limits="before the row is written nothing was begun, which is what is tested",
    ),
    21: Row(
        "a site forgets its sessions",
        "lost at the site, with the last known state and its age",
    ),
    22: Row(
        "a session goes backwards, or into a phase that nobody knows",
        "backwards is shown; an unknown phase leaves the known one; counted by phase",
        limits="a step backwards is counted like every phase, not as a warning",
    ),
    23: Row(
        "a site is away when its session is asked for",
        "the last known state and its age; never FAILED by our own inference",
    ),
    24: Row(
        "a site fails every other time",
        "ejected for longer each time; one request tries it again",
    ),
    25: Row("all sites are ejected", "all are asked"),
    26: Row("probes pass, requests fail", "the ejection stands"),
    27: Row(
        "the replica catalogue is silent, or names places that no site has",
        "ranked by start, with low confidence, within its own limit",
        limits="what each kind of catalogue may do: tests/unit/catalogue",
    ),
    28: Row(
        "the store is locked, full, can't be written",
        "no acceptance without a durable row; reads go on; not ready; it heals",
        limits="a PostgreSQL that goes away: tests/unit/store and tests/replicas",
    ),
    29: Row(
        "a policy's file is broken, half written, gone",
        "the start is refused with file, line and column",
        limits="a running service keeps its last good one: tests/http/test_reloading.py",
    ),
    30: Row(
        "the sites change while requests are in flight and sessions live",
        "requests finish with what they began; a removed site keeps its sessions",
        limits="at the use cases; a changed file: tests/http/test_reloading.py",
    ),
    31: Row(
        "a token expires during a fan-out, or before a release",
        "that site is named, or the token renewed; the release is tried again, at last"
        " as the service; a slow issuer costs its own time and its sites' offers",
        limits="all modes and errors of issuers: tests/http/test_issued_credentials.py",
    ),
    32: Row("a user guesses another's uuids", "404 on every path"),
    33: Row(
        "the client goes away before the answer",
        "what was and is reserved for it is given back",
    ),
    34: Row(
        "one Idempotency-Key twice, at once, after a restart, with another body",
        "the same offer set; 422 for another body",
        held_by="tests/http/test_idempotency.py",
    ),
    35: Row(
        "more requests than can be served, one site slow",
        "shed at once with Retry-After; each site's calls bounded; nothing stays",
    ),
    36: Row(
        "certificates that expired or are for others, old TLS",
        "not connected, with the reason; nothing is sent",
        limits="when a certificate ends, as a metric: tests/unit/site_adapters",
    ),
    37: Row(
        "sites of other versions of the protocol", "found out by asking; understood"
    ),
    38: Row(
        "this machine's clock jumps",
        "deadlines don't move",
        limits="expiries are times of day, and do follow the clock",
    ),
}
