"""Random messages in each dialect, nested and worded as the dialect does."""

from hypothesis import strategies as st

EARLY = ("2025-05", "2025-06")
TYPED = (*EARLY, "2025-11")
LISTING = (*TYPED, "2026-02")
OLD = "https://www.purl.org/ivoa.net/EB/schema/types/"
VERSIONED = "https://www.purl.org/ivoa.net/EB/schema/v1.0/types/"
NEW = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/"

URIS = {
    "2025-05": {
        "docker": OLD + "executables/docker-container-1.0",
        "compute": OLD + "resources/compute/simple-compute-resource-1.0",
        "storage": OLD + "resources/storage/simple-storage-resource-1.0",
        "volume": OLD + "resources/volumes/simple-volume-mount-1.0",
        "skao": OLD + "resources/data/skao-data-resource-1.0",
        "s3": OLD + "resources/data/amazon-s3-data-resource-1.0",
        "set": OLD + "offersets/offerset-response-1.0",
        "session": OLD + "sessions/execution-session-response-1.0",
    },
    "2025-06": {
        "docker": OLD + "executable/docker-container-1.0",
        "compute": OLD + "computer/simple-compute-resource-1.0",
        "storage": OLD + "storage/simple-storage-resource-1.0",
        "volume": OLD + "volume/simple-volume-mount-1.0",
        "skao": OLD + "data/skao-data-resource-1.0",
        "s3": OLD + "data/S3-data-resource-1.0",
        "set": OLD + "offerset/offerset-response-1.0",
        "session": OLD + "session/execution-session-response-1.0",
    },
    "2026-04": {
        "docker": VERSIONED + "executable/docker-container-1.0",
        "compute": VERSIONED + "compute/simple-compute-resource-1.0",
        "storage": VERSIONED + "storage/simple-storage-resource-1.0",
        "volume": VERSIONED + "volume/simple-volume-mount-1.0",
        "skao": VERSIONED + "data/skao-data-resource-1.0",
        "s3": VERSIONED + "data/S3-data-resource-1.0",
        "set": VERSIONED + "offerset/execution-offerset-1.0",
        "session": VERSIONED + "session/scheduled-execution-session-1.0",
    },
    "2026-07": {
        "docker": NEW + "executable/docker-container.yaml",
        "compute": NEW + "compute/simple-compute-resource.yaml",
        "storage": NEW + "storage/simple-storage-resource.yaml",
        "volume": NEW + "volume/simple-volume-mount.yaml",
        "skao": NEW + "data/skao-data-resource.yaml",
        "s3": NEW + "data/S3-data-resource.yaml",
        "set": NEW + "offerset/execution-offerset.yaml",
        "session": NEW + "session/scheduled-execution-session.yaml",
    },
}
URIS["2025-11"] = {
    **URIS["2025-06"],
    "compute": OLD + "compute/simple-compute-resource-1.0",
}
URIS["2026-02"] = URIS["2026-04"]

PHASES = ["OFFERED", "ACCEPTED", "WAITING", "PREPARING", "RUNNING", "COMPLETED"]

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
names = st.text("abcdefg -_0123456789", min_size=1, max_size=6)
uuids = st.uuids().map(str)
integers = st.integers(-(2**63), 2**63 - 1)
scalars = (
    st.none()
    | st.booleans()
    | integers
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)
extensions = st.dictionaries(
    names.map("urn:ext:{}".format) | st.just("x-scheduling"), anything, max_size=2
)
NO_PARTS = st.just({})
amounts = st.fixed_dictionaries(
    {}, optional={"min": st.integers(0, 64), "max": st.integers(64, 512)}
)
instants = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
durations = st.sampled_from(["PT0S", "PT10M", "P1D", "P1Y2M", "PT1.5S"])
intervals = st.builds("{}/{}".format, instants, durations)
paths = st.sampled_from(["/", "/in", "/in/", "/in/a", "/in/b", "/out", "/a", "//a"])


@st.composite
def components(draw, name, kind, *, named=True, parts=NO_PARTS):
    """Give a component as a dialect has it, with extensions."""
    uris = URIS[name]
    about = {}
    if named or draw(st.booleans()):
        about["name"] = draw(names)
    if draw(st.booleans()):
        about["uuid"] = draw(uuids)
    if draw(st.booleans()):
        about["created"] = draw(instants)
    uri = draw(st.just(uris[kind]) | st.just(f"https://example.org/kinds/{kind}"))
    body = {**draw(extensions), **draw(parts)}
    if name in TYPED:
        return {"type": uri, **about, **body}
    return {"kind": uri, **({"meta": about} if about else {}), **body}


def name_of(node):
    return node.get("name") or node["meta"]["name"]


@st.composite
def volumes(draw, name, resources):
    several = name in LISTING
    resource = st.sampled_from(resources)
    parts = st.fixed_dictionaries(
        {"path": paths},
        optional={
            "mode": st.sampled_from(["READONLY", "READWRITE"]),
            **(
                {
                    "resources": st.lists(resource, min_size=1, max_size=3),
                    "cardinality": st.sampled_from(["SINGLE", "INSTANCE", "CONTAINER"]),
                }
                if several
                else {"resource": resource}
            ),
        },
    )
    return draw(
        st.lists(components(name, "volume", named=several, parts=parts), max_size=3)
    )


@st.composite
def lifecycles(draw, name):
    """Give a schedule as a dialect has it."""
    start = instants if name in EARLY else intervals
    periods = {
        "preparing": st.fixed_dictionaries(
            {}, optional={"start": instants, "duration": durations}
        ),
        "available": st.fixed_dictionaries(
            {}, optional={"start": start, "duration": durations}
        ),
        "releasing": st.fixed_dictionaries(
            {}, optional={"start": instants, "duration": durations}
        ),
    }
    schedule = draw(st.fixed_dictionaries({}, optional=periods))
    return {"offered": schedule} if name in EARLY else schedule


def lively(name, **more):
    return st.fixed_dictionaries(
        {},
        optional={
            "phase": st.sampled_from(["INITIALIZING", "AVAILABLE", "COMPLETED"]),
            "schedule": lifecycles(name),
            **more,
        },
    )


@st.composite
def bodies(draw, name):
    """Give what requests and sessions have in common, as a dialect nests it."""
    data_parts = lively(
        name,
        skao=st.fixed_dictionaries(
            {"namespace": names, "objectname": names},
            optional={
                "datasize": st.integers(0, 2**63 - 1),
                "checksum": st.just({"type": "MD5", "value": "0"}),
            },
        ),
    )
    data = draw(
        st.lists(
            st.sampled_from(["skao", "s3"]).flatmap(
                lambda kind: components(name, kind, parts=data_parts)
            ),
            max_size=3,
            unique_by=name_of,
        )
    )
    link = "resources" if name == "2025-05" else "data"
    storage_parts = lively(name, **{link: st.lists(uuids, max_size=2)})
    storage = draw(
        st.lists(components(name, "storage", parts=storage_parts), max_size=2)
    )
    mounted = draw(volumes(name, [*map(name_of, data + storage), "elsewhere"]))
    compute = draw(
        components(
            name,
            "compute",
            named=False,
            parts=lively(name, cores=amounts, memory=amounts),
        )
    )
    inline = name in ("2026-04", "2026-07") or draw(
        st.sampled_from([False, False, True])
    )
    if mounted:
        compute["volumes"] = (
            mounted if inline else [name_of(volume) for volume in mounted]
        )
    resources = {"compute": compute, "storage": storage, "data": data}
    if mounted and not inline:
        resources["volumes"] = mounted
    resources = {
        key: part for key, part in resources.items() if part or draw(st.booleans())
    }
    executable = draw(
        components(
            name,
            "docker",
            named=False,
            parts=lively(name, image=st.just({"digest": "sha256:0"})),
        )
    )
    if name == "2025-05" and draw(st.sampled_from([True, True, False])):
        resources["compute"] = [compute]
        resources = {"resources": resources}
    elif name in EARLY:
        resources["computer"] = resources.pop("compute")
    return {"executable": executable, **resources, **draw(extensions)}


@st.composite
def requests(draw, name):
    listed = st.lists(intervals, min_size=1, max_size=2)
    start = {"2025-05": listed, "2025-06": listed | intervals}.get(name, intervals)
    asked = st.fixed_dictionaries(
        {},
        optional={
            "duration": durations.filter(lambda text: text != "PT0S"),
            "start": start,
        },
    )
    request = draw(bodies(name))
    if draw(st.booleans()):
        request["schedule"] = {"requested": draw(asked)}
    if name in TYPED and draw(st.booleans()):
        request["name"] = draw(names)
    if name == "2026-07" and draw(st.booleans()):
        cost = NEW + "costs/simple-minmax-float-cost.yaml"
        request["costs"] = [{"kind": cost, "type": "urn:money", "max": 1.5}]
    return request


@st.composite
def messages(draw, name):
    key = "type" if name in TYPED else "kind"
    item = st.fixed_dictionaries(
        {key: names, "level": st.sampled_from(["WARN", "ERROR"]), "template": texts},
        optional={"values": st.dictionaries(names, texts, max_size=2)},
    )
    return draw(st.lists(item, min_size=1, max_size=2))


@st.composite
def sessions(draw, name):
    ready = ["PROPOSED", "READY"] if name in EARLY else ["INITIAL", "AVAILABLE"]
    session = {
        **draw(components(name, "session")),
        **draw(bodies(name)),
        "phase": draw(st.sampled_from([*PHASES, *ready])),
        "expires": draw(instants),
    }
    if draw(st.booleans()):
        session["schedule"] = draw(lifecycles(name))
    key = "type" if name in TYPED else "kind"
    if draw(st.booleans()):
        session["connectors"] = [
            {key: "urn:web", "protocol": "HTTP", "location": "http://x/"}
        ]
    if draw(st.booleans()):
        about = session if name in TYPED else session.setdefault("meta", {})
        about["messages"] = draw(messages(name))
        about["options"] = [
            {key: "uri:enum-value-option", "path": "/phase", "values": ["CANCELLED"]}
        ]
        about["href" if name in TYPED else "url"] = "http://site/sessions/x"
    return session


@st.composite
def offer_sets(draw, name):
    document = {**draw(components(name, "set")), "result": "YES"}
    document["offers"] = draw(st.lists(sessions(name), max_size=2))
    return document


@st.composite
def updates(draw, name):
    key = "type" if name in TYPED else "kind"
    update = {
        key: "uri:string-value-update",
        "path": "/x",
        "value": draw(texts),
        **draw(extensions),
    }
    return {"update": update} if name in TYPED else update


BODIES = {
    "request": requests,
    "session": sessions,
    "offer_set": offer_sets,
    "update": updates,
}


@st.composite
def messages_in_dialects(draw):
    """Give the name of a dialect, of a type of body, and such a body in it."""
    name = draw(st.sampled_from(sorted(URIS)))
    body = draw(st.sampled_from(list(BODIES)))
    return name, body, draw(BODIES[body](name))
